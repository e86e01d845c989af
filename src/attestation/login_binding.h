#pragma once

// What the evidence of an attested login signs (docs/formats/attested-login.md): the caller and the
// server compute the same 32 bytes. Pure; any thread.

#include <string>

#include "base/bytes.h"

namespace apm::attestation {

// OAEP label of the sealed answer. A TPM hashes the label with its terminating NUL.
inline constexpr std::string_view kLoginLabel = "apm-login-v1";

struct LoginBinding {
  Bytes nonce;  // decoded
  std::string cluster_id;
  Bytes server_key_sha256;  // 32 bytes
  Bytes key_name;           // TPM name of the caller's key
};
[[nodiscard]] Bytes login_binding(const LoginBinding& input);

}  // namespace apm::attestation
