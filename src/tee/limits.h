#pragma once

// Named maxima of the TPM's data.

#include <cstddef>

namespace apm::tee {

inline constexpr std::size_t kNvChunkBytes = 512;
inline constexpr std::size_t kNvBytesMax = 16 * 1024;
inline constexpr std::size_t kEventLogBytesMax = 4 << 20;
inline constexpr std::size_t kOaepLabelMax = 64;
inline constexpr std::size_t kUniqueBytesMax = 32;
inline constexpr std::size_t kQualifyingDataMax = 64;
inline constexpr unsigned kPcrCount = 24;

}  // namespace apm::tee
