#pragma once

#include <cstddef>

namespace apm::audit {

inline constexpr std::size_t kRecordBytesMax = 64 * 1024 * 1024;  // one line, when it is read back
inline constexpr std::size_t kTailBytes = 1024 * 1024;  // first look for the last record; then more
// Above what the API accepts in a body, as a record wraps request and answer.
inline constexpr std::size_t kRecordDepthMax = 128;
inline constexpr std::size_t kRecordValuesMax = 1'000'000;

}  // namespace apm::audit
