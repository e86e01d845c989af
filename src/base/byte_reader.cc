#include "base/byte_reader.h"

namespace apm {
namespace {

void append_le(Bytes& out, std::uint64_t v, unsigned width) {
  for (unsigned i = 0; i < width; ++i) out.push_back(static_cast<std::uint8_t>(v >> (8 * i)));
}

void append_be(Bytes& out, std::uint64_t v, unsigned width) {
  for (unsigned i = width; i > 0; --i) out.push_back(static_cast<std::uint8_t>(v >> (8 * (i - 1))));
}

}  // namespace

std::uint8_t ByteReader::u8() { return static_cast<std::uint8_t>(unsigned_le(1)); }
std::uint16_t ByteReader::u16_le() { return static_cast<std::uint16_t>(unsigned_le(2)); }
std::uint32_t ByteReader::u32_le() { return static_cast<std::uint32_t>(unsigned_le(4)); }
std::uint64_t ByteReader::u64_le() { return unsigned_le(8); }
std::uint16_t ByteReader::u16_be() { return static_cast<std::uint16_t>(unsigned_be(2)); }
std::uint32_t ByteReader::u32_be() { return static_cast<std::uint32_t>(unsigned_be(4)); }
std::uint64_t ByteReader::u64_be() { return unsigned_be(8); }

ByteView ByteReader::take(std::size_t count) {
  if (!ok_ || count > rest_.size()) {
    ok_ = false;
    rest_ = {};
    return {};
  }
  const ByteView out = rest_.first(count);
  rest_ = rest_.subspan(count);
  return out;
}

std::uint64_t ByteReader::unsigned_le(std::size_t width) {
  const ByteView raw = take(width);
  std::uint64_t v = 0;
  for (std::size_t i = raw.size(); i > 0; --i) v = (v << 8) | raw[i - 1];
  return v;
}

std::uint64_t ByteReader::unsigned_be(std::size_t width) {
  std::uint64_t v = 0;
  for (const std::uint8_t byte : take(width)) v = (v << 8) | byte;
  return v;
}

void append_u16_le(Bytes& out, std::uint16_t v) { append_le(out, v, 2); }
void append_u32_le(Bytes& out, std::uint32_t v) { append_le(out, v, 4); }
void append_u64_le(Bytes& out, std::uint64_t v) { append_le(out, v, 8); }
void append_u16_be(Bytes& out, std::uint16_t v) { append_be(out, v, 2); }
void append_u32_be(Bytes& out, std::uint32_t v) { append_be(out, v, 4); }
void append_u64_be(Bytes& out, std::uint64_t v) { append_be(out, v, 8); }

}  // namespace apm
