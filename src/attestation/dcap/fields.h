#pragma once

// Fixed-size fields of Intel's little-endian structures.

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>

#include "base/byte_reader.h"
#include "base/error.h"

namespace apm::attestation::dcap {

template <std::size_t N>
[[nodiscard]] std::array<std::uint8_t, N> take_array(ByteReader& reader) {
  std::array<std::uint8_t, N> out{};
  const ByteView raw = reader.take(N);
  std::copy(raw.begin(), raw.end(), out.begin());
  return out;
}

[[nodiscard]] inline bool all_zero(ByteView bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t b) { return b == 0; });
}

[[nodiscard]] inline Error refused(std::string reason, std::string message) {
  return Error(Code::kRefused, std::move(reason), std::move(message));
}

}  // namespace apm::attestation::dcap
