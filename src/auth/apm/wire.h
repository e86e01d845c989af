#pragma once

// The login request and its answer as JSON (docs/formats/attested-login.md).

#include <optional>
#include <string>

#include "base/json.h"
#include "base/result.h"
#include "crypto/keys.h"

namespace apm::auth_apm {

struct LoginRequest {
  std::string family;
  Bytes nonce;
  // What the binding calls the caller's key: its TPM name in the vTPM families; elsewhere its
  // SubjectPublicKeyInfo, which `caller_key` then is.
  Bytes key_name;
  Bytes caller_key;                              // empty in the vTPM families
  std::optional<crypto::PublicKey> sealing_key;  // of `caller_key`: RSA, 2048 to 4096 bits
};
// The members that are alike in all families; those of the evidence itself are families.h's.
// kInvalidArgument "login_malformed" names the member.
[[nodiscard]] Result<LoginRequest> read_login(const json::Object& data);

// {encrypted_key, nonce, ciphertext}: AES-256-GCM under a fresh key, associated data `binding`;
// the key under RSA-OAEP-SHA256 with the login's label.
[[nodiscard]] Result<json::Object> seal_answer(const json::Object& answer,
                                               const crypto::PublicKey& key, ByteView binding);

}  // namespace apm::auth_apm
