#pragma once

#include <chrono>
#include <cstddef>

namespace apm::storage {

inline constexpr std::size_t kKeyBytesMax = 900;
inline constexpr std::size_t kValueBytesMax = 3 * 1024 * 1024;
inline constexpr std::size_t kBatchOperationsMax = 512;
inline constexpr std::size_t kBatchBytesMax = 32 * 1024 * 1024;  // keys and values together
inline constexpr std::size_t kListNamesMax = 1'000'000;          // names in one answer of list()
inline constexpr std::size_t kLeaseOwnerBytesMax = 2048;  // room for a node's addresses as JSON

// SQLite.
inline constexpr std::size_t kCommitQueueMax = 4096;  // batches that wait for the next group
inline constexpr std::size_t kGroupBatchesMax = 128;  // batches in one transaction
inline constexpr std::size_t kReadConnections = 4;
inline constexpr std::chrono::milliseconds kSqliteBusyTimeout{5000};
inline constexpr std::chrono::milliseconds kLeasePollInterval{50};

}  // namespace apm::storage
