#include "crypto/random.h"

#include <openssl/rand.h>

#include <climits>
#include <cstdlib>

#include "base/encoding.h"

namespace apm::crypto {

void random_fill(MutableByteView out) {
  if (out.empty()) return;
  if (out.size() > INT_MAX || RAND_bytes(out.data(), static_cast<int>(out.size())) != 1)
    std::abort();
}

Bytes random_bytes(std::size_t n) {
  Bytes out(n);
  random_fill(out);
  return out;
}

std::string random_base62(std::size_t n) {
  constexpr std::string_view kAlphabet =
      "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  constexpr unsigned kFair = 256 / 62 * 62;  // bytes from here on would favour some letters
  std::string out;
  while (out.size() < n) {
    for (const std::uint8_t byte : random_bytes(n)) {
      if (byte < kFair && out.size() < n) out += kAlphabet[byte % 62];
    }
  }
  return out;
}

std::string random_uuid() {
  Bytes raw = random_bytes(16);
  raw[6] = static_cast<std::uint8_t>((raw[6] & 0x0f) | 0x40);
  raw[8] = static_cast<std::uint8_t>((raw[8] & 0x3f) | 0x80);
  std::string text = hex_encode(raw);
  for (const std::size_t at : {20U, 16U, 12U, 8U}) text.insert(at, 1, '-');
  return text;
}

}  // namespace apm::crypto
