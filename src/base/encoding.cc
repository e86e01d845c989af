#include "base/encoding.h"

#include <array>

namespace apm {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr std::string_view kStandard =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kUrl =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::uint8_t kInvalid = 0xff;

using Table = std::array<std::uint8_t, 256>;

constexpr Table table_of(std::string_view alphabet) {
  Table table{};
  for (auto& slot : table) slot = kInvalid;
  for (std::size_t i = 0; i < alphabet.size(); ++i) {
    table[static_cast<unsigned char>(alphabet[i])] = static_cast<std::uint8_t>(i);
  }
  return table;
}

constexpr Table both_alphabets() {
  Table table = table_of(kStandard);
  table['-'] = 62;
  table['_'] = 63;
  return table;
}

constexpr Table kStandardTable = table_of(kStandard);
constexpr Table kUrlTable = table_of(kUrl);
constexpr Table kAnyTable = both_alphabets();

Error malformed(const char* what) { return Error(Code::kInvalidArgument, what); }

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string encode64(ByteView in, std::string_view alphabet, bool pad) {
  std::string out;
  out.reserve((in.size() + 2) / 3 * 4);
  std::size_t i = 0;
  for (; i + 3 <= in.size(); i += 3) {
    const unsigned v = unsigned{in[i]} << 16 | unsigned{in[i + 1]} << 8 | unsigned{in[i + 2]};
    out += {alphabet[v >> 18], alphabet[v >> 12 & 63], alphabet[v >> 6 & 63], alphabet[v & 63]};
  }
  const std::size_t left = in.size() - i;
  if (left == 0) return out;
  const unsigned v = unsigned{in[i]} << 16 | (left == 2 ? unsigned{in[i + 1]} << 8 : 0);
  out += {alphabet[v >> 18], alphabet[v >> 12 & 63]};
  if (left == 2) out += alphabet[v >> 6 & 63];
  if (pad) out.append(3 - left, '=');
  return out;
}

// `text` without its padding.
Result<Bytes> decode64(std::string_view text, const Table& table) {
  if (text.size() % 4 == 1) return malformed("base64 text has an impossible length");
  Bytes out;
  out.reserve(text.size() / 4 * 3 + 2);
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const char c : text) {
    const std::uint8_t v = table[static_cast<unsigned char>(c)];
    if (v == kInvalid) return malformed("base64 text has a character outside its alphabet");
    bits = (bits << 6 | v) & 0xffffff;
    count += 6;
    if (count >= 8) {
      count -= 8;
      out.push_back(static_cast<std::uint8_t>(bits >> count));
    }
  }
  if ((bits & ((1U << count) - 1)) != 0) return malformed("base64 text has non-zero spare bits");
  return out;
}

std::string_view without_padding(std::string_view text) {
  for (int i = 0; i < 2 && !text.empty() && text.back() == '='; ++i) text.remove_suffix(1);
  return text;
}

}  // namespace

std::string hex_encode(ByteView bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const std::uint8_t b : bytes) out += {kHexDigits[b >> 4], kHexDigits[b & 15]};
  return out;
}

Result<Bytes> hex_decode(std::string_view text) {
  if (text.size() % 2 != 0) return malformed("hexadecimal text has an odd length");
  Bytes out;
  out.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = hex_value(text[i]);
    const int low = hex_value(text[i + 1]);
    if (high < 0 || low < 0)
      return malformed("hexadecimal text has a character that is not a digit");
    out.push_back(static_cast<std::uint8_t>(high * 16 + low));
  }
  return out;
}

std::string base64_encode(ByteView bytes) { return encode64(bytes, kStandard, true); }

Result<Bytes> base64_decode(std::string_view text) {
  if (text.size() % 4 != 0) return malformed("base64 text lacks its padding");
  return decode64(without_padding(text), kStandardTable);
}

std::string base64url_encode(ByteView bytes) { return encode64(bytes, kUrl, false); }

Result<Bytes> base64url_decode(std::string_view text) { return decode64(text, kUrlTable); }

Result<Bytes> base64_decode_any(std::string_view text) {
  const std::string_view bare = without_padding(text);
  if (bare.size() != text.size() && text.size() % 4 != 0) {
    return malformed("base64 text has surplus padding");
  }
  return decode64(bare, kAnyTable);
}

}  // namespace apm
