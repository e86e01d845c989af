#pragma once

// Strict reading of CBOR (RFC 8949), one item at a time, without allocation: libcbor's streaming
// decoder finds the items, and this class refuses what is not their only encoding. Refused: lengths
// and integers that are not in their shortest form, strings in pieces, floating point, and an end
// of input within an item. Tags are refused, too: where a format has one, its reader takes that
// byte. Containers may be of definite or indefinite length where the caller says so; nothing nests
// that the caller does not open, so depth is the caller's own.
//
// Views point into the input, which must outlive them. One thread.
// Errors: kInvalidArgument "cbor_malformed".

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/result.h"

namespace apm::attestation::nitro {

class CborReader {
 public:
  explicit CborReader(ByteView input) : rest_(input) {}

  [[nodiscard]] bool at_end() const { return rest_.empty(); }

  [[nodiscard]] Result<std::uint64_t> read_unsigned();
  [[nodiscard]] Result<std::int64_t> read_integer();
  [[nodiscard]] Result<ByteView> read_bytes();
  [[nodiscard]] Result<std::optional<ByteView>> read_bytes_or_null();
  [[nodiscard]] Result<std::string_view> read_text();  // valid UTF-8

  // An opened array or map: call `more` before each element (pair), until it says false.
  class Container {
   public:
    [[nodiscard]] Result<bool> more(CborReader& reader);

   private:
    friend class CborReader;
    std::optional<std::uint64_t> left_;  // nothing: until the break
  };
  [[nodiscard]] Result<Container> open_array();
  [[nodiscard]] Result<Container> open_map();
  [[nodiscard]] Result<std::uint64_t> open_definite_array();
  [[nodiscard]] Result<std::uint64_t> open_definite_map();

  enum class Kind { kUnsigned, kNegative, kBytes, kText, kArray, kMap, kNull, kBreak, kOther };
  struct Item {
    Kind kind = Kind::kOther;
    std::uint64_t number = 0;  // value, or number of elements; kNegative: -1 - value
    ByteView bytes;
    bool indefinite = false;
  };

 private:
  [[nodiscard]] Result<Item> peek(std::size_t& size) const;
  [[nodiscard]] Result<Item> next(Kind wanted);

  ByteView rest_;
};

}  // namespace apm::attestation::nitro
