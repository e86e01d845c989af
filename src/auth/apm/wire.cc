#include "auth/apm/wire.h"

#include "attestation/login_binding.h"
#include "attestation/tpm/public_area.h"
#include "auth/apm/families.h"
#include "auth/apm/limits.h"
#include "auth/apm/wire_values.h"
#include "base/encoding.h"
#include "base/text.h"
#include "crypto/aead.h"
#include "crypto/random.h"

namespace apm::auth_apm {
namespace {

Result<crypto::PublicKey> read_sealing_key(ByteView spki) {
  auto key = crypto::PublicKey::from_spki_der(spki);
  if (!key.ok() || key->type() != crypto::KeyType::kRsa || key->bits() < kCallerKeyBitsMin ||
      key->bits() > kCallerKeyBitsMax) {
    return malformed_member("caller_key", "is not the public key of RSA, of 2048 to 4096 bits");
  }
  return key;
}

}  // namespace

Result<LoginRequest> read_login(const json::Object& data) {
  const json::Value body(data);
  LoginRequest login;
  APM_TRY(login.family, text_member(&body, "family"));
  APM_TRY(const std::string nonce, text_member(&body, "nonce"));
  auto decoded = base64url_decode(nonce);
  if (!decoded.ok()) return malformed_member("nonce", "is not base64url");
  login.nonce = std::move(*decoded);
  APM_TRY(const CallerKey where, caller_key_of(login.family));
  if (where == CallerKey::kCertified) {
    APM_TRY(const Bytes key_public, base64_member(&body, "key_public"));
    login.key_name = attestation::tpm::object_name(key_public);
    return login;
  }
  APM_TRY(login.caller_key, base64_member(&body, "caller_key"));
  APM_TRY(login.sealing_key, read_sealing_key(login.caller_key));
  login.key_name = login.caller_key;
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
