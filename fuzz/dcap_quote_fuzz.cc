// What the quote parser accepts has one encoding: written again from its parts, it is the same
// bytes, up to those that stand behind the quote. Nobody signed what a fuzzer makes: it never
// verifies.

#include "attestation/dcap/quote.h"
#include "attestation/sgx/verify.h"
#include "attestation/tdx/verify.h"
#include "base/byte_reader.h"
#include "property.h"

namespace {

using apm::Bytes;
using apm::ByteView;
namespace dcap = apm::attestation::dcap;

// Outer certification data, of version 4 and 5: a type and a size around the rest.
constexpr std::uint16_t kOuterType = 6;

Bytes tail_of(const dcap::Quote& quote) {
  Bytes out = quote.qe_report_bytes;
  apm::append(out, ByteView(quote.qe_r));
  apm::append(out, ByteView(quote.qe_s));
  apm::append_u16_le(out, static_cast<std::uint16_t>(quote.qe_authentication.size()));
  apm::append(out, ByteView(quote.qe_authentication));
  apm::append_u16_le(out, quote.certification_type);
  apm::append_u32_le(out, static_cast<std::uint32_t>(quote.certification_data.size()));
  apm::append(out, ByteView(quote.certification_data));
  return out;
}

Bytes write_again(const dcap::Quote& quote) {
  Bytes data;
  for (const auto& part : {quote.r, quote.s, quote.key_x, quote.key_y}) {
    apm::append(data, ByteView(part));
  }
  const Bytes tail = tail_of(quote);
  if (quote.version > 3) {
    apm::append_u16_le(data, kOuterType);
    apm::append_u32_le(data, static_cast<std::uint32_t>(tail.size()));
  }
  apm::append(data, ByteView(tail));
  Bytes out = quote.signed_bytes;
  apm::append_u32_le(out, static_cast<std::uint32_t>(data.size()));
  apm::append(out, ByteView(data));
  return out;
}

void never_accepted(ByteView raw, dcap::Tee tee) {
  static const auto anchors = dcap::Anchors::vendor();
  const dcap::Expectation expected{&*anchors, 1'790'000'000, Bytes(64)};
  apm::attestation::Appraisal appraisal;
  const bool accepted =
      tee == dcap::Tee::kTdx
          ? apm::attestation::tdx::verify(raw, nullptr, expected, {}, appraisal).ok()
          : apm::attestation::sgx::verify(raw, nullptr, expected, {}, appraisal).ok();
  apm::fuzz::require(!accepted, "a quote of nobody is accepted");
  apm::fuzz::require(!appraisal.verdict().ok(), "verdict and result differ");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using apm::fuzz::require;
  const ByteView raw(data, size);
  for (const dcap::Tee tee : {dcap::Tee::kSgx, dcap::Tee::kTdx}) never_accepted(raw, tee);
  const auto quote = dcap::parse_quote(raw);
  if (!quote.ok()) return 0;
  require(quote->trailing_bytes <= size, "more behind the quote than there is");
  const ByteView whole = raw.first(size - quote->trailing_bytes);
  require(apm::equal(write_again(*quote), whole), "two encodings of one quote");
  require(dcap::report_data_of(*quote).size() == 64, "report data of another size");
  const auto alone = dcap::parse_quote(whole);
  require(alone.ok() && alone->trailing_bytes == 0, "the quote depends on what is behind it");
  return 0;
}
