#pragma once

// Named maxima of the attested login.

#include <cstddef>
#include <cstdint>

namespace apm::auth_apm {

inline constexpr std::int64_t kChallengeTtlS = 120;
inline constexpr std::int64_t kChallengeSkewS = 5;  // a clock that was set back a little
inline constexpr std::size_t kUsedNoncesMax = 65'536;
inline constexpr std::uint64_t kTokenTtlSDefault = 600;
inline constexpr std::uint64_t kTokenTtlSMax = 24 * 3600;
inline constexpr std::size_t kAuthorisationsMax = 10'000;
inline constexpr int kCallerKeyBitsMin = 2048;  // RSA, made by the caller for one login
inline constexpr int kCallerKeyBitsMax = 4096;
inline constexpr std::size_t kNameBytesMax = 512;
inline constexpr std::size_t kApiKeyBytesMax = 4096;
inline constexpr std::int64_t kEvidenceAgeSMax = 24 * 3600;  // that a configuration may allow
inline constexpr std::size_t kClaimsPolicyBytesMax = 16 * 1024;
inline constexpr std::size_t kRefusalsMax = 256;      // kept for operators
inline constexpr std::size_t kListEntriesMax = 1024;  // denied chips, allowed public signers

}  // namespace apm::auth_apm
