#pragma once

// When to try again, and how long to wait: pure decisions, apart from the drawing of jitter.

#include <optional>

#include "base/clock.h"
#include "net/http_client.h"

namespace apm::net {

[[nodiscard]] bool retryable_status(const Request& request, const Response& response);

// What the server asked for (x-ms-retry-after-ms, retry-after-ms, Retry-After in seconds or as a
// date), at most kRetryAfterMax.
[[nodiscard]] std::optional<Milliseconds> asked_delay(const Response& response,
                                                      std::int64_t now_unix_s);

// The wait before attempt `attempt` + 1 (attempts count from 1): uniform in
// [0, min(delay_max, base * 2^(attempt-1))], and never shorter than what the server asked for.
[[nodiscard]] Milliseconds retry_delay(const RetryPolicy& policy, int attempt,
                                       std::optional<Milliseconds> asked);

}  // namespace apm::net
