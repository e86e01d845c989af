#include "attestation/maa/claims.h"

#include "attestation/maa/identity.h"
#include "base/encoding.h"
#include "crypto/digest.h"

namespace apm::attestation::maa {
namespace {

constexpr std::string_view kFamily = "maa";

std::string hex_of(const std::optional<crypto::PublicKey>& key) {
  return key ? hex_encode(crypto::sha256(key->spki_der())) : "";
}

// Keys by name, as SHA-256 of the SubjectPublicKeyInfo: whole ones make an attested token too long.
json::Object keys_of(const RuntimeKeys& keys) {
  json::Object out;
  if (keys.hcl_ak) out.set("HCLAkPub", hex_of(keys.hcl_ak));
  if (keys.hcl_ek) out.set("HCLEkPub", hex_of(keys.hcl_ek));
  if (keys.tpm_ephemeral) out.set("TpmEphemeralEncryptionKey", hex_of(keys.tpm_ephemeral));
  return out;
}

// No policy can name a list, and the runtime keys are long: they would not fit an attested token.
// As deep as a token may be (limits.h).
json::Object without_lists(const json::Object& from) {
  json::Object out;
  for (const auto& [name, value] : from) {
    if (value.as_array() != nullptr) continue;
    const json::Object* inner = value.as_object();
    out.set(name, inner == nullptr ? value : json::Value(without_lists(*inner)));
  }
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
                   {"token", without_lists(*jws.payload.as_object())}};
  if (id.ok()) {
    result.enclave_id = *id;
  } else {
    maa.set("enclave_id_reason", id.error().reason);
    result.enclave_reason = id.error().reason;
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
