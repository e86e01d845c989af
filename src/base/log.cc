#include "base/log.h"

#include <unistd.h>

#include <cerrno>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/encoding.h"

namespace apm {
namespace {

std::string_view level_name(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug: return "DEBUG";
    case LogLevel::kInfo: return "INFO ";
    case LogLevel::kWarn: return "WARN ";
    case LogLevel::kError: return "ERROR";
  }
  return "?";
}

void append_escaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<std::uint8_t>(c);
    if (byte >= 0x20 && byte != 0x7f) {
      out += c;
    } else {
      out += "\\x";
      out += hex_encode(ByteView(&byte, 1));
    }
  }
}

void append_value(std::string& out, std::string_view value) {
  const bool quote = value.empty() || value.find_first_of(" =\"") != std::string_view::npos;
  if (quote) out += '"';
  append_escaped(out, value);
  if (quote) out += '"';
}

}  // namespace

void StreamLog::write(LogLevel level, std::string_view component, std::string_view message,
                      std::initializer_list<Field> fields) {
  if (level < least_) return;
  std::string line = rfc3339_ns(SystemClock().unix_ns());
  line += " [";
  line += level_name(level);
  line += "] ";
  line += component;
  line += ": ";
  append_escaped(line, message);
  for (const auto& [key, value] : fields) {
    line += ' ';
    line += key;
    line += '=';
    append_value(line, value);
  }
  line += '\n';
  const MutexLock lock(mutex_);
  std::string_view rest = line;
  while (!rest.empty()) {
    const ssize_t n = ::write(fd_, rest.data(), rest.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;  // a log that cannot be written must not stop the server
    rest.remove_prefix(static_cast<std::size_t>(n));
  }
}

}  // namespace apm
