#pragma once

// Included ahead of a source whose checks can be switched off (checks.py). `off` is the number of
// the one that is. Every check that would have decided otherwise, had it been off, is noted: the
// tests that notice something are among those in which it was noted.

#include <atomic>
#include <cstdint>
#include <type_traits>

#include "base/result.h"

namespace apm_mutants {

inline constexpr int kCount = 400'000;
inline std::atomic<std::uint8_t> noted[kCount];
inline std::atomic<int> off{-1};

inline bool is_off(int number) {
  noted[number].store(1, std::memory_order_relaxed);
  return number == off;
}

template <class T>
constexpr bool never(int number, const T& condition) {
  const bool value = static_cast<bool>(condition);
  if (std::is_constant_evaluated() || !value) return value;
  return !is_off(number);
}

template <class T>
constexpr bool always(int number, const T& condition) {
  const bool value = static_cast<bool>(condition);
  if (std::is_constant_evaluated() || value) return value;
  return is_off(number);
}

// For functions that take a bool or a Status in the same place.
inline apm::Status always(int number, const apm::Status& outcome) {
  if (outcome.ok() || is_off(number)) return {};
  return outcome;
}

template <class T>
apm::Status ignored(int number, const apm::Result<T>& outcome) {
  if (outcome.ok() || is_off(number)) return {};
  return outcome.error();
}

}  // namespace apm_mutants
