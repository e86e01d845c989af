#pragma once

// The little of DER (X.690) that Intel's certificate extension needs: definite lengths in their
// shortest form, one-byte tags. Any fault makes every later read fail; ask ok() or finish() last.

#include <cstdint>
#include <optional>

#include "base/bytes.h"

namespace apm::attestation::dcap {

inline constexpr std::uint8_t kDerBoolean = 0x01;
inline constexpr std::uint8_t kDerInteger = 0x02;
inline constexpr std::uint8_t kDerOctetString = 0x04;
inline constexpr std::uint8_t kDerOid = 0x06;
inline constexpr std::uint8_t kDerEnumerated = 0x0a;
inline constexpr std::uint8_t kDerSequence = 0x30;

class DerReader {
 public:
  explicit DerReader(ByteView data) : rest_(data) {}

  ByteView take(std::uint8_t tag);  // the content; empty on failure
  // Not negative, at most `max`.
  std::uint64_t take_unsigned(std::uint8_t tag, std::uint64_t max);
  [[nodiscard]] ByteView rest() const { return rest_; }
  [[nodiscard]] bool more() const { return ok_ && !rest_.empty(); }
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] bool finish() const { return ok_ && rest_.empty(); }

 private:
  ByteView fail();

  ByteView rest_;
  bool ok_ = true;
};

}  // namespace apm::attestation::dcap
