#include "base/clock.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>

namespace apm {
namespace {

std::tm utc_parts(std::int64_t seconds) {
  const auto t = static_cast<std::time_t>(seconds);
  std::tm parts{};
  gmtime_r(&t, &parts);
  return parts;
}

std::string date_time(std::int64_t seconds) {
  const std::tm parts = utc_parts(seconds);
  std::array<char, 32> text{};
  const std::size_t n = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  return {text.data(), n};
}

std::optional<int> number(std::string_view text, std::size_t at, std::size_t width) {
  if (at + width > text.size()) return std::nullopt;
  int v = 0;
  for (const char c : text.substr(at, width)) {
    if (c < '0' || c > '9') return std::nullopt;
    v = v * 10 + (c - '0');
  }
  return v;
}

// "Z", "+hh:mm" or "-hh:mm" in seconds east of UTC.
std::optional<int> zone_offset_s(std::string_view zone) {
  if (zone == "Z" || zone == "z") return 0;
  if (zone.size() != 6 || (zone[0] != '+' && zone[0] != '-') || zone[3] != ':') return std::nullopt;
  const auto hours = number(zone, 1, 2);
  const auto minutes = number(zone, 4, 2);
  if (!hours || !minutes || *hours > 23 || *minutes > 59) return std::nullopt;
  return (zone[0] == '-' ? -1 : 1) * (*hours * 3600 + *minutes * 60);
}

}  // namespace

std::int64_t SystemClock::unix_ns() const {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

BootTime BootClock::now() {
  timespec at{};
  // Cannot fail: the clock exists since Linux 2.6.39 and the address is ours.
  static_cast<void>(::clock_gettime(CLOCK_BOOTTIME, &at));
  return BootTime(std::chrono::seconds(at.tv_sec) + std::chrono::nanoseconds(at.tv_nsec));
}

SteadyTime SystemClock::steady() const { return std::chrono::steady_clock::now(); }

std::int64_t ManualClock::unix_ns() const {
  const MutexLock lock(mutex_);
  return ns_;
}

SteadyTime ManualClock::steady() const {
  const MutexLock lock(mutex_);
  return SteadyTime{} + elapsed_;
}

void ManualClock::advance(Milliseconds by) {
  const MutexLock lock(mutex_);
  ns_ += by.count() * 1'000'000;
  elapsed_ += by;
}

std::string rfc3339_ns(std::int64_t unix_ns) {
  std::int64_t seconds = unix_ns / 1'000'000'000;
  std::int64_t fraction = unix_ns % 1'000'000'000;
  if (fraction < 0) {
    fraction += 1'000'000'000;
    --seconds;
  }
  std::array<char, 16> digits{};
  std::snprintf(digits.data(), digits.size(), ".%09lldZ", static_cast<long long>(fraction));
  return date_time(seconds) + digits.data();
}

std::string rfc3339(std::int64_t unix_seconds) { return date_time(unix_seconds) + "Z"; }

std::optional<std::int64_t> parse_rfc3339_s(std::string_view text) {
  const auto year = number(text, 0, 4);
  const auto month = number(text, 5, 2);
  const auto day = number(text, 8, 2);
  const auto hour = number(text, 11, 2);
  const auto minute = number(text, 14, 2);
  const auto second = number(text, 17, 2);
  if (!year || !month || !day || !hour || !minute || !second) return std::nullopt;
  if (text[4] != '-' || text[7] != '-' || (text[10] != 'T' && text[10] != 't') || text[13] != ':' ||
      text[16] != ':') {
    return std::nullopt;
  }
  std::string_view zone = text.substr(19);
  if (!zone.empty() && zone[0] == '.') {
    const std::size_t digits = zone.find_first_not_of("0123456789", 1);
    if (digits == 1 || digits == std::string_view::npos) return std::nullopt;
    zone.remove_prefix(digits);
  }
  const auto offset = zone_offset_s(zone);
  if (!offset) return std::nullopt;
  std::tm parts{};
  parts.tm_year = *year - 1900;
  parts.tm_mon = *month - 1;
  parts.tm_mday = *day;
  parts.tm_hour = *hour;
  parts.tm_min = *minute;
  parts.tm_sec = *second;
  const std::int64_t seconds = timegm(&parts);
  // timegm() normalises: a day such as 30 February comes back as another date.
  const std::tm again = utc_parts(seconds);
  if (again.tm_mon != *month - 1 || again.tm_mday != *day || again.tm_hour != *hour ||
      again.tm_min != *minute) {
    return std::nullopt;
  }
  return seconds - *offset;
}

Deadline Deadline::after(Milliseconds span) {
  return Deadline(std::chrono::steady_clock::now() + span);
}

Milliseconds Deadline::left() const {
  const auto span =
      std::chrono::duration_cast<Milliseconds>(at_ - std::chrono::steady_clock::now());
  return std::max(span, Milliseconds{0});
}

Deadline Deadline::at_most(Milliseconds span) const {
  return Deadline(std::min(at_, std::chrono::steady_clock::now() + span));
}

}  // namespace apm
