#pragma once

// Structured log lines on standard error: time, level, component, message, then key=value fields.
// A log line never holds a secret: pass names, ids, sizes and error texts, nothing else.
// The logger is handed in like any other service; there is no global one. Any thread may call.

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "base/mutex.h"

namespace apm {

enum class LogLevel { kDebug, kInfo, kWarn, kError };

class Log {
 public:
  using Field = std::pair<std::string_view, std::string>;

  virtual ~Log() = default;
  virtual void write(LogLevel level, std::string_view component, std::string_view message,
                     std::initializer_list<Field> fields) = 0;

  void debug(std::string_view component, std::string_view message,
             std::initializer_list<Field> fields = {}) {
    write(LogLevel::kDebug, component, message, fields);
  }
  void info(std::string_view component, std::string_view message,
            std::initializer_list<Field> fields = {}) {
    write(LogLevel::kInfo, component, message, fields);
  }
  void warn(std::string_view component, std::string_view message,
            std::initializer_list<Field> fields = {}) {
    write(LogLevel::kWarn, component, message, fields);
  }
  void error(std::string_view component, std::string_view message,
             std::initializer_list<Field> fields = {}) {
    write(LogLevel::kError, component, message, fields);
  }
};

// Writes to a file descriptor that it does not own. Control characters in values are escaped, so
// that no input can forge a line.
class StreamLog final : public Log {
 public:
  explicit StreamLog(int fd, LogLevel least = LogLevel::kInfo) : fd_(fd), least_(least) {}
  void write(LogLevel level, std::string_view component, std::string_view message,
             std::initializer_list<Field> fields) override;

 private:
  Mutex mutex_;  // a line is written whole
  int fd_;
  LogLevel least_;
};

// Swallows everything: for tests that look at results only.
class NullLog final : public Log {
 public:
  void write(LogLevel, std::string_view, std::string_view, std::initializer_list<Field>) override {}
};

}  // namespace apm
