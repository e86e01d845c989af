#pragma once

// TPMT_PUBLIC of an RSA key (TCG TPM 2.0 Library, part 2), and the rules that a login key obeys.
// Errors: kRefused with reason tpm_public_malformed, tpm_key_attributes, tpm_key_policy or
// tpm_key_strength. Pure; any thread.

#include <cstdint>

#include "attestation/tpm/attest.h"
#include "crypto/keys.h"

namespace apm::attestation::tpm {

struct PublicArea {
  std::uint32_t attributes = 0;
  Bytes auth_policy;
  std::uint16_t key_bits = 0;
  std::uint32_t exponent = 0;  // 65537 when the TPM says 0
  Bytes modulus;
};

// RSA with nameAlg SHA-256, no symmetric part, no fixed scheme or RSAES or OAEP.
[[nodiscard]] Result<PublicArea> parse_public_area(ByteView tpmt_public);

// 000b || SHA-256(tpmt_public).
[[nodiscard]] Bytes object_name(ByteView tpmt_public);

// The key that answers are sealed to: bound to its TPM, only for decryption, and usable only
// through one PolicyPCR over exactly `pcrs`.
[[nodiscard]] Result<crypto::PublicKey> check_login_key(ByteView tpmt_public,
                                                        const PcrValues& pcrs);

}  // namespace apm::attestation::tpm
