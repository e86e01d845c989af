// A canonical path has no empty, "." or ".." segment and no control character, and encoding it
// again leads to itself: there are no two readings of one request.

#include "api/request_reader.h"
#include "base/text.h"
#include "property.h"

namespace {

std::string encode(std::string_view path) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  for (const char c : path) {
    if (c == '/') {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using apm::fuzz::require;
  const auto path = apm::api::canonical_path(apm::fuzz::text_of(data, size));
  if (!path.ok()) return 0;
  require(apm::is_utf8(*path), "not UTF-8");
  for (const char c : *path) {
    require(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f, "a control character");
  }
  std::string_view rest = *path;
  if (rest.ends_with('/')) rest.remove_suffix(1);
  for (const std::string_view segment : apm::split(rest, '/')) {
    require(!segment.empty() && segment != "." && segment != "..", "a segment that moves");
  }
  const auto again = apm::api::canonical_path(encode(*path));
  require(again.ok() && *again == *path, "a canonical path has another canonical path");
  return 0;
}
