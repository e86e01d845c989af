#pragma once

// Bounds-checked reading of binary formats. A read beyond the end fails, and so does every read
// after it: check ok() once, after the last field. finish() also refuses trailing bytes.

#include <cstdint>

#include "base/bytes.h"

namespace apm {

class ByteReader {
 public:
  explicit ByteReader(ByteView data) : rest_(data) {}

  std::uint8_t u8();
  std::uint16_t u16_le();
  std::uint32_t u32_le();
  std::uint64_t u64_le();
  std::uint16_t u16_be();
  std::uint32_t u32_be();
  std::uint64_t u64_be();
  ByteView take(std::size_t count);  // empty view on failure
  void skip(std::size_t count) { static_cast<void>(take(count)); }

  [[nodiscard]] std::size_t remaining() const { return rest_.size(); }
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] bool finish() const { return ok_ && rest_.empty(); }

 private:
  std::uint64_t unsigned_le(std::size_t width);
  std::uint64_t unsigned_be(std::size_t width);

  ByteView rest_;
  bool ok_ = true;
};

void append_u16_le(Bytes& out, std::uint16_t v);
void append_u32_le(Bytes& out, std::uint32_t v);
void append_u64_le(Bytes& out, std::uint64_t v);
void append_u16_be(Bytes& out, std::uint16_t v);
void append_u32_be(Bytes& out, std::uint32_t v);
void append_u64_be(Bytes& out, std::uint64_t v);

}  // namespace apm
