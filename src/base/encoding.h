#pragma once

// Hexadecimal and base64 (RFC 4648). Decoding is strict: no white space, no missing or surplus
// padding, no non-zero spare bits. The lenient form exists for wire formats that are known to mix
// alphabets and padding; nothing that is compared or hashed may use it.

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace apm {

[[nodiscard]] std::string hex_encode(ByteView bytes);           // lower case
[[nodiscard]] Result<Bytes> hex_decode(std::string_view text);  // either case

[[nodiscard]] std::string base64_encode(ByteView bytes);  // standard, padded
[[nodiscard]] Result<Bytes> base64_decode(std::string_view text);
[[nodiscard]] std::string base64url_encode(ByteView bytes);  // no padding
[[nodiscard]] Result<Bytes> base64url_decode(std::string_view text);

// Either alphabet, padding optional. Still no white space and no non-zero spare bits.
[[nodiscard]] Result<Bytes> base64_decode_any(std::string_view text);

}  // namespace apm
