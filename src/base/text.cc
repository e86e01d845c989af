#include "base/text.h"

#include <limits>

namespace apm {
namespace {

// Milliseconds in a unit of Go's duration text, or 0.
std::uint64_t unit_ms(std::string_view unit) {
  if (unit == "h") return 3'600'000;
  if (unit == "m") return 60'000;
  if (unit == "s") return 1'000;
  if (unit == "ms") return 1;
  if (unit == "d") return 86'400'000;
  return 0;
}

}  // namespace

std::string to_lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> out;
  std::size_t start = 0;
  for (std::size_t end = text.find(separator); end != std::string_view::npos;
       end = text.find(separator, start)) {
    out.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  out.push_back(text.substr(start));
  return out;
}

bool is_utf8(std::string_view text) {
  const auto* p = reinterpret_cast<const unsigned char*>(text.data());
  const auto* end = p + text.size();
  while (p < end) {
    const unsigned lead = *p++;
    if (lead < 0x80) continue;
    unsigned more = 0;
    unsigned least = 0;
    unsigned point = 0;
    if ((lead & 0xe0) == 0xc0) {
      more = 1, least = 0x80, point = lead & 0x1f;
    } else if ((lead & 0xf0) == 0xe0) {
      more = 2, least = 0x800, point = lead & 0x0f;
    } else if ((lead & 0xf8) == 0xf0) {
      more = 3, least = 0x10000, point = lead & 0x07;
    } else {
      return false;
    }
    for (; more > 0; --more) {
      if (p == end || (*p & 0xc0) != 0x80) return false;
      point = point << 6 | (*p++ & 0x3fU);
    }
    if (point < least || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return false;
  }
  return true;
}

std::optional<std::uint64_t> parse_u64(std::string_view text) {
  if (text.empty()) return std::nullopt;
  constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t v = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (v > (kMax - digit) / 10) return std::nullopt;
    v = v * 10 + digit;
  }
  return v;
}

std::optional<std::uint64_t> parse_duration_s(std::string_view text) {
  if (const auto plain = parse_u64(text)) return plain;
  constexpr std::uint64_t kMaxMs = 1'000'000'000'000'000;  // far beyond any lifetime, no overflow
  std::uint64_t total_ms = 0;
  if (text.empty()) return std::nullopt;
  while (!text.empty()) {
    const std::size_t digits = text.find_first_not_of("0123456789");
    if (digits == 0 || digits == std::string_view::npos) return std::nullopt;
    const auto count = parse_u64(text.substr(0, digits));
    text.remove_prefix(digits);
    const std::size_t letters = std::min(text.find_first_of("0123456789"), text.size());
    const std::uint64_t unit = unit_ms(text.substr(0, letters));
    text.remove_prefix(letters);
    if (!count || unit == 0 || *count > kMaxMs / unit) return std::nullopt;
    total_ms += *count * unit;
    if (total_ms > kMaxMs) return std::nullopt;
  }
  return total_ms / 1000;
}

std::string duration_text(std::uint64_t seconds) {
  const std::uint64_t hours = seconds / 3600;
  const std::uint64_t minutes = seconds / 60 % 60;
  std::string text;
  if (hours != 0) text += concat(hours, "h");
  if (seconds >= 60) text += concat(minutes, "m");
  return text + concat(seconds % 60, "s");
}

}  // namespace apm
