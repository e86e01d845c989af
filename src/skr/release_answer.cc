#include "skr/release_answer.h"

#include <vector>

#include "base/encoding.h"
#include "base/json.h"
#include "base/text.h"
#include "crypto/aead.h"
#include "crypto/digest.h"
#include "crypto/jws.h"
#include "crypto/x509.h"
#include "skr/limits.h"
#include "skr/policy_floor.h"

namespace apm::skr {
namespace {

constexpr std::size_t kRsaBlockBytes = 256;  // the TPM's RSA-2048 transfer key

Error refuse(const char* reason, std::string_view why) {
  return {Code::kRefused, reason,
          concat("the vault's release answer is refused: ", why,
                 ". Nothing of it was used. Check vault, key URL and this machine's clock; if it "
                 "stays, somebody interferes between this VM and the vault")};
}

// The certificate of the vault's front end signs, and its chain comes along.
Status check_signer(const crypto::Jws& jws, const ReleaseExpectation& expected) {
  const json::Value* x5c = jws.header.at("x5c");
  const json::Array* list = x5c == nullptr ? nullptr : x5c->as_array();
  if (list == nullptr || list->empty() || list->size() > kChainCertificatesMax) {
    return refuse("release_chain", "it carries no usable certificate chain");
  }
  std::vector<crypto::Certificate> chain;
  for (const json::Value& item : *list) {
    const std::string* text = item.as_string();
    const auto der = base64_decode(text == nullptr ? std::string_view("?") : *text);
    if (!der.ok()) return refuse("release_chain", "a certificate is not base64");
    auto certificate = crypto::Certificate::from_der(*der);
    if (!certificate.ok()) return refuse("release_chain", "a certificate is not DER");
    chain.push_back(std::move(*certificate));
  }
  std::vector<const crypto::Certificate*> intermediates;
  for (std::size_t i = 1; i < chain.size(); ++i) intermediates.push_back(&chain[i]);
  const Status path = crypto::verify_path_system(chain[0], intermediates, expected.ca_pem,
                                                 expected.ca_pem.empty(), expected.now_s);
  if (!path.ok()) return refuse("release_chain", path.error().message);
  if (!chain[0].matches_host(expected.key.host)) {
    return refuse("release_host", concat("its signer is not ", expected.key.host));
  }
  APM_TRY(const crypto::PublicKey signer, chain[0].public_key());
  const Status signature = crypto::verify_rs256(jws, signer);
  if (!signature.ok()) return refuse("release_signature", signature.error().message);
  return {};
}

// Walks objects; nullptr as soon as one is missing.
const json::Value* walk(const json::Value& from, std::initializer_list<std::string_view> names) {
  const json::Value* at = &from;
  for (const std::string_view name : names) {
    at = at->at(name);
    if (at == nullptr) return nullptr;
  }
  return at;
}

Result<std::string> text_at(const json::Value& object, std::string_view name) {
  const std::string* text = object.string_at(name);
  if (text == nullptr || text->empty()) {
    return refuse("release_malformed", concat(name, " is absent"));
  }
  return *text;
}

Result<Bytes> number_at(const json::Value& object, std::string_view name) {
  APM_TRY(const std::string text, text_at(object, name));
  const auto bytes = base64_decode_any(text);
  if (!bytes.ok()) return refuse("release_malformed", concat(name, " is not base64url"));
  std::size_t zeros = 0;
  while (zeros < bytes->size() && (*bytes)[zeros] == 0) ++zeros;
  return to_bytes(ByteView(*bytes).subspan(zeros));
}

bool same_key(const azure::KeyUrl& asked, const azure::KeyUrl& got) {
  return asked.host == got.host && to_lower(asked.name) == to_lower(got.name) &&
         (asked.version.empty() || got.version.empty() ||
          to_lower(asked.version) == to_lower(got.version));
}

Status check_request_echo(const json::Value& payload, const ReleaseExpectation& expected) {
  const json::Value* request = payload.at("request");
  if (request == nullptr) return refuse("release_malformed", "it does not repeat the request");
  const std::string* nonce = request->string_at("nonce");
  if (nonce == nullptr || *nonce != expected.nonce) {
    return refuse("release_nonce", "it does not repeat this run's nonce");
  }
  const std::string* enc = request->string_at("enc");
  if (enc == nullptr || *enc != expected.enc) {
    return refuse("release_enc", "it was wrapped in another way than asked for");
  }
  const std::string* kid = request->string_at("kid");
  const auto url = azure::parse_key_url(kid == nullptr ? std::string() : *kid);
  if (!url.ok() || !same_key(expected.key, *url)) {
    return refuse("release_key_url", "it answers a request for another key");
  }
  return {};
}

Status read_key_identity(const json::Value& key, const ReleaseExpectation& expected,
                         VerifiedAnswer& out) {
  APM_TRY(out.kid, text_at(key, "kid"));
  const auto url = azure::parse_key_url(out.kid);
  if (!url.ok() || !same_key(expected.key, *url) || url->version.empty()) {
    return refuse("release_key_url", concat("it holds the key ", out.kid));
  }
  out.key_version = url->version;
  APM_TRY(out.key_type, text_at(key, "kty"));
  if (!out.key_type.starts_with("RSA")) return {};
  APM_TRY(out.modulus, number_at(key, "n"));
  APM_TRY(out.exponent, number_at(key, "e"));
  return {};
}

Status read_wrapped(const json::Value& key, const ReleaseExpectation& expected,
                    VerifiedAnswer& out) {
  APM_TRY(const std::string text, text_at(key, "key_hsm"));
  const auto raw = base64_decode_any(text);
  if (!raw.ok()) return refuse("release_malformed", "key_hsm is not base64url");
  const auto parsed = json::parse(*raw, {.bytes_max = kReleaseAnswerBytesMax, .depth_max = 8});
  if (!parsed.ok()) return refuse("release_malformed", "key_hsm is not JSON");
  APM_TRY(const std::string schema, text_at(*parsed, "schema_version"));
  if (!schema.starts_with("1.0")) return refuse("release_malformed", "key_hsm has another schema");
  const json::Value* header = parsed->at("header");
  if (header == nullptr) return refuse("release_malformed", "key_hsm has no header");
  const std::string* kid = header->string_at("kid");
  if (kid == nullptr || *kid != expected.transfer_kid) {
    return refuse("release_kid", "the key was wrapped to another transfer key than this TPM's");
  }
  const std::string* enc = header->string_at("enc");
  if (enc == nullptr || *enc != expected.enc) {
    return refuse("release_enc", "the key was wrapped in another way than asked for");
  }
  APM_TRY(const std::string sealed, text_at(*parsed, "ciphertext"));
  const auto bytes = base64_decode_any(sealed);
  if (!bytes.ok() || bytes->size() < kRsaBlockBytes + 16) {
    return refuse("release_malformed", "key_hsm's ciphertext is too short");
  }
  const ByteView view(*bytes);
  out.wrapped_aes_key = to_bytes(view.first(kRsaBlockBytes));
  out.wrapped_private_key = to_bytes(view.subspan(kRsaBlockBytes));
  return {};
}

Status read_policy(const json::Value& released, VerifiedAnswer& out) {
  const json::Value* data = walk(released, {"release_policy", "data"});
  const std::string* text = data == nullptr ? nullptr : data->as_string();
  const auto raw =
      text == nullptr ? Result<Bytes>(Error(Code::kNotFound, "")) : base64_decode_any(*text);
  if (!raw.ok()) return refuse("release_policy_malformed", "it carries no release policy");
  const auto policy = json::parse(*raw, {.bytes_max = kPolicyBytesMax, .depth_max = 16});
  if (!policy.ok()) return refuse("release_policy_malformed", "its release policy is not JSON");
  out.policy_sha256 = hex_encode(crypto::sha256(*raw));
  return check_policy_floor(*policy);
}

}  // namespace

Result<VerifiedAnswer> verify_release_answer(std::string_view text,
                                             const ReleaseExpectation& expected) {
  const auto jws = crypto::parse_jws(text);
  if (!jws.ok()) return refuse("release_malformed", jws.error().message);
  APM_CHECK_OK(check_signer(*jws, expected));
  APM_CHECK_OK(check_request_echo(jws->payload, expected));
  const json::Value* released = walk(jws->payload, {"response", "key"});
  const json::Value* key = released == nullptr ? nullptr : released->at("key");
  if (key == nullptr) return refuse("release_malformed", "it holds no key");
  VerifiedAnswer answer;
  APM_CHECK_OK(read_key_identity(*key, expected, answer));
  APM_CHECK_OK(read_policy(*released, answer));
  APM_CHECK_OK(read_wrapped(*key, expected, answer));
  return answer;
}

Result<crypto::PrivateKey> unwrap_released_key(const VerifiedAnswer& answer,
                                               const crypto::SecretBytes& aes_key) {
  const auto der = crypto::kwp_unwrap(aes_key, answer.wrapped_private_key);
  if (!der.ok()) {
    return refuse("released_key_mismatch", "the key does not unwrap under the transferred AES key");
  }
  auto key = crypto::PrivateKey::from_pkcs8_der(der->view());
  if (!key.ok()) return refuse("released_key_mismatch", "what unwraps is not a PKCS#8 private key");
  APM_TRY(const crypto::PublicKey own, key->public_key());
  const bool says_rsa = answer.key_type.starts_with("RSA");
  if (says_rsa != (own.type() == crypto::KeyType::kRsa)) {
    return refuse("released_key_mismatch", "the private key is of another type than was signed");
  }
  if (!says_rsa) return key;
  APM_TRY(const Bytes modulus, own.rsa_modulus());
  APM_TRY(const Bytes exponent, own.rsa_exponent());
  if (!equal(modulus, answer.modulus) || !equal(exponent, answer.exponent)) {
    return refuse("released_key_mismatch", "the private key is not that of the signed public key");
  }
  return key;
}

}  // namespace apm::skr
