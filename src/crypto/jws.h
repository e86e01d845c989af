#pragma once

// Compact JWS (RFC 7515) and the JWT hygiene that the product needs: parsing is separate from
// verifying, and a parsed token is not yet trusted. Only RS256 exists here; "none" never verifies.

#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "crypto/keys.h"

namespace apm::crypto {

inline constexpr std::size_t kJwsBytesMax = 256 * 1024;

struct Jws {
  json::Value header;
  json::Value payload;
  std::string signing_input;  // the received bytes before the last dot
  Bytes signature;
};

// Three parts, strict base64url, strict JSON objects. Nothing is verified.
[[nodiscard]] Result<Jws> parse_jws(std::string_view compact);

// header.alg must be exactly RS256, key RSA of at least 2048 bits. kRefused "jws_algorithm",
// "jws_key" or "jws_signature".
[[nodiscard]] Status verify_rs256(const Jws& jws, const PublicKey& key);

[[nodiscard]] Result<std::string> sign_rs256(const json::Value& header, const json::Value& payload,
                                             const PrivateKey& key);

}  // namespace apm::crypto
