#pragma once

#include <cstddef>

namespace apm::snapshot {

inline constexpr std::size_t kHeaderBytesMax = 4096;
inline constexpr std::size_t kReadBytes = 256 * 1024;  // asked of a source at once

}  // namespace apm::snapshot
