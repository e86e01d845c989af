#include "attestation/nitro/cbor.h"

#include <cbor.h>

#include <limits>

#include "base/text.h"

namespace apm::attestation::nitro {
namespace {

using Kind = CborReader::Kind;
using Item = CborReader::Item;

Error malformed(std::string_view what) {
  return Error(Code::kInvalidArgument, "cbor_malformed", std::string(what));
}

Item& item(void* context) { return *static_cast<Item*>(context); }

void set(void* context, Kind kind, std::uint64_t number) {
  item(context).kind = kind;
  item(context).number = number;
}

template <Kind kind, class T>
void on_integer(void* context, T value) {
  set(context, kind, value);
}

template <Kind kind>
void on_count(void* context, std::size_t count) {
  set(context, kind, count);
}

template <Kind kind>
void on_string(void* context, cbor_data data, std::size_t size) {
  set(context, kind, size);
  item(context).bytes = {data, size};
}

template <Kind kind>
void on_mark(void* context) {
  item(context).kind = kind;
}

template <Kind kind>
void on_indefinite(void* context) {
  item(context).kind = kind;
  item(context).indefinite = true;
}

cbor_callbacks make_callbacks() {
  cbor_callbacks c = cbor_empty_callbacks;  // what is not set below stays Kind::kOther
  c.uint8 = on_integer<Kind::kUnsigned>;
  c.uint16 = on_integer<Kind::kUnsigned>;
  c.uint32 = on_integer<Kind::kUnsigned>;
  c.uint64 = on_integer<Kind::kUnsigned>;
  c.negint8 = on_integer<Kind::kNegative>;
  c.negint16 = on_integer<Kind::kNegative>;
  c.negint32 = on_integer<Kind::kNegative>;
  c.negint64 = on_integer<Kind::kNegative>;
  c.byte_string = on_string<Kind::kBytes>;
  c.string = on_string<Kind::kText>;
  c.array_start = on_count<Kind::kArray>;
  c.indef_array_start = on_indefinite<Kind::kArray>;
  c.map_start = on_count<Kind::kMap>;
  c.indef_map_start = on_indefinite<Kind::kMap>;
  c.null = on_mark<Kind::kNull>;
  c.indef_break = on_mark<Kind::kBreak>;
  return c;
}

// Size of an item's head (RFC 8949, section 3) in its shortest form.
std::size_t shortest_head(std::uint64_t number) {
  if (number < 24) return 1;
  if (number <= 0xff) return 2;
  if (number <= 0xffff) return 3;
  return number <= 0xffffffff ? 5 : 9;
}

std::string_view kind_name(Kind kind) {
  switch (kind) {
    case Kind::kUnsigned: return "an unsigned integer";
    case Kind::kNegative: return "a negative integer";
    case Kind::kBytes: return "a byte string";
    case Kind::kText: return "a text string";
    case Kind::kArray: return "an array";
    case Kind::kMap: return "a map";
    case Kind::kNull: return "null";
    case Kind::kBreak: return "a break";
    case Kind::kOther: return "an item of a kind that is never used";
  }
  return "";
}

}  // namespace

Result<Item> CborReader::peek(std::size_t& size) const {
  static const cbor_callbacks callbacks = make_callbacks();
  Item found;
  const cbor_decoder_result result =
      cbor_stream_decode(rest_.data(), rest_.size(), &callbacks, &found);
  if (result.status != CBOR_DECODER_FINISHED || result.read > rest_.size()) {
    return malformed("the input ends within a CBOR item, or holds none");
  }
  size = result.read;
  const bool shortest =
      found.kind == Kind::kOther || size == shortest_head(found.number) + found.bytes.size();
  if (!shortest) return malformed("a CBOR length or integer is not in its shortest form");
  return found;
}

Result<Item> CborReader::next(Kind wanted) {
  std::size_t size = 0;
  APM_TRY(Item found, peek(size));
  if (found.kind != wanted) {
    return malformed(
        concat("there is ", kind_name(found.kind), " where ", kind_name(wanted), " must be"));
  }
  rest_ = rest_.subspan(size);
  return found;
}

Result<std::uint64_t> CborReader::read_unsigned() {
  APM_TRY(const Item found, next(Kind::kUnsigned));
  return found.number;
}

Result<std::int64_t> CborReader::read_integer() {
  std::size_t size = 0;
  APM_TRY(const Item found, peek(size));
  const bool fits = found.number <= std::uint64_t{std::numeric_limits<std::int64_t>::max()};
  if ((found.kind != Kind::kUnsigned && found.kind != Kind::kNegative) || !fits) {
    return malformed("there is no integer of 64 bits where one must be");
  }
  rest_ = rest_.subspan(size);
  const auto number = static_cast<std::int64_t>(found.number);
  return found.kind == Kind::kUnsigned ? number : -1 - number;
}

Result<ByteView> CborReader::read_bytes() {
  APM_TRY(const Item found, next(Kind::kBytes));
  return found.bytes;
}

Result<std::optional<ByteView>> CborReader::read_bytes_or_null() {
  std::size_t size = 0;
  APM_TRY(const Item found, peek(size));
  if (found.kind == Kind::kNull) {
    rest_ = rest_.subspan(size);
    return std::optional<ByteView>();
  }
  APM_TRY(const ByteView bytes, read_bytes());
  return std::optional<ByteView>(bytes);
}

Result<std::string_view> CborReader::read_text() {
  APM_TRY(const Item found, next(Kind::kText));
  if (!is_utf8(as_text(found.bytes))) return malformed("a CBOR text string is not UTF-8");
  return as_text(found.bytes);
}

Result<bool> CborReader::Container::more(CborReader& reader) {
  if (left_) {
    if (*left_ == 0) return false;
    --*left_;
    return true;
  }
  std::size_t size = 0;
  APM_TRY(const Item found, reader.peek(size));
  if (found.kind != Kind::kBreak) return true;
  reader.rest_ = reader.rest_.subspan(size);
  return false;
}

Result<CborReader::Container> CborReader::open_array() {
  APM_TRY(const Item found, next(Kind::kArray));
  Container container;
  if (!found.indefinite) container.left_ = found.number;
  return container;
}

Result<CborReader::Container> CborReader::open_map() {
  APM_TRY(const Item found, next(Kind::kMap));
  Container container;
  if (!found.indefinite) container.left_ = found.number;
  return container;
}

Result<std::uint64_t> CborReader::open_definite_array() {
  APM_TRY(const Item found, next(Kind::kArray));
  if (found.indefinite) return malformed("an array has no definite length");
  return found.number;
}

Result<std::uint64_t> CborReader::open_definite_map() {
  APM_TRY(const Item found, next(Kind::kMap));
  if (found.indefinite) return malformed("a map has no definite length");
  return found.number;
}

}  // namespace apm::attestation::nitro
