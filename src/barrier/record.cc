#include "barrier/record.h"

#include "barrier/limits.h"
#include "base/byte_reader.h"
#include "base/text.h"
#include "crypto/aead.h"
#include "crypto/random.h"

namespace apm::barrier {
namespace {

constexpr std::uint8_t kRecordFormat = 1;
constexpr std::uint8_t kEnvelopeFormat = 1;
constexpr std::string_view kRecordLabel = "apm-record-v1";
constexpr std::size_t kHeaderBytes = 1 + 4 + 8;
static_assert(kRecordOverheadBytes == kHeaderBytes + crypto::kGcmNonceSize + crypto::kGcmTagSize);

void append_prefixed(Bytes& out, std::string_view text) {
  append_u32_be(out, static_cast<std::uint32_t>(text.size()));
  append(out, text);
}

Bytes associated_data(const RecordPlace& place, std::uint64_t version) {
  Bytes out;
  append(out, kRecordLabel);
  append_prefixed(out, place.store_id);
  append_prefixed(out, kind_name(place.kind));
  append_prefixed(out, place.path);
  append_u64_be(out, version);
  return out;
}

struct EnvelopeParts {
  ByteView nonce;
  ByteView sealed;
};

Result<EnvelopeParts> split_envelope(std::string_view label, ByteView envelope) {
  ByteReader reader(envelope);
  const std::uint8_t format = reader.u8();
  const ByteView nonce = reader.take(crypto::kGcmNonceSize);
  if (!reader.ok() || format != kEnvelopeFormat || reader.remaining() < crypto::kGcmTagSize) {
    return Error(Code::kCorrupt, "envelope_malformed",
                 concat("the stored ", label, " is cut off or has an unknown format"));
  }
  return EnvelopeParts{nonce, reader.take(reader.remaining())};
}

Error envelope_error(const Error& cause, std::string_view label) {
  if (cause.code != Code::kCorrupt) return cause;
  return Error(Code::kCorrupt, "envelope_corrupt",
               concat("the stored ", label, " does not open with this key"));
}

}  // namespace

Result<Bytes> seal_record(const crypto::SecretBytes& key, const RecordHeader& header,
                          const RecordPlace& place, ByteView plaintext) {
  Bytes out;
  out.reserve(plaintext.size() + kRecordOverheadBytes);
  out.push_back(kRecordFormat);
  append_u32_be(out, header.term);
  append_u64_be(out, header.version);
  const Bytes nonce = crypto::random_bytes(crypto::kGcmNonceSize);
  append(out, nonce);
  APM_TRY(const Bytes sealed,
          crypto::gcm_seal(key, nonce, associated_data(place, header.version), plaintext));
  append(out, sealed);
  return out;
}

Result<RecordHeader> read_record_header(ByteView record, std::string_view path) {
  ByteReader reader(record);
  const std::uint8_t format = reader.u8();
  RecordHeader header;
  header.term = reader.u32_be();
  header.version = reader.u64_be();
  if (!reader.ok() || format != kRecordFormat || record.size() < kRecordOverheadBytes) {
    return Error(Code::kCorrupt, "record_malformed",
                 concat("the record ", path, " is cut off or has an unknown format"));
  }
  return header;
}

Result<Bytes> open_record(const crypto::SecretBytes& key, const RecordPlace& place,
                          ByteView record) {
  APM_TRY(const RecordHeader header, read_record_header(record, place.path));
  const ByteView nonce = record.subspan(kHeaderBytes, crypto::kGcmNonceSize);
  const ByteView sealed = record.subspan(kHeaderBytes + crypto::kGcmNonceSize);
  Result<Bytes> opened =
      crypto::gcm_open(key, nonce, associated_data(place, header.version), sealed);
  if (opened.ok() || opened.error().code != Code::kCorrupt) return opened;
  return Error(Code::kCorrupt, "record_corrupt",
               concat("the record ", place.path,
                      " fails its check: it was changed, or moved from another path or store"));
}

Result<Bytes> seal_envelope(const crypto::SecretBytes& key, std::string_view label,
                            ByteView plaintext) {
  Bytes out = {kEnvelopeFormat};
  const Bytes nonce = crypto::random_bytes(crypto::kGcmNonceSize);
  append(out, nonce);
  APM_TRY(const Bytes sealed, crypto::gcm_seal(key, nonce, as_bytes(label), plaintext));
  append(out, sealed);
  return out;
}

Result<Bytes> open_envelope(const crypto::SecretBytes& key, std::string_view label,
                            ByteView envelope) {
  APM_TRY(const EnvelopeParts parts, split_envelope(label, envelope));
  Result<Bytes> opened = crypto::gcm_open(key, parts.nonce, as_bytes(label), parts.sealed);
  if (!opened.ok()) return envelope_error(opened.error(), label);
  return opened;
}

Result<crypto::SecretBytes> open_envelope_secret(const crypto::SecretBytes& key,
                                                 std::string_view label, ByteView envelope) {
  APM_TRY(const EnvelopeParts parts, split_envelope(label, envelope));
  Result<crypto::SecretBytes> opened =
      crypto::gcm_open_secret(key, parts.nonce, as_bytes(label), parts.sealed);
  if (!opened.ok()) return envelope_error(opened.error(), label);
  return opened;
}

}  // namespace apm::barrier
