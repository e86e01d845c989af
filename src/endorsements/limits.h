#pragma once

// Named maxima of fetching and keeping endorsements.

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace apm::endorsements {

inline constexpr std::chrono::milliseconds kAttemptTimeout{10'000};
inline constexpr std::chrono::milliseconds kFetchDeadline{30'000};  // a document, with its retries
// A refresh holds somebody's login up, who could be served with what is there.
inline constexpr std::chrono::milliseconds kRefreshDeadline{5'000};
inline constexpr int kAttemptsMax = 3;

inline constexpr std::size_t kCertificateBytesMax = 16 * 1024;
inline constexpr std::size_t kThimBytesMax = 32 * 1024;

inline constexpr std::size_t kDocumentsMax = 4096;  // in the cache
inline constexpr std::size_t kRefusalsMax = 1024;   // remembered
inline constexpr std::size_t kFlightsMax = 16;      // fetches at a time
// Callers choose chips and platforms before anything is proved: without a bound they could make
// this server ask a vendor as often as they like.
inline constexpr std::size_t kFetchesPerMinuteMax = 120;
// Of them, for evidence that nobody has proved, on behalf of one address: one caller must not use
// up what all may.
inline constexpr std::size_t kFetchesPerAskerMax = 12;
inline constexpr std::size_t kAskersMax = 1024;  // remembered
// Callers that a fetch from one source may hold up, the one that makes it and those that wait.
inline constexpr std::size_t kCallersMax = 4;

// A document is asked for again after this, and kept in use until its own end if that fails.
inline constexpr std::int64_t kRefreshS = 24 * 3600;
inline constexpr std::int64_t kJwksRefreshS = 3600;
// A key set carries no date of its own: this is how long one may be used.
inline constexpr std::int64_t kJwksKeepS = 24 * 3600;
// A token with an unknown kid makes a set be asked for again, if it is at least this old.
inline constexpr std::int64_t kJwksAgeForNewKeyS = 60;

// How long a failure is remembered.
inline constexpr std::int64_t kNotFoundKeepS = 600;
inline constexpr std::int64_t kUnusableKeepS = 60;
inline constexpr std::int64_t kUnreachableKeepS = 30;
inline constexpr std::int64_t kDeadlineKeepS = 5;

inline constexpr std::size_t kIssuersMax = 32;

}  // namespace apm::endorsements
