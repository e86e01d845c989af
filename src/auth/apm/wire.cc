#include "auth/apm/wire.h"

#include "attestation/login_binding.h"
#include "auth/apm/wire_values.h"
#include "base/encoding.h"
#include "base/text.h"
#include "crypto/aead.h"
#include "crypto/random.h"

namespace apm::auth_apm {
Result<LoginRequest> read_login(const json::Object& data) {
  const json::Value body(data);
  APM_TRY(const std::string family, text_member(&body, "family"));
  if (family != attestation::azure_vtpm::kFamily) {
    return Error(Code::kInvalidArgument, "family_unsupported",
                 concat("login: evidence family '", family.substr(0, 64), "' is not supported; ",
                        attestation::azure_vtpm::kFamily, " is"));
  }
  LoginRequest login;
  attestation::azure_vtpm::AzureVtpmEvidence& evidence = login.evidence;
  APM_TRY(const std::string nonce, text_member(&body, "nonce"));
  auto decoded = base64url_decode(nonce);
  if (!decoded.ok()) return malformed_member("nonce", "is not base64url");
  login.nonce = std::move(*decoded);
  APM_TRY(evidence.platform.hcl_report, base64_member(&body, "hcl_report"));
  APM_TRY(evidence.platform.endorsements.chain_pem, text_member(&body, "vcek_chain"));
  if (body.at("amd_crl") != nullptr) {
    APM_TRY(evidence.platform.crl, base64_member(&body, "amd_crl"));
  }
  APM_TRY(evidence.quote.attest, base64_member(body.at("quote"), "attest"));
  APM_TRY(evidence.quote.signature, base64_member(body.at("quote"), "signature"));
  APM_TRY(evidence.quote.pcrs, pcr_members(body.at("pcrs")));
  APM_TRY(evidence.key_public, base64_member(&body, "key_public"));
  APM_TRY(evidence.certify_attest, base64_member(body.at("key_certify"), "attest"));
  APM_TRY(evidence.certify_signature, base64_member(body.at("key_certify"), "signature"));
  APM_TRY(evidence.event_log, base64_member(&body, "event_log"));
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
