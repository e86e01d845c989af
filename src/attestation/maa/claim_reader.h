#pragma once

// One claim of a token's payload, of exactly the type that it must have. Pure; any thread.
// Errors: kRefused "maa_claim_malformed"; the message names the claim and what it must be.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/json.h"
#include "base/result.h"

namespace apm::attestation::maa {

[[nodiscard]] Error malformed_claim(std::string_view name, std::string_view wanted);

[[nodiscard]] Result<std::string> claim_text(const json::Value& from, std::string_view name);
[[nodiscard]] Result<bool> claim_bool(const json::Value& from, std::string_view name);
[[nodiscard]] Result<std::uint64_t> claim_uint(const json::Value& from, std::string_view name);
[[nodiscard]] Result<Bytes> claim_hex(const json::Value& from, std::string_view name,
                                      std::size_t size);

}  // namespace apm::attestation::maa
