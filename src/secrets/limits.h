#pragma once

#include <cstddef>
#include <cstdint>

namespace apm::secrets {

inline constexpr std::uint64_t kLeaseDefaultS = 2'764'800;      // of a value without its own ttl
inline constexpr std::size_t kValueBytesMax = 2 * 1024 * 1024;  // one secret as JSON
inline constexpr std::size_t kPathBytesMax = 512;               // below the mount
inline constexpr std::size_t kListKeysMax = 100'000;            // in one answer

}  // namespace apm::secrets
