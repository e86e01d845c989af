#pragma once

// The evidence of a login on a machine that proves itself without a TPM: a key is made for this one
// login, and the hardware signs the binding that holds it (docs/formats/attested-login.md).
//
// Errors: those of tee/hardware.h; "login_answer_malformed" when the answer is sealed to another
// key. One thread.

#include <memory>
#include <string>

#include "attestation/login_binding.h"
#include "base/json.h"
#include "base/result.h"
#include "crypto/keys.h"
#include "tee/hardware.h"

namespace apm::workload {

struct HardwareLogin {
  crypto::PrivateKey key;  // RSA, for the one answer
  Bytes binding;
  json::Object body;  // of the login request
};

// `challenge.key_name` is not read: the key is made here. `collateral`: Intel's documents as JSON
// text (docs/formats/dcap.md) for SGX and TDX, where the server has none of its own; may be empty.
[[nodiscard]] Result<HardwareLogin> prepare_login(tee::DeviceFiles& files,
                                                  const tee::Finding& device,
                                                  attestation::LoginBinding challenge,
                                                  const std::string& collateral);

// The key under which the answer is encrypted.
[[nodiscard]] Result<crypto::SecretBytes> open_key(const HardwareLogin& login,
                                                   ByteView encrypted_key);

}  // namespace apm::workload
