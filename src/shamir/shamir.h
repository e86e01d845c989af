#pragma once

// Shamir's secret sharing over GF(2^8) (modulus 0x11B), in Vault's share format: for every secret
// byte one y, then ONE byte x at the end. x is 1..255 and distinct. Constant-time arithmetic, no
// tables. combine() cannot tell a wrong share from a right one: only the AEAD behind it can.

#include <vector>

#include "base/result.h"
#include "crypto/secret_bytes.h"

namespace apm::shamir {

struct Scheme {
  unsigned shares = 5;
  unsigned threshold = 3;
};

// 1 <= threshold <= shares <= 255; threshold 1 only with shares 1, when the share is the secret.
[[nodiscard]] Status check(const Scheme& scheme);

[[nodiscard]] Result<std::vector<crypto::SecretBytes>> split(const crypto::SecretBytes& secret,
                                                             const Scheme& scheme);

// At least two shares of equal length (>= 2 bytes) with distinct x; one share is returned as it is.
[[nodiscard]] Result<crypto::SecretBytes> combine(const std::vector<crypto::SecretBytes>& shares);

}  // namespace apm::shamir
