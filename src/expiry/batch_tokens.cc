#include "expiry/batch_tokens.h"

#include "base/encoding.h"
#include "base/json.h"
#include "base/text.h"
#include "crypto/aead.h"
#include "crypto/digest.h"
#include "expiry/limits.h"

namespace apm::expiry {
namespace {

constexpr std::string_view kPrefix = "hvb.";
constexpr std::string_view kSealLabel = "apm-batch-token-seal-v1";
constexpr std::string_view kNonceLabel = "apm-batch-token-nonce-v1";
constexpr std::string_view kAad = "apm-batch-token-v1";
constexpr std::size_t kDisplayIdCharacters = 12;

Error invalid_token() {
  return Error(Code::kUnauthenticated, "token_invalid",
               "the token is not valid: it is changed, over, or of another run of the server");
}

struct Record {
  logical::AttestedIdentity identity;
  std::int64_t issued = 0;
  std::int64_t expires = 0;
  std::string accessor;
  std::string display_name;
  std::string auth_mount;
};

std::string write_record(const Record& record) {
  return json::write(json::Object{{"enclave_id", record.identity.enclave_id},
                                  {"signer_id", record.identity.signer_id},
                                  {"family", record.identity.family},
                                  {"trust_anchor", record.identity.trust_anchor},
                                  {"facts", record.identity.facts},
                                  {"issued", record.issued},
                                  {"expires", record.expires},
                                  {"accessor", record.accessor},
                                  {"display_name", record.display_name},
                                  {"auth_mount", record.auth_mount}});
}

Result<Record> read_record(ByteView plain) {
  APM_TRY(const json::Value value, json::parse(plain));
  Record record;
  APM_TRY(record.identity.enclave_id, json::require_string(value, "enclave_id"));
  APM_TRY(record.identity.signer_id, json::require_string(value, "signer_id"));
  APM_TRY(record.identity.family, json::require_string(value, "family"));
  APM_TRY(record.identity.trust_anchor, json::require_string(value, "trust_anchor"));
  APM_TRY(record.issued, json::require_int(value, "issued"));
  APM_TRY(record.expires, json::require_int(value, "expires"));
  APM_TRY(record.accessor, json::require_string(value, "accessor"));
  APM_TRY(record.display_name, json::require_string(value, "display_name"));
  APM_TRY(record.auth_mount, json::require_string(value, "auth_mount"));
  const json::Value* facts = value.at("facts");
  if (facts == nullptr || facts->as_object() == nullptr) return invalid_token();
  record.identity.facts = *facts->as_object();
  return record;
}

logical::Caller caller_of(Record record) {
  logical::Caller caller;
  caller.authenticated = true;
  caller.accessor = std::move(record.accessor);
  caller.display_name = std::move(record.display_name);
  caller.token_type = "batch";
  caller.auth_mount = std::move(record.auth_mount);
  caller.identity = std::move(record.identity);
  return caller;
}

}  // namespace

bool is_batch_token(std::string_view token) { return token.starts_with(kPrefix); }

BatchTokens::BatchTokens(const Clock& clock) : clock_(clock) {
  const crypto::SecretBytes seed = crypto::SecretBytes::random(crypto::kGcmKeySize);
  seal_key_ = crypto::hkdf_sha256(seed.view(), {}, kSealLabel, crypto::kGcmKeySize);
  nonce_key_ = crypto::hkdf_sha256(seed.view(), {}, kNonceLabel, crypto::kGcmKeySize);
}

Result<std::string> BatchTokens::issue(const logical::AttestedIdentity& identity,
                                       std::int64_t issued_unix_s, std::uint64_t ttl_s,
                                       const std::string& accessor,
                                       const std::string& auth_mount) const {
  if (ttl_s == 0 || ttl_s > kTtlMaxS) {
    return Error(Code::kInvalidArgument, "token_ttl",
                 concat("a token's TTL must be 1 to ", kTtlMaxS, " seconds"));
  }
  Record record;
  record.identity = identity;
  record.issued = issued_unix_s;
  record.expires = issued_unix_s + static_cast<std::int64_t>(ttl_s);
  record.accessor = accessor;
  const std::vector<std::string_view> mount = split(auth_mount, '/');  // "auth", "apm", ""
  record.display_name = concat(mount.size() > 1 ? mount[1] : mount[0], "-",
                               identity.enclave_id.substr(0, kDisplayIdCharacters));
  record.auth_mount = auth_mount;

  const std::string plain = write_record(record);
  const Bytes mac = crypto::hmac_sha256(nonce_key_.view(), as_bytes(plain));
  const ByteView nonce = ByteView(mac).first(crypto::kGcmNonceSize);
  APM_TRY(const Bytes sealed, crypto::gcm_seal(seal_key_, nonce, as_bytes(kAad), as_bytes(plain)));
  Bytes packed = to_bytes(nonce);
  append(packed, sealed);
  std::string token = concat(kPrefix, base64url_encode(packed));
  if (token.size() > kTokenBytesMax) {
    return Error(
        Code::kTooLarge, "token_too_large",
        concat("the identity's facts make a token of more than ", kTokenBytesMax, " bytes"));
  }
  return token;
}

Result<OpenedBatchToken> BatchTokens::open(std::string_view token) const {
  if (!is_batch_token(token) || token.size() > kTokenBytesMax) return invalid_token();
  const auto packed = base64url_decode(token.substr(kPrefix.size()));
  if (!packed.ok() || packed->size() < crypto::kGcmNonceSize + crypto::kGcmTagSize) {
    return invalid_token();
  }
  const ByteView nonce = ByteView(*packed).first(crypto::kGcmNonceSize);
  const ByteView sealed = ByteView(*packed).subspan(crypto::kGcmNonceSize);
  const auto plain = crypto::gcm_open(seal_key_, nonce, as_bytes(kAad), sealed);
  if (!plain.ok()) return invalid_token();
  auto record = read_record(*plain);
  if (!record.ok() || clock_.unix_s() >= record->expires) return invalid_token();
  OpenedBatchToken opened;
  opened.issued_unix_s = record->issued;
  opened.expires_unix_s = record->expires;
  opened.caller = caller_of(std::move(*record));
  return opened;
}

}  // namespace apm::expiry
