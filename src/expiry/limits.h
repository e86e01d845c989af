#pragma once

#include <cstddef>
#include <cstdint>

namespace apm::expiry {

inline constexpr std::uint64_t kTtlDefaultS = 768 * 3600;  // the system's default and maximum
inline constexpr std::uint64_t kTtlMaxS = 768 * 3600;
inline constexpr std::size_t kServiceTokensMax = 200'000;
inline constexpr std::size_t kTreeDepthMax = 64;     // ancestors of a token
inline constexpr std::size_t kSweepTokensMax = 256;  // trees that one sweep removes
inline constexpr std::size_t kRevokeBatchMax = 64;   // tokens in one atomic change
inline constexpr std::size_t kPoliciesPerTokenMax = 256;
inline constexpr std::size_t kMetadataMax = 64;          // entries of a token
inline constexpr std::size_t kTextBytesMax = 512;        // display name, policy, metadata texts
inline constexpr std::size_t kTokenBytesMax = 8 * 1024;  // any presented token
inline constexpr std::size_t kRandomCharacters = 24;     // of a token and of an accessor

}  // namespace apm::expiry
