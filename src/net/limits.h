#pragma once

// Named maxima of outbound HTTP.

#include <chrono>
#include <cstddef>

namespace apm::net {

inline constexpr std::size_t kResponseBytesMax = 4 << 20;  // default; a request may ask for less
inline constexpr std::size_t kResponseHeaderBytesMax = 64 << 10;
inline constexpr std::size_t kRequestBytesMax = 8 << 20;
inline constexpr std::size_t kCaPemBytesMax = 1 << 20;
inline constexpr int kAttemptsMax = 10;  // whatever a retry policy asks for
inline constexpr std::chrono::milliseconds kConnectTimeout{10'000};
inline constexpr std::chrono::milliseconds kAttemptTimeout{30'000};
inline constexpr std::chrono::milliseconds kRetryAfterMax{120'000};
// libcurl's timer ends a few milliseconds early at times: so much before a deadline is at it, and
// too little for one more attempt.
inline constexpr std::chrono::milliseconds kTimerSlack{20};

}  // namespace apm::net
