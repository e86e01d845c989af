#pragma once

// Released is not trusted: what Key Vault answers to a release is checked before any of it is used.
// Pure: time and anchors are handed in.
//
// kRefused reasons, one a check: "release_malformed", "release_signature", "release_chain",
// "release_host", "release_nonce", "release_kid", "release_key_url", "release_enc", and those of
// policy_floor.h; after the unwrapping "released_key_mismatch".

#include <string>
#include <string_view>

#include "azure/key_vault.h"
#include "base/result.h"
#include "crypto/keys.h"
#include "crypto/secret_bytes.h"

namespace apm::skr {

struct ReleaseExpectation {
  azure::KeyUrl key;  // as it was asked for
  std::string nonce;
  std::string enc;
  std::string transfer_kid;  // of the key in our token
  std::string ca_pem;        // test anchors; empty: the system's store
  std::int64_t now_s = 0;
};

struct VerifiedAnswer {
  std::string kid;
  std::string key_version;
  std::string key_type;       // "RSA-HSM", "EC-HSM", ...
  Bytes modulus, exponent;    // RSA keys
  Bytes wrapped_aes_key;      // 256 bytes, for the TPM
  Bytes wrapped_private_key;  // RFC 5649
  std::string policy_sha256;
};

[[nodiscard]] Result<VerifiedAnswer> verify_release_answer(std::string_view jws,
                                                           const ReleaseExpectation& expected);

// RFC 5649 and PKCS#8; the private key must be the one that the signed answer describes.
[[nodiscard]] Result<crypto::PrivateKey> unwrap_released_key(const VerifiedAnswer& answer,
                                                             const crypto::SecretBytes& aes_key);

}  // namespace apm::skr
