#include "attestation/nitro/document.h"

#include <algorithm>
#include <set>

#include "attestation/limits.h"
#include "attestation/nitro/cbor.h"
#include "base/text.h"

namespace apm::attestation::nitro {
namespace {

constexpr std::uint8_t kCoseSign1Tag = 0xd2;  // tag 18; libcbor 0.8 reads it as an error
constexpr std::uint64_t kCoseSign1Elements = 4;
constexpr std::size_t kSignatureSize = 96;
constexpr std::uint8_t kProtectedEs384[] = {0xa1, 0x01, 0x38, 0x22};  // {1: -35}
// ["Signature1", protected, h'', payload, up to the payload's own head.
constexpr std::string_view kSigContext("\x84\x6aSignature1", 12);
constexpr unsigned kPcrIndexMax = 31;
constexpr unsigned kImagePcrs[] = {0, 1, 2};

Error refused(std::string reason, std::string message) {
  return Error(Code::kRefused, std::move(reason), std::move(message));
}

// The reader's complaint, with where it was.
Error malformed(std::string_view where, const Error& error) {
  if (error.code == Code::kRefused) return error;
  return refused("nitro_malformed", concat("the Nitro document, ", where, ": ", error.message));
}

void append_bytes_head(Bytes& out, std::size_t size) {
  constexpr std::uint8_t kByteString = 0x40;
  if (size < 24) {
    out.push_back(static_cast<std::uint8_t>(kByteString | size));
  } else if (size <= 0xff) {
    out.insert(out.end(), {kByteString | 24, static_cast<std::uint8_t>(size)});
  } else {  // at most kNitroDocumentBytesMax, which fits 16 bits
    out.insert(out.end(), {kByteString | 25, static_cast<std::uint8_t>(size >> 8),
                           static_cast<std::uint8_t>(size & 0xff)});
  }
}

Bytes sig_structure(ByteView payload) {
  Bytes out = to_bytes(kSigContext);
  append_bytes_head(out, std::size(kProtectedEs384));
  append(out, ByteView(kProtectedEs384));
  append_bytes_head(out, 0);
  append_bytes_head(out, payload.size());
  append(out, payload);
  return out;
}

// ---- The fields of the payload ----

Result<Bytes> sized_bytes(CborReader& reader, std::string_view field, std::size_t most) {
  APM_TRY(const ByteView bytes, reader.read_bytes());
  if (bytes.empty() || bytes.size() > most) {
    return refused("nitro_field_size", concat("the Nitro document's ", field, " has ", bytes.size(),
                                              " bytes; it must have 1 to ", most));
  }
  return to_bytes(bytes);
}

Result<std::optional<Bytes>> optional_bytes(CborReader& reader, std::string_view field) {
  APM_TRY(const std::optional<ByteView> bytes, reader.read_bytes_or_null());
  if (!bytes) return std::optional<Bytes>();
  if (bytes->size() > kNitroOptionalFieldBytesMax) {
    return refused("nitro_field_size",
                   concat("the Nitro document's ", field, " has ", bytes->size(),
                          " bytes; at most ", kNitroOptionalFieldBytesMax, " are allowed"));
  }
  return std::optional<Bytes>(to_bytes(*bytes));
}

Status read_pcrs(CborReader& reader, Document& out) {
  APM_TRY(auto map, reader.open_map());
  for (;;) {
    APM_TRY(const bool more, map.more(reader));
    if (!more) return {};
    APM_TRY(const std::uint64_t index, reader.read_unsigned());
    if (index > kPcrIndexMax) {
      return refused("nitro_pcr_index", concat("there is no PCR ", index, " in an enclave"));
    }
    APM_TRY(const ByteView value, reader.read_bytes());
    if (value.size() != kPcrSize) {
      return refused("nitro_pcr_size", concat("PCR ", index, " has ", value.size(),
                                              " bytes; a SHA-384 register has 48"));
    }
    if (!out.pcrs.emplace(static_cast<unsigned>(index), to_bytes(value)).second) {
      return refused("nitro_pcr_repeated", concat("PCR ", index, " occurs twice"));
    }
  }
}

Status read_cabundle(CborReader& reader, Document& out) {
  APM_TRY(auto array, reader.open_array());
  for (;;) {
    APM_TRY(const bool more, array.more(reader));
    if (!more) break;
    if (out.cabundle.size() == kNitroCabundleMax) {
      return refused("nitro_cabundle", concat("the Nitro document's cabundle holds more than ",
                                              kNitroCabundleMax, " certificates"));
    }
    APM_TRY(const ByteView der, reader.read_bytes());
    if (der.empty() || der.size() > kNitroCertificateBytesMax) {
      return refused("nitro_cabundle",
                     concat("a certificate of the cabundle has ", der.size(),
                            " bytes; it must have 1 to ", kNitroCertificateBytesMax));
    }
    out.cabundle.push_back(to_bytes(der));
  }
  if (out.cabundle.empty()) {
    return refused("nitro_cabundle", "the Nitro document's cabundle is empty");
  }
  return {};
}

Status read_module_id(CborReader& reader, Document& out) {
  APM_TRY(const std::string_view text, reader.read_text());
  if (text.empty() || text.size() > kNitroModuleIdBytesMax) {
    return refused("nitro_field_size", "the Nitro document's module_id is empty or too long");
  }
  out.module_id = std::string(text);
  return {};
}

Status read_digest(CborReader& reader) {
  APM_TRY(const std::string_view text, reader.read_text());
  if (text == "SHA384") return {};
  return refused("nitro_digest", "the Nitro document's digest is not SHA384");
}

Status read_timestamp(CborReader& reader, Document& out) {
  APM_TRY(out.timestamp_ms, reader.read_integer());
  if (out.timestamp_ms > 0 && out.timestamp_ms <= kNitroTimestampMsMax) return {};
  return refused("nitro_field_size", "the Nitro document's timestamp is out of range");
}

Status read_field(CborReader& reader, std::string_view name, Document& out) {
  if (name == "module_id") return read_module_id(reader, out);
  if (name == "digest") return read_digest(reader);
  if (name == "timestamp") return read_timestamp(reader, out);
  if (name == "pcrs") return read_pcrs(reader, out);
  if (name == "cabundle") return read_cabundle(reader, out);
  if (name == "certificate") {
    APM_TRY(out.certificate, sized_bytes(reader, name, kNitroCertificateBytesMax));
    return {};
  }
  std::optional<Bytes>* optional = name == "public_key"  ? &out.public_key
                                   : name == "user_data" ? &out.user_data
                                   : name == "nonce"     ? &out.nonce
                                                         : nullptr;
  if (optional == nullptr) {
    return refused("nitro_field_unknown",
                   "the Nitro document has a field that this version does not know");
  }
  APM_TRY(*optional, optional_bytes(reader, name));
  return {};
}

Status check_complete(const std::set<std::string, std::less<>>& seen, const Document& out) {
  for (const std::string_view name :
       {"module_id", "digest", "timestamp", "pcrs", "certificate", "cabundle"}) {
    if (!seen.contains(name)) {
      return refused("nitro_field_missing", concat("the Nitro document has no ", name));
    }
  }
  for (const unsigned index : kImagePcrs) {
    if (!out.pcrs.contains(index)) {
      return refused("nitro_pcr_missing", concat("the Nitro document has no PCR ", index));
    }
  }
  return {};
}

Status read_payload(ByteView payload, Document& out) {
  CborReader reader(payload);
  std::set<std::string, std::less<>> seen;
  APM_TRY(auto map, reader.open_map());
  for (;;) {
    APM_TRY(const bool more, map.more(reader));
    if (!more) break;
    APM_TRY(const std::string_view name, reader.read_text());
    if (name == "nitrotpm_pcrs") {
      return refused("nitro_is_nitrotpm",
                     "this is a NitroTPM document: it speaks for an EC2 instance and its TPM, not "
                     "for an enclave. Take the document from /dev/nsm inside the enclave");
    }
    if (seen.contains(name)) {
      return refused("nitro_field_repeated", "a field of the Nitro document occurs twice");
    }
    const Status read = read_field(reader, name, out);
    if (!read.ok()) return malformed(name, read.error());
    seen.emplace(name);
  }
  if (!reader.at_end()) return refused("nitro_malformed", "bytes follow the Nitro document's map");
  return check_complete(seen, out);
}

// ---- COSE_Sign1 ----

struct Sign1 {
  ByteView payload, signature;
};

Status check_headers(CborReader& reader) {
  APM_TRY(const ByteView protected_header, reader.read_bytes());
  if (!equal(protected_header, kProtectedEs384)) {
    return refused("nitro_algorithm",
                   "the Nitro document's protected header is not exactly {1: -35} (ES384)");
  }
  APM_TRY(const std::uint64_t unprotected, reader.open_definite_map());
  if (unprotected == 0) return {};
  return refused("nitro_unprotected_header",
                 "the Nitro document has an unprotected header, which nothing signs");
}

Result<Sign1> read_sign1(ByteView raw) {
  const bool tagged = !raw.empty() && raw.front() == kCoseSign1Tag;
  CborReader reader(raw.subspan(tagged ? 1 : 0));
  APM_TRY(const std::uint64_t elements, reader.open_definite_array());
  if (elements != kCoseSign1Elements) {
    return refused("nitro_malformed", "this is no COSE_Sign1: an array of four, tagged 18 or not");
  }
  APM_CHECK_OK(check_headers(reader));
  Sign1 out;
  APM_TRY(out.payload, reader.read_bytes());
  APM_TRY(out.signature, reader.read_bytes());
  if (out.signature.size() != kSignatureSize) {
    return refused("nitro_malformed", "the Nitro document's signature has not 96 bytes");
  }
  if (!reader.at_end()) return refused("nitro_malformed", "bytes follow the Nitro document");
  return out;
}

}  // namespace

bool all_zero(ByteView bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t b) { return b == 0; });
}

bool Document::debug() const {
  return std::any_of(std::begin(kImagePcrs), std::end(kImagePcrs), [this](unsigned index) {
    const auto pcr = pcrs.find(index);
    return pcr == pcrs.end() || all_zero(pcr->second);
  });
}

Result<Document> parse_document(ByteView raw) {
  if (raw.size() > kNitroDocumentBytesMax) {
    return refused("nitro_too_large",
                   concat("the Nitro document has ", raw.size(), " bytes; at most ",
                          kNitroDocumentBytesMax, " are read"));
  }
  const auto sign1 = read_sign1(raw);
  if (!sign1.ok()) return malformed("COSE_Sign1", sign1.error());
  Document out;
  const Status payload = read_payload(sign1->payload, out);
  if (!payload.ok()) return malformed("payload", payload.error());
  out.to_be_signed = sig_structure(sign1->payload);
  out.r = to_bytes(sign1->signature.first(kPcrSize));
  out.s = to_bytes(sign1->signature.subspan(kPcrSize));
  return out;
}

}  // namespace apm::attestation::nitro
