// What the document parser accepts has one encoding: written again from its parts, it is the same
// bytes. Also: nobody signed what a fuzzer makes, so it never verifies; and the CBOR that is signed
// ends in the payload that came in.

#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "attestation/nitro/verify.h"

namespace {

using apm::Bytes;
using apm::ByteView;
using apm::attestation::nitro::Document;

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "property broken: %s\n", what);
  std::abort();
}

void append_head(Bytes& out, unsigned major, std::size_t size) {
  const auto first = static_cast<std::uint8_t>(major << 5);
  if (size < 24) {
    out.push_back(static_cast<std::uint8_t>(first | size));
  } else if (size <= 0xff) {
    out.insert(out.end(), {static_cast<std::uint8_t>(first | 24), static_cast<std::uint8_t>(size)});
  } else {
    out.insert(out.end(), {static_cast<std::uint8_t>(first | 25),
                           static_cast<std::uint8_t>(size >> 8), static_cast<std::uint8_t>(size)});
  }
}

// The payload stands at the end of what is signed, behind a head of known size.
ByteView payload_of(const Document& document) {
  constexpr std::size_t kBefore = 12 + 5 + 1;  // context, protected header, empty byte string
  ByteView rest = ByteView(document.to_be_signed).subspan(kBefore);
  const unsigned extra = rest[0] & 0x1f;
  return rest.subspan(extra < 24 ? 1 : extra == 24 ? 2 : 3);
}

Bytes write_again(const Document& document, bool tagged) {
  Bytes out;
  if (tagged) out.push_back(0xd2);
  out.insert(out.end(), {0x84, 0x44, 0xa1, 0x01, 0x38, 0x22, 0xa0});
  const ByteView payload = payload_of(document);
  append_head(out, 2, payload.size());
  apm::append(out, payload);
  append_head(out, 2, document.r.size() + document.s.size());
  apm::append(out, ByteView(document.r));
  apm::append(out, ByteView(document.s));
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace nitro = apm::attestation::nitro;
  const ByteView raw(data, size);
  const auto document = nitro::parse_document(raw);
  if (!document.ok()) return 0;
  require(apm::equal(write_again(*document, raw[0] == 0xd2), raw), "two encodings of one document");
  require(document->pcrs.contains(0) && !document->cabundle.empty(), "a field is missing");

  static const auto anchors = nitro::Anchors::vendor();
  nitro::Expectation expected;
  expected.anchors = &*anchors;
  expected.valid_at = nitro::ValidAt::kTimestamp;
  apm::attestation::Appraisal appraisal;
  const auto verified = nitro::verify(raw, expected, appraisal);
  require(!verified.ok() || verified->evidence.vendor_anchor, "a verdict without an anchor");
  require(verified.ok() == appraisal.verdict().ok(), "verdict and record disagree");
  return 0;
}
