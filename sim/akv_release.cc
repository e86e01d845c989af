// Secure key release: the target token is verified, the key's policy evaluated over its claims, and
// the key wrapped for the transfer key that the token names (azure.md section 12).

#include "base/encoding.h"
#include "base/text.h"
#include "crypto/aead.h"
#include "crypto/digest.h"
#include "crypto/jws.h"
#include "sim/akv.h"
#include "sim/release_policy.h"

namespace apm::sim {
namespace {

using crypto::Hash;

HttpResponse cannot_verify() {
  return azure_error(403, "Forbidden",
                     "Target environment attestation statement cannot be verified.",
                     "AccessDenied");
}

struct TransferKey {
  std::string kid;
  Bytes modulus;
  Bytes exponent;
};

std::optional<TransferKey> transfer_key(const json::Value& claims) {
  const json::Value* keys = walk(claims, {"x-ms-runtime", "keys"});
  if (keys == nullptr || keys->as_array() == nullptr) return std::nullopt;
  for (const json::Value& key : *keys->as_array()) {
    const auto text = [&](const char* name) {
      const std::string* found = key.string_at(name);
      return found == nullptr ? std::string() : *found;
    };
    bool fit = text("use") == "enc" || text("key_use") == "enc";
    if (const json::Value* ops = key.at("key_ops"); ops != nullptr && ops->as_array() != nullptr) {
      for (const json::Value& op : *ops->as_array()) fit = fit || op == json::Value("encrypt");
    }
    auto n = base64url_decode(text("n"));
    auto e = base64url_decode(text("e"));
    if (!fit || text("kty") != "RSA" || text("kid").empty() || !n.ok() || !e.ok()) continue;
    return TransferKey{text("kid"), std::move(*n), std::move(*e)};
  }
  return std::nullopt;
}

// The key of RFC 5649 under RSA-OAEP, then the wrapped key.
Result<Bytes> wrap_key(const TransferKey& target, ByteView pkcs8, Hash hash) {
  APM_TRY(const crypto::PublicKey key,
          crypto::PublicKey::from_rsa(target.modulus, target.exponent));
  const crypto::SecretBytes aes = crypto::SecretBytes::random(32);
  APM_TRY(Bytes out, key.encrypt_oaep(hash, hash, aes.view()));
  APM_TRY(const Bytes wrapped, crypto::kwp_wrap(aes, pkcs8));
  append(out, wrapped);
  return out;
}

std::string key_hsm_text(const TransferKey& target, const std::string& enc, ByteView ciphertext) {
  const json::Object out{
      {"schema_version", "1.0"},
      {"header", json::Object{{"kid", target.kid}, {"alg", "dir"}, {"enc", enc}}},
      {"ciphertext", base64url_encode(ciphertext)}};
  return base64url_encode(as_bytes(json::write(out)));
}

std::string upper_hex(ByteView bytes) {
  std::string out = hex_encode(bytes);
  for (char& c : out) {
    if (c >= 'a' && c <= 'f') c = static_cast<char>(c - 'a' + 'A');
  }
  return out;
}

Result<std::string> sign_answer(const crypto::PrivateKey& key,
                                const std::vector<const crypto::Certificate*>& chain,
                                const json::Value& payload) {
  const Bytes leaf = chain.front()->der();
  json::Array x5c;
  for (const crypto::Certificate* c : chain) x5c.emplace_back(base64_encode(c->der()));
  const Bytes sha1 = crypto::digest(Hash::kSha1, leaf);
  const json::Object header{{"alg", "RS256"},
                            {"kid", upper_hex(sha1)},
                            {"x5t", base64url_encode(sha1)},
                            {"typ", "JWT"},
                            {"x5t#S256", base64url_encode(crypto::sha256(leaf))},
                            {"x5c", std::move(x5c)}};
  return crypto::sign_rs256(header, payload, key);
}

struct Target {
  TransferKey key;
};

// Verifies the token and the policy; the refusal otherwise.
std::variant<Target, HttpResponse> check_target(const Settings& settings, const Hardware& hardware,
                                                const std::string& token,
                                                const std::string& policy_text,
                                                std::int64_t now_s) {
  const auto jws = crypto::parse_jws(token);
  const auto maa = hardware.maa.key.public_key();
  const auto policy = json::parse(policy_text);
  if (!jws.ok() || !maa.ok() || !policy.ok()) return cannot_verify();
  const std::string* issuer = jws->payload.string_at("iss");
  const json::Value* exp = jws->payload.at("exp");
  // The only issuer whose keys the simulated vault can fetch is the simulated attestation service.
  if (issuer == nullptr || *issuer != settings.maa_url()) return cannot_verify();
  if (!crypto::verify_rs256(*jws, *maa).ok()) return cannot_verify();
  if (exp == nullptr || exp->as_int().value_or(0) <= now_s) return cannot_verify();
  const PolicyVerdict verdict = evaluate_policy(*policy, *issuer, jws->payload);
  if (!verdict.authority_known) return cannot_verify();
  if (!verdict.satisfied) {
    return azure_error(403, "Forbidden",
                       "Target environment attestation does not meet key release policy "
                       "requirements.",
                       "AccessDenied");
  }
  auto key = transfer_key(jws->payload);
  if (!key) return azure_error(400, "BadParameter", "The token names no encryption key.");
  return Target{std::move(*key)};
}

}  // namespace

HttpResponse KeyVault::release(const HttpRequest& request, const StoredKey& key,
                               const StoredKeyVersion& version) const {
  const auto body = json::parse(request.body);
  const std::string* token = body.ok() ? body->string_at("target") : nullptr;
  const std::string* nonce = body.ok() ? body->string_at("nonce") : nullptr;
  const std::string* asked = body.ok() ? body->string_at("enc") : nullptr;
  const std::string enc = asked == nullptr ? "CKM_RSA_AES_KEY_WRAP" : *asked;
  if (token == nullptr) return azure_error(400, "BadParameter", "The target is missing.");
  if (enc != "CKM_RSA_AES_KEY_WRAP" && enc != "RSA_AES_KEY_WRAP_256") {
    return azure_error(400, "BadParameter", "enc is not supported");
  }
  if (!key.exportable || key.release_policy.empty()) {
    return azure_error(403, "Forbidden", "Operation release is not allowed on this key.",
                       "KeyOperationForbidden");
  }
  const std::string& fault = request.fault;
  if (fault == "unverifiable") return cannot_verify();
  // A vault from before the SHA-256 form: it says so in words only.
  if (fault == "old_enc" && enc == "RSA_AES_KEY_WRAP_256") {
    return azure_error(400, "BadParameter", "Property 'enc' has invalid value " + enc);
  }
  const std::string policy =
      fault == "policy_mismatch"
          ? concat("{\"version\":\"1.0.0\",\"anyOf\":[{\"authority\":\"", settings_.maa_url(),
                   "\",\"allOf\":[{\"claim\":\"secureboot\",\"equals\":\"never\"}]}]}")
          : key.release_policy;
  auto checked = check_target(settings_, hardware_, *token, policy, clock_.unix_s());
  if (auto* refusal = std::get_if<HttpResponse>(&checked)) return *refusal;
  TransferKey target = std::get<Target>(checked).key;

  const Hash hash = enc == "RSA_AES_KEY_WRAP_256" ? Hash::kSha256 : Hash::kSha1;
  Bytes material = version.pkcs8;
  if (fault == "wrong_key") {
    const auto other = hardware_.vtpm_ca.key.pkcs8_der();
    if (other.ok()) material = to_bytes(other->view());
  }
  auto ciphertext = wrap_key(target, material, hash);
  auto bundle = key_bundle(key, version);
  if (!ciphertext.ok() || !bundle.ok()) {
    return azure_error(500, "InternalError", "the key could not be wrapped");
  }
  if (fault == "tamper") ciphertext->back() = static_cast<std::uint8_t>(ciphertext->back() ^ 1);
  if (fault == "wrong_kid") target.kid = "SomebodyElsesKey";
  bundle->find("key")->as_object()->set("key_hsm", key_hsm_text(target, enc, *ciphertext));
  std::string kid = settings_.vault_url() + "/keys/" + request.segments[1];
  if (request.segments.size() == 4) kid += "/" + request.segments[2];
  json::Object asked_for{
      {"api-version", request.parameter("api-version")}, {"enc", enc}, {"kid", kid}};
  if (nonce != nullptr) asked_for.set("nonce", fault == "wrong_nonce" ? "not-" + *nonce : *nonce);
  const json::Object payload{{"request", std::move(asked_for)},
                             {"response", json::Object{{"key", std::move(*bundle)}}}};
  Result<std::string> signed_answer = Error(Code::kInternal, "unsigned");
  if (fault == "wrong_signer") {
    const auto stranger = Hardware::stranger("vault.azure.net", {settings_.vault_host()});
    if (!stranger.ok()) return azure_error(500, "InternalError", "no stranger");
    signed_answer = sign_answer(stranger->key, {&stranger->certificate}, payload);
  } else {
    signed_answer = sign_answer(hardware_.tls.key,
                                {&hardware_.tls.certificate, &hardware_.intermediate.certificate,
                                 &hardware_.ca.certificate},
                                payload);
  }
  if (!signed_answer.ok()) return azure_error(500, "InternalError", "the answer is unsigned");
  return json_response(200, json::Object{{"value", *signed_answer}});
}

}  // namespace apm::sim
