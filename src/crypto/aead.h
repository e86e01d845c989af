#pragma once

// AES-256-GCM (NIST SP 800-38D): 32-byte key, 12-byte nonce, 16-byte tag behind the ciphertext.

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/secret_bytes.h"

namespace apm::crypto {

inline constexpr std::size_t kGcmKeySize = 32;
inline constexpr std::size_t kGcmNonceSize = 12;
inline constexpr std::size_t kGcmTagSize = 16;

// nonce must be 12 bytes, key 32; anything else is kInternal.
[[nodiscard]] Result<Bytes> gcm_seal(const SecretBytes& key, ByteView nonce, ByteView aad,
                                     ByteView plaintext);
// kCorrupt when the tag does not match. Nothing of the plaintext is returned then.
[[nodiscard]] Result<Bytes> gcm_open(const SecretBytes& key, ByteView nonce, ByteView aad,
                                     ByteView sealed);
// The same, for plaintext that is itself a key.
[[nodiscard]] Result<SecretBytes> gcm_open_secret(const SecretBytes& key, ByteView nonce,
                                                  ByteView aad, ByteView sealed);

// AES key wrap with padding (RFC 5649), 256-bit key. kCorrupt when the check value is wrong.
[[nodiscard]] Result<Bytes> kwp_wrap(const SecretBytes& key, ByteView plaintext);
[[nodiscard]] Result<SecretBytes> kwp_unwrap(const SecretBytes& key, ByteView wrapped);

}  // namespace apm::crypto
