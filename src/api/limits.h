#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace apm::api {

inline constexpr std::size_t kBodyBytesMax = 2 * 1024 * 1024;
inline constexpr std::size_t kJsonDepthMax = 32;
inline constexpr std::size_t kJsonValuesMax = 20'000;
inline constexpr std::size_t kPathBytesMax = 1024;  // decoded, below /v1/
inline constexpr std::size_t kPathSegmentsMax = 64;
inline constexpr std::size_t kQueryParametersMax = 64;
inline constexpr std::size_t kPolicyBytesMax = 256 * 1024;
inline constexpr std::size_t kPolicyNameBytesMax = 128;
inline constexpr std::size_t kPoliciesMax = 10'000;
inline constexpr std::size_t kCapabilityPathsMax = 256;  // asked in one request
inline constexpr unsigned kInitSharesMax = 255;
inline constexpr std::chrono::seconds kSetupLeaseWait{20};  // sys/init: a node may be going away
inline constexpr std::size_t kSnapshotPieceBytes = 1024 * 1024;  // of a snapshot in one request
// A snapshot that comes over the network is kept in memory until all of it was checked.
inline constexpr std::size_t kSnapshotUploadBytesMax = 128 * 1024 * 1024;
inline constexpr std::chrono::milliseconds kSnapshotIdleMax{60'000};  // between two pieces
// For logins that this server would have to fetch collateral for, and may not just now.
inline constexpr int kRetryAfterBusyS = 2;
inline constexpr int kRetryAfterBudgetS = 15;

}  // namespace apm::api
