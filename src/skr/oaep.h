#pragma once

// Values wrapped with plain RSA-OAEP, as `az keyvault key encrypt --algorithm RSA-OAEP-256` and the
// original AzureAttestSKR make them: standard base64 of one block. Anybody with the public key
// can make one: it is not authentic. Accept it only for what a deployer provides.

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/keys.h"
#include "crypto/secret_bytes.h"

namespace apm::skr {

struct OaepHashes {
  crypto::Hash hash = crypto::Hash::kSha256;
  crypto::Hash mgf1 = crypto::Hash::kSha256;
};

// kTooLarge "value_too_long" beyond what one block carries (190 bytes for RSA-2048 and SHA-256).
[[nodiscard]] Result<std::string> wrap_value(const crypto::PublicKey& key, ByteView plaintext,
                                             const OaepHashes& hashes = {});
// kInvalidArgument "wrapped_malformed"; kRefused "wrapped_refused" when it does not open.
[[nodiscard]] Result<crypto::SecretBytes> unwrap_value(const crypto::PrivateKey& key,
                                                       std::string_view wrapped,
                                                       const OaepHashes& hashes = {});

}  // namespace apm::skr
