#pragma once

// The login request and its answer as JSON (docs/formats/attested-login.md).

#include <string>

#include "attestation/azure_vtpm/verify.h"
#include "base/json.h"
#include "base/result.h"

namespace apm::auth_apm {

struct LoginRequest {
  Bytes nonce;
  attestation::azure_vtpm::AzureVtpmEvidence evidence;
};
// kInvalidArgument names the member; "family_unsupported" for another family.
[[nodiscard]] Result<LoginRequest> read_login(const json::Object& data);

// {encrypted_key, nonce, ciphertext}: AES-256-GCM under a fresh key, associated data `binding`;
// the key under RSA-OAEP-SHA256 with the login's label.
[[nodiscard]] Result<json::Object> seal_answer(const json::Object& answer,
                                               const crypto::PublicKey& key, ByteView binding);

}  // namespace apm::auth_apm
