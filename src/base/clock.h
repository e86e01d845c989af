#pragma once

// Time, handed in. Wall time comes from the host and can be wrong or go back; intervals and
// deadlines use the steady clock.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/mutex.h"

namespace apm {

using SteadyTime = std::chrono::steady_clock::time_point;
using Milliseconds = std::chrono::milliseconds;

// CLOCK_BOOTTIME: never set, and goes on while the machine is suspended, as steady_clock does not.
// For what others count too, like a lease. A type of its own, so that the two cannot be mixed.
struct BootClock {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<BootClock>;
  static constexpr bool is_steady = true;
  [[nodiscard]] static time_point now();
};
using BootTime = BootClock::time_point;

class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual std::int64_t unix_ns() const = 0;  // since 1970-01-01T00:00:00Z
  [[nodiscard]] virtual SteadyTime steady() const = 0;
  [[nodiscard]] std::int64_t unix_s() const { return unix_ns() / 1'000'000'000; }
};

class SystemClock final : public Clock {
 public:
  [[nodiscard]] std::int64_t unix_ns() const override;
  [[nodiscard]] SteadyTime steady() const override;
};

// A clock for tests, moved by hand. Any thread may call.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(std::int64_t unix_seconds) : ns_(unix_seconds * 1'000'000'000) {}
  [[nodiscard]] std::int64_t unix_ns() const override;
  [[nodiscard]] SteadyTime steady() const override;
  void advance(Milliseconds by);

 private:
  mutable Mutex mutex_;
  std::int64_t ns_ APM_GUARDED_BY(mutex_);
  Milliseconds elapsed_ APM_GUARDED_BY(mutex_){0};
};

// "2026-11-24T00:15:10.123456789Z" (RFC 3339, UTC), and back (fraction and offset optional).
[[nodiscard]] std::string rfc3339_ns(std::int64_t unix_ns);
[[nodiscard]] std::string rfc3339(std::int64_t unix_seconds);
[[nodiscard]] std::optional<std::int64_t> parse_rfc3339_s(std::string_view text);

// A point that a chain of operations must not pass. Copies share the point, not a countdown.
class Deadline {
 public:
  static Deadline after(Milliseconds span);
  [[nodiscard]] Milliseconds left() const;  // never negative
  [[nodiscard]] bool passed() const { return left().count() == 0; }
  // The earlier of this deadline and `span` from now.
  [[nodiscard]] Deadline at_most(Milliseconds span) const;

 private:
  explicit Deadline(SteadyTime at) : at_(at) {}
  SteadyTime at_;
};

}  // namespace apm
