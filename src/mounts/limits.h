#pragma once

#include <cstddef>

namespace apm::mounts {

inline constexpr std::size_t kMountsMax = 256;  // of each kind
inline constexpr std::size_t kMountPathBytesMax = 128;
inline constexpr std::size_t kMountPathSegmentsMax = 8;
inline constexpr std::size_t kDescriptionBytesMax = 4096;
inline constexpr std::size_t kOptionsMax = 32;
inline constexpr std::size_t kTableBytesMax = 2 * 1024 * 1024;

}  // namespace apm::mounts
