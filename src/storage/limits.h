#pragma once

#include <cstddef>

namespace apm::storage {

inline constexpr std::size_t kKeyBytesMax = 900;
inline constexpr std::size_t kValueBytesMax = 3 * 1024 * 1024;
inline constexpr std::size_t kBatchOperationsMax = 512;

}  // namespace apm::storage
