#include "net/retry.h"

#include <curl/curl.h>

#include <algorithm>
#include <random>

#include "base/text.h"

namespace apm::net {

bool retryable_status(const Request& request, const Response& response) {
  const int status = response.status;
  const bool asked_to = response.header("retry-after") != nullptr;
  if (status == 429 || (status == 503 && asked_to)) return true;
  if (!request.idempotent) return false;
  if (status == 408 || (status >= 500 && status != 501 && status != 505)) return true;
  const auto& more = request.retry.more_statuses;
  return std::find(more.begin(), more.end(), status) != more.end();
}

std::optional<Milliseconds> asked_delay(const Response& response, std::int64_t now_unix_s) {
  const auto limit = [](std::uint64_t ms) {
    const auto most = static_cast<std::uint64_t>(kRetryAfterMax.count());
    return Milliseconds(static_cast<std::int64_t>(std::min(ms, most)));
  };
  for (const char* name : {"x-ms-retry-after-ms", "retry-after-ms"}) {
    if (const std::string* text = response.header(name)) {
      if (const auto ms = parse_u64(*text)) return limit(*ms);
    }
  }
  const std::string* text = response.header("retry-after");
  if (text == nullptr) return std::nullopt;
  if (const auto seconds = parse_u64(*text)) {
    return limit(std::min<std::uint64_t>(*seconds, 1'000'000) * 1000);
  }
  const std::time_t at = ::curl_getdate(text->c_str(), nullptr);
  if (at < 0) return std::nullopt;
  return limit(at <= now_unix_s ? 0 : static_cast<std::uint64_t>(at - now_unix_s) * 1000);
}

Milliseconds retry_delay(const RetryPolicy& policy, int attempt,
                         std::optional<Milliseconds> asked) {
  const int doublings = std::clamp(attempt - 1, 0, 20);
  const std::int64_t ceiling =
      std::min(policy.delay_max.count(), policy.base_delay.count() << doublings);
  // Jitter spreads callers in time; it is no secret.
  std::random_device source;
  std::uniform_int_distribution<std::int64_t> spread(0, std::max<std::int64_t>(ceiling, 0));
  const Milliseconds own(spread(source));
  return asked ? std::max(*asked, own) : own;
}

}  // namespace apm::net
