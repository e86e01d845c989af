#pragma once

#include <cstddef>

namespace apm::audit {

inline constexpr std::size_t kRecordBytesMax = 64 * 1024 * 1024;  // one line, when a file is verified
inline constexpr std::size_t kTailBytes = 1024 * 1024;            // read back to find the last record

}  // namespace apm::audit
