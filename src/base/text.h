#pragma once

// Small, allocation-honest operations on ASCII and UTF-8 text.

#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace apm {

[[nodiscard]] std::string to_lower(std::string_view text);   // ASCII only
[[nodiscard]] std::string_view trim(std::string_view text);  // space, tab, CR, LF
[[nodiscard]] std::vector<std::string_view> split(std::string_view text, char separator);
// A temporary is refused: the views would outlive it in `for (part : split(make(), ','))`.
template <class T>
  requires std::same_as<T, std::string>
std::vector<std::string_view> split(T&& text, char separator) = delete;
[[nodiscard]] bool is_utf8(std::string_view text);  // well-formed, no surrogates, no overlong forms
[[nodiscard]] std::optional<std::uint64_t> parse_u64(std::string_view text);  // digits only

// concat("a ", name, " of ", 7) with string-like parts and integers.
namespace detail {
inline void append_part(std::string& out, std::string_view part) { out += part; }
inline void append_part(std::string& out, const char* part) { out += part; }
inline void append_part(std::string& out, const std::string& part) { out += part; }
inline void append_part(std::string& out, char part) { out += part; }
template <class T>
  requires(std::is_integral_v<T> && !std::is_same_v<T, char> && !std::is_same_v<T, bool>)
void append_part(std::string& out, T part) {
  out += std::to_string(part);
}
}  // namespace detail

template <class... Parts>
[[nodiscard]] std::string concat(const Parts&... parts) {
  std::string out;
  (detail::append_part(out, parts), ...);
  return out;
}

// Text of a Go-style duration ("72h", "1h30m", "90s", "500ms") or of whole seconds ("90"), in
// seconds, rounded down. Negative, empty and malformed text give nothing.
[[nodiscard]] std::optional<std::uint64_t> parse_duration_s(std::string_view text);
// As Go prints a duration: 0 is "0s", 90 is "1m30s", 3600 is "1h0m0s".
[[nodiscard]] std::string duration_text(std::uint64_t seconds);

}  // namespace apm
