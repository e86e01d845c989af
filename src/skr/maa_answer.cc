#include "skr/maa_answer.h"

#include "base/encoding.h"
#include "base/text.h"
#include "crypto/aead.h"
#include "crypto/jws.h"
#include "net/http_client.h"
#include "skr/limits.h"

namespace apm::skr {
namespace {

constexpr std::string_view kAad = "Transport Key";

Error bad_answer(std::string_view why) {
  return {Code::kUnavailable, "maa_answer",
          concat("the attestation service's answer is unusable: ", why,
                 ". Check the attestation provider's URL")};
}

Error refuse(const char* reason, std::string_view why) {
  return {Code::kRefused, reason,
          concat("the attestation token is not for this run: ", why,
                 ". Check the attestation provider's URL and this machine's clock; if it stays, "
                 "somebody interferes between this VM and the provider")};
}

Result<Bytes> binary_field(const json::Value& object, std::string_view name) {
  const std::string* text = object.string_at(name);
  if (text == nullptr || text->empty()) return bad_answer(concat(name, " is absent"));
  auto bytes = base64_decode_any(*text);
  if (!bytes.ok()) return bad_answer(concat(name, " is not base64"));
  return bytes;
}

Status check_parameters(const json::Value& parameters) {
  const std::string* cipher = parameters.string_at("Cipher");
  const std::string* mode = parameters.string_at("BlockMode");
  const json::Value* bits = parameters.at("KeySizeInBits");
  if (cipher == nullptr || *cipher != "AES" || mode == nullptr || *mode != "ChainingModeGCM" ||
      bits == nullptr || bits->as_int() != 256) {
    return bad_answer("it is not sealed with AES-256-GCM");
  }
  return {};
}

bool may_encrypt(const json::Value& key) {
  for (const char* name : {"use", "key_use"}) {
    if (const std::string* use = key.string_at(name); use != nullptr && *use == "enc") return true;
  }
  const json::Value* operations = key.at("key_ops");
  if (operations == nullptr || operations->as_array() == nullptr) return false;
  for (const json::Value& operation : *operations->as_array()) {
    if (operation.as_string() != nullptr && *operation.as_string() == "encrypt") return true;
  }
  return false;
}

// Key Vault wraps to the first key that may encrypt, so that one must be ours.
Result<std::string> transfer_key_id(const json::Value& runtime, const Bytes& modulus) {
  const json::Value* keys = runtime.at("keys");
  if (keys == nullptr || keys->as_array() == nullptr) {
    return refuse("maa_token_key", "it names no keys");
  }
  for (const json::Value& key : *keys->as_array()) {
    if (!may_encrypt(key)) continue;
    const std::string* kid = key.string_at("kid");
    const std::string* n = key.string_at("n");
    const auto value = n == nullptr ? Result<Bytes>(Bytes()) : base64_decode_any(*n);
    if (kid == nullptr || kid->empty() || !value.ok() || !equal(*value, modulus)) {
      return refuse("maa_token_key", "its transfer key is not this TPM's key");
    }
    return *kid;
  }
  return refuse("maa_token_key", "it names no key for encryption");
}

Result<std::int64_t> check_times(const json::Value& claims, std::int64_t now_s) {
  const auto issued = json::require_int(claims, "iat");
  const auto expires = json::require_int(claims, "exp");
  if (!issued.ok() || !expires.ok()) {
    return refuse("maa_token_malformed", "it has no iat or exp");
  }
  if (*expires <= now_s) return refuse("maa_token_expired", "it has expired");
  std::int64_t from = *issued;
  if (const json::Value* nbf = claims.at("nbf"))
    from = std::max(from, nbf->as_int().value_or(from));
  if (from > now_s + kTokenClockSkewS) {
    return refuse("maa_token_not_yet_valid", "it begins in the future");
  }
  return *issued;
}

}  // namespace

Result<MaaEnvelope> parse_maa_envelope(std::string_view token_text) {
  if (token_text.size() > kMaaEnvelopeBytesMax) return bad_answer("it is too long");
  const auto text = base64_decode_any(token_text);
  if (!text.ok()) return bad_answer("its token is not base64url");
  const auto parsed = json::parse(*text, {.bytes_max = kMaaEnvelopeBytesMax, .depth_max = 8});
  if (!parsed.ok()) return bad_answer("its token is not JSON");
  const json::Value* parameters = parsed->at("EncryptionParams");
  if (parameters == nullptr) return bad_answer("EncryptionParams is absent");
  APM_CHECK_OK(check_parameters(*parameters));
  MaaEnvelope envelope;
  APM_TRY(envelope.encrypted_key, binary_field(*parsed, "EncryptedInnerKey"));
  APM_TRY(envelope.iv, binary_field(*parameters, "Iv"));
  APM_TRY(envelope.sealed, binary_field(*parsed, "Jwt"));
  APM_TRY(const Bytes tag, binary_field(*parsed, "AuthenticationData"));
  if (envelope.iv.size() != 12 || tag.size() != 16) return bad_answer("IV or tag is too short");
  append(envelope.sealed, ByteView(tag));
  return envelope;
}

Result<std::string> open_maa_envelope(const MaaEnvelope& envelope,
                                      const crypto::SecretBytes& inner_key) {
  const Error refused(Code::kRefused, "maa_envelope",
                      "the attestation answer does not open under the key that this TPM decrypted: "
                      "it was altered on its way. Try again; if it stays, somebody interferes");
  const auto jwt = crypto::gcm_open(inner_key, envelope.iv, as_bytes(kAad), envelope.sealed);
  if (!jwt.ok()) return refused;
  return std::string(as_text(*jwt));
}

Result<OwnToken> check_own_token(const std::string& jwt, const TokenExpectation& expected) {
  auto parsed = crypto::parse_jws(jwt);
  if (!parsed.ok()) return refuse("maa_token_malformed", parsed.error().message);
  const json::Value& claims = parsed->payload;
  const std::string* issuer = claims.string_at("iss");
  const auto url = net::parse_url(issuer == nullptr ? std::string_view() : *issuer);
  if (!url.ok() || url->scheme != "https" || url->host != expected.issuer_host) {
    return refuse("maa_token_issuer", concat("its issuer is not ", expected.issuer_host));
  }
  APM_TRY(const std::int64_t issued_at, check_times(claims, expected.now_s));
  const json::Value* runtime = claims.at("x-ms-runtime");
  const json::Value* payload = runtime == nullptr ? nullptr : runtime->at("client-payload");
  const std::string* nonce = payload == nullptr ? nullptr : payload->string_at("nonce");
  if (nonce == nullptr || *nonce != base64_encode(as_bytes(expected.nonce))) {
    return refuse("maa_token_nonce", "it does not carry the nonce of this run");
  }
  APM_TRY(std::string kid, transfer_key_id(*runtime, expected.transfer_modulus));
  return OwnToken{std::move(parsed->payload), std::move(kid), issued_at};
}

}  // namespace apm::skr
