#include "hclconfig/scanner.h"

#include <algorithm>

#include "base/text.h"

namespace apm::hclconfig {
namespace {

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-' || c == '.';
}

std::size_t digits_at(std::string_view text) {
  return std::min(text.size(), text.find_first_not_of("0123456789"));
}

// As JSON writes numbers. HCL's octal and hexadecimal forms are refused: 0755 must not become 493.
bool is_number(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  const std::size_t whole = digits_at(text);
  if (whole == 0 || (whole > 1 && text[0] == '0')) return false;
  text.remove_prefix(whole);
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    const std::size_t fraction = digits_at(text);
    if (fraction == 0) return false;
    text.remove_prefix(fraction);
  }
  if (text.starts_with('e') || text.starts_with('E')) {
    text.remove_prefix(1);
    if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
    return !text.empty() && digits_at(text) == text.size();
  }
  return text.empty();
}

void append_utf8(std::string& out, unsigned point) {
  if (point < 0x80) {
    out += static_cast<char>(point);
  } else if (point < 0x800) {
    out += {static_cast<char>(0xc0 | point >> 6), static_cast<char>(0x80 | (point & 0x3f))};
  } else if (point < 0x10000) {
    out += {static_cast<char>(0xe0 | point >> 12), static_cast<char>(0x80 | (point >> 6 & 0x3f)),
            static_cast<char>(0x80 | (point & 0x3f))};
  } else {
    out +=
        {static_cast<char>(0xf0 | point >> 18), static_cast<char>(0x80 | (point >> 12 & 0x3f)),
         static_cast<char>(0x80 | (point >> 6 & 0x3f)), static_cast<char>(0x80 | (point & 0x3f))};
  }
}

}  // namespace

char Scanner::next() {
  const char c = text_[at_++];
  if (c == '\n') {
    ++position_.line;
    position_.column = 1;
  } else if ((static_cast<unsigned char>(c) & 0xc0) != 0x80) {
    ++position_.column;
  }
  return c;
}

Status Scanner::skip_blank(bool json) {
  while (!done()) {
    const char c = peek();
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
      next();
    } else if (!json && (c == '#' || (c == '/' && peek(1) == '/'))) {
      while (!done() && peek() != '\n') next();
    } else if (!json && c == '/' && peek(1) == '*') {
      const Position start = position_;
      next();
      next();
      while (!done() && !(peek() == '*' && peek(1) == '/')) next();
      if (done()) return error_at(start, "this comment never ends");
      next();
      next();
    } else {
      break;
    }
  }
  return {};
}

bool Scanner::take(char expected) {
  if (done() || peek() != expected) return false;
  next();
  return true;
}

std::string Scanner::word() {
  std::string out;
  while (!done() && is_word(peek())) out += next();
  return out;
}

Status Scanner::escape(std::string& out) {
  const Position where = position_;
  if (done()) return error_at(where, "the text ends within an escape");
  const char c = next();
  switch (c) {
    case 'n': out += '\n'; return {};
    case 't': out += '\t'; return {};
    case 'r': out += '\r'; return {};
    case 'b': out += '\b'; return {};
    case 'f': out += '\f'; return {};
    case '"':
    case '\\':
    case '/': out += c; return {};
    case 'u': break;
    default: return error_at(where, "this escape is not known");
  }
  APM_TRY(unsigned point, hex4(where));
  if (point >= 0xd800 && point <= 0xdbff && take('\\') && take('u')) {
    APM_TRY(const unsigned low, hex4(where));
    if (low < 0xdc00 || low > 0xdfff) return error_at(where, "this surrogate has no partner");
    point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
  }
  if (point == 0 || (point >= 0xd800 && point <= 0xdfff)) {
    return error_at(where, "this code point is not allowed");
  }
  append_utf8(out, point);
  return {};
}

Result<unsigned> Scanner::hex4(Position where) {
  unsigned point = 0;
  for (int i = 0; i < 4; ++i) {
    const std::size_t digit =
        std::string_view("0123456789abcdef").find(to_lower(std::string(1, peek())));
    if (done() || digit == std::string_view::npos) {
      return error_at(where, "\\u needs four hexadecimal digits");
    }
    point = point * 16 + static_cast<unsigned>(digit);
    next();
  }
  return point;
}

Result<std::string> Scanner::quoted() {
  const Position start = position_;
  next();
  std::string out;
  while (!done() && peek() != '"') {
    if (peek() == '\n') return error_at(start, "this string is not closed on its line");
    const char c = next();
    if (c == '\\') {
      APM_CHECK_OK(escape(out));
    } else {
      out += c;
    }
  }
  if (!take('"')) return error_at(start, "this string is never closed");
  return out;
}

std::string Scanner::line() {
  std::string out;
  while (!done() && peek() != '\n') out += next();
  if (!done()) next();
  if (out.ends_with('\r')) out.pop_back();
  return out;
}

Result<std::string> Scanner::heredoc() {
  const Position start = position_;
  next();
  next();
  const bool indented = take('-');
  const std::string marker = word();
  if (marker.empty() || !trim(line()).empty()) {
    return error_at(start, "a heredoc begins with <<NAME alone");
  }
  std::vector<std::string> lines;
  while (true) {
    if (done()) return error_at(start, concat("this heredoc never ends: no line holds ", marker));
    std::string one = line();
    if (trim(one) == marker) break;
    lines.push_back(std::move(one));
  }
  std::size_t margin = indented ? std::string::npos : 0;
  for (const std::string& one : lines) {
    if (indented && !trim(one).empty()) margin = std::min(margin, one.find_first_not_of(" \t"));
  }
  std::string out;
  for (const std::string& one : lines) out += one.substr(std::min(margin, one.size())) + "\n";
  return out;
}

Result<Number> Scanner::number() {
  const Position start = position_;
  std::string out;
  if (peek() == '-') out += next();
  while (!done() &&
         (is_word(peek()) || (peek() == '+' && (out.ends_with('e') || out.ends_with('E'))))) {
    out += next();
  }
  if (!is_number(out)) {
    return error_at(start, concat("\"", out, "\" is neither a number nor a quoted string"));
  }
  return Number{std::move(out)};
}

}  // namespace apm::hclconfig
