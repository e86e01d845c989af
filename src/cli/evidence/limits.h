#pragma once

// Named maxima of what the evidence commands read.

#include <chrono>
#include <cstddef>

namespace apm::cli::evidence {

inline constexpr std::size_t kInputBytesMax = std::size_t{1} << 20;
inline constexpr std::size_t kCaseFileBytesMax = std::size_t{8} << 20;
inline constexpr std::size_t kCaseFileValuesMax = 1'000'000;
inline constexpr std::chrono::milliseconds kFetchTime{120'000};  // all collateral of one file

}  // namespace apm::cli::evidence
