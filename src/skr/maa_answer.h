#pragma once

// The answer of /attest/AzureGuest: the envelope that only our TPM opens, and the token in it.
// Pure: the caller brings the opened inner key.

#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "crypto/secret_bytes.h"

namespace apm::skr {

struct MaaEnvelope {
  Bytes encrypted_key;  // RSAES-PKCS1-v1_5 to the transfer key
  Bytes iv;
  Bytes sealed;  // ciphertext and tag
};
// kUnavailable "maa_answer".
[[nodiscard]] Result<MaaEnvelope> parse_maa_envelope(std::string_view token_text);
// The compact JWT; kRefused "maa_envelope" when it does not open under `inner_key`.
[[nodiscard]] Result<std::string> open_maa_envelope(const MaaEnvelope& envelope,
                                                    const crypto::SecretBytes& inner_key);

struct TokenExpectation {
  std::string nonce;
  std::string issuer_host;
  Bytes transfer_modulus;
  std::int64_t now_s = 0;
};
struct OwnToken {
  json::Value claims;
  std::string transfer_kid;
  std::int64_t issued_at = 0;
};
// Our own token, before it is sent to Key Vault, which checks its signature. It reached us sealed
// to our TPM's key, from a TLS peer that is the provider; here: issuer, time, nonce and key.
// kRefused "maa_token_malformed", "maa_token_issuer", "maa_token_expired",
// "maa_token_not_yet_valid", "maa_token_nonce", "maa_token_key".
[[nodiscard]] Result<OwnToken> check_own_token(const std::string& jwt,
                                               const TokenExpectation& expected);

}  // namespace apm::skr
