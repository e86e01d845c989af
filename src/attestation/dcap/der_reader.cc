#include "attestation/dcap/der_reader.h"

namespace apm::attestation::dcap {
namespace {

struct Length {
  std::size_t value;
  std::size_t width;  // bytes that it takes
};

std::optional<Length> read_length(ByteView raw) {
  if (raw.empty()) return std::nullopt;
  if (raw[0] < 0x80) return Length{raw[0], 1};
  const std::size_t more = raw[0] & 0x7fU;
  if (more == 0 || more > 2 || raw.size() < 1 + more) return std::nullopt;
  std::size_t value = 0;
  for (std::size_t i = 1; i <= more; ++i) value = value << 8 | raw[i];
  if (value < 0x80 || (more == 2 && value < 0x100)) return std::nullopt;  // not the shortest form
  return Length{value, 1 + more};
}

}  // namespace

ByteView DerReader::fail() {
  ok_ = false;
  rest_ = {};
  return {};
}

ByteView DerReader::take(std::uint8_t tag) {
  if (!ok_ || rest_.empty() || rest_[0] != tag) return fail();
  const auto length = read_length(rest_.subspan(1));
  if (!length || length->value > rest_.size() - 1 - length->width) return fail();
  const ByteView content = rest_.subspan(1 + length->width, length->value);
  rest_ = rest_.subspan(1 + length->width + length->value);
  return content;
}

std::uint64_t DerReader::take_unsigned(std::uint8_t tag, std::uint64_t max) {
  ByteView raw = take(tag);
  const bool negative = !raw.empty() && raw[0] >= 0x80;
  const bool padded = raw.size() > 1 && raw[0] == 0 && raw[1] < 0x80;
  if (raw.empty() || raw.size() > 8 || negative || padded) {
    fail();
    return 0;
  }
  std::uint64_t value = 0;
  for (const std::uint8_t byte : raw) value = value << 8 | byte;
  if (value > max) {
    fail();
    return 0;
  }
  return value;
}

}  // namespace apm::attestation::dcap
