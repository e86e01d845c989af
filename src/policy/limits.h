#pragma once

#include <cstddef>

namespace apm::policy {

inline constexpr std::size_t kRulesMax = 4096;          // of one ACL policy
inline constexpr std::size_t kConditionDepthMax = 8;    // anyOf and allOf within one another
inline constexpr std::size_t kConditionsMax = 1024;     // in one release policy
inline constexpr std::size_t kExpectedValuesMax = 256;  // of one "in"
inline constexpr std::size_t kClaimPathBytesMax = 512;

}  // namespace apm::policy
