#pragma once

// Sizes and spans of the simulator. Small: it serves one test suite on one machine.

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace apm::sim {

inline constexpr int kConnectionsMax = 64;
inline constexpr std::uint32_t kHeaderBytesMax = 64 * 1024;
inline constexpr std::uint64_t kBodyBytesMax = 2 * 1024 * 1024;
inline constexpr int kIdleSeconds = 60;  // of a kept connection
inline constexpr std::size_t kLogEntriesMax = 20'000;
inline constexpr std::size_t kFaultsMax = 100;
inline constexpr std::size_t kKillsMax = 100;
inline constexpr int kLatencyMsMax = 120'000;

inline constexpr std::size_t kStateBytesMax = 64 * 1024 * 1024;
inline constexpr std::size_t kFileBytesMax = 1024 * 1024;
inline constexpr std::size_t kSecretValueBytesMax = 25 * 1024;
inline constexpr std::size_t kPageSize = 25;

inline constexpr std::size_t kTpmMessageMax = 4096;
inline constexpr std::size_t kTpmClientsMax = 16;
inline constexpr std::size_t kNvChunkMax = 1024;
inline constexpr std::chrono::milliseconds kTpmReplyTimeout{30'000};
inline constexpr std::chrono::milliseconds kSwtpmStartTimeout{15'000};

inline constexpr std::size_t kHclReportBytes = 2600;
inline constexpr std::size_t kSnpReportBytes = 1184;
inline constexpr std::size_t kUserDataBytes = 64;

inline constexpr std::int64_t kMaaTokenSeconds = 28'800;
inline constexpr std::int64_t kAccessTokenSeconds = 86'400;
inline constexpr std::int64_t kThrottleWindowMs = 10'000;

}  // namespace apm::sim
