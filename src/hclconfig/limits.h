#pragma once

#include <cstddef>

namespace apm::hclconfig {

inline constexpr std::size_t kTextBytesMax = 1 << 20;
inline constexpr std::size_t kDepthMax = 32;
inline constexpr std::size_t kItemsMax = 20'000;
inline constexpr std::size_t kLabelsMax = 4;  // of one block

}  // namespace apm::hclconfig
