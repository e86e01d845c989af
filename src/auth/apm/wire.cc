#include "auth/apm/wire.h"

#include "attestation/limits.h"
#include "attestation/login_binding.h"
#include "base/encoding.h"
#include "base/text.h"
#include "crypto/aead.h"
#include "crypto/random.h"

namespace apm::auth_apm {
namespace {

Error invalid(std::string_view name, std::string_view why) {
  return Error(Code::kInvalidArgument, "login_malformed", concat("login: ", name, " ", why));
}

Result<std::string> text(const json::Value* object, std::string_view name) {
  const std::string* value = object == nullptr ? nullptr : object->string_at(name);
  if (value == nullptr) return invalid(name, "is required");
  return *value;
}

Result<Bytes> base64(const json::Value* object, std::string_view name) {
  APM_TRY(const std::string encoded, text(object, name));
  auto decoded = base64_decode(encoded);
  if (!decoded.ok()) return invalid(name, "is not base64");
  return decoded;
}

Result<attestation::tpm::PcrValues> pcr_values(const json::Value* member) {
  const json::Object* object = member == nullptr ? nullptr : member->as_object();
  if (object == nullptr) return invalid("pcrs", "is required");
  attestation::tpm::PcrValues values;
  for (const auto& [name, value] : *object) {
    const auto index = parse_u64(name);
    const std::string* hex = value.as_string();
    const bool canonical = index && std::to_string(*index) == name;
    if (!canonical || *index >= attestation::kPcrCount || hex == nullptr) {
      return invalid("pcrs", "maps PCR indexes to hexadecimal values");
    }
    auto bytes = hex_decode(*hex);
    if (!bytes.ok()) return invalid("pcrs", "holds a value that is not hexadecimal");
    values.emplace(static_cast<unsigned>(*index), std::move(*bytes));
  }
  return values;
}

}  // namespace

Result<LoginRequest> read_login(const json::Object& data) {
  const json::Value body(data);
  APM_TRY(const std::string family, text(&body, "family"));
  if (family != attestation::azure_vtpm::kFamily) {
    return Error(Code::kInvalidArgument, "family_unsupported",
                 concat("login: evidence family '", family.substr(0, 64), "' is not supported; ",
                        attestation::azure_vtpm::kFamily, " is"));
  }
  LoginRequest login;
  attestation::azure_vtpm::AzureVtpmEvidence& evidence = login.evidence;
  APM_TRY(const std::string nonce, text(&body, "nonce"));
  auto decoded = base64url_decode(nonce);
  if (!decoded.ok()) return invalid("nonce", "is not base64url");
  login.nonce = std::move(*decoded);
  APM_TRY(evidence.platform.hcl_report, base64(&body, "hcl_report"));
  APM_TRY(evidence.platform.endorsements.chain_pem, text(&body, "vcek_chain"));
  if (body.at("amd_crl") != nullptr) {
    APM_TRY(evidence.platform.crl, base64(&body, "amd_crl"));
  }
  APM_TRY(evidence.quote.attest, base64(body.at("quote"), "attest"));
  APM_TRY(evidence.quote.signature, base64(body.at("quote"), "signature"));
  APM_TRY(evidence.quote.pcrs, pcr_values(body.at("pcrs")));
  APM_TRY(evidence.key_public, base64(&body, "key_public"));
  APM_TRY(evidence.certify_attest, base64(body.at("key_certify"), "attest"));
  APM_TRY(evidence.certify_signature, base64(body.at("key_certify"), "signature"));
  APM_TRY(evidence.event_log, base64(&body, "event_log"));
  return login;
}

Result<json::Object> seal_answer(const json::Object& answer, const crypto::PublicKey& key,
                                 ByteView binding) {
  const crypto::SecretBytes content_key = crypto::SecretBytes::random(crypto::kGcmKeySize);
  const Bytes nonce = crypto::random_bytes(crypto::kGcmNonceSize);
  std::string plaintext = json::write(json::Value(answer));
  const auto ciphertext = crypto::gcm_seal(content_key, nonce, binding, as_bytes(plaintext));
  crypto::wipe(plaintext);
  APM_CHECK_OK(ciphertext);
  Bytes label = to_bytes(attestation::kLoginLabel);
  label.push_back(0);  // a TPM's label includes its terminator
  APM_TRY(const Bytes encrypted_key, key.encrypt_oaep(crypto::Hash::kSha256, crypto::Hash::kSha256,
                                                      content_key.view(), label));
  return json::Object{{"encrypted_key", base64_encode(encrypted_key)},
                      {"nonce", base64_encode(nonce)},
                      {"ciphertext", base64_encode(*ciphertext)}};
}

}  // namespace apm::auth_apm
