#include "attestation/maa/claims.h"

#include "attestation/maa/identity.h"
#include "base/encoding.h"

namespace apm::attestation::maa {
namespace {

constexpr std::string_view kFamily = "maa";

std::string hex_of(const std::optional<crypto::PublicKey>& key) {
  return key ? hex_encode(key->spki_der()) : "";
}

// Keys by name, as SubjectPublicKeyInfo in hexadecimal.
json::Object keys_of(const RuntimeKeys& keys) {
  json::Object out;
  if (keys.hcl_ak) out.set("HCLAkPub", hex_of(keys.hcl_ak));
  if (keys.hcl_ek) out.set("HCLEkPub", hex_of(keys.hcl_ek));
  if (keys.tpm_ephemeral) out.set("TpmEphemeralEncryptionKey", hex_of(keys.tpm_ephemeral));
  return out;
}

}  // namespace

EvidenceResult result_of(const Token& token, const crypto::Jws& jws, const Issuer& issuer) {
  EvidenceResult result;
  result.family = kFamily;
  const auto id = enclave_id(token);
  json::Object maa{{"kid", *jws.header.string_at("kid")},
                   {"tee", tee_name(token.tee)},
                   {"keys", keys_of(token.keys)},
                   {"token", jws.payload}};
  if (id.ok()) {
    result.enclave_id = *id;
  } else {
    maa.set("enclave_id_reason", id.error().reason);
  }
  result.claims = {
      {std::string(kEatProfile), kClaimsProfile},
      {std::string(kDebugStatus), token.debuggable() ? kDebugEnabled : kDebugDisabled}};
  if (token.nonce && !token.nonce->empty()) {
    result.claims.set(std::string(kEatNonce), base64url_encode(*token.nonce));
  }
  result.claims.set("maa", std::move(maa));
  result.trust_anchor = issuer.url;
  result.vendor_anchor = false;  // whoever is trusted was named by the relying party
  result.signer = signer_of(token);
  return result;
}

}  // namespace apm::attestation::maa
