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
inline constexpr std::chrono::milliseconds kSqliteBusyRetry{20};
inline constexpr std::chrono::milliseconds kLeasePollInterval{50};

// PostgreSQL.
inline constexpr std::size_t kPgConnectionsDefault = 8;  // max_parallel
inline constexpr std::size_t kPgConnectionsMax = 64;
inline constexpr std::size_t kPgTableBytesMax = 40;  // suffixes come after it; an identifier has 63
inline constexpr std::size_t kSnapshotPageRowsMax = 1024;           // rows fetched at once
inline constexpr std::size_t kSnapshotPageBytes = 4 * 1024 * 1024;  // and one value beyond
inline constexpr std::size_t kPgUrlBytesMax = 4096;
inline constexpr std::chrono::milliseconds kPgConnectTimeout{5000};       // one attempt
inline constexpr std::chrono::milliseconds kPgStatementTimeout{10'000};   // the server's
inline constexpr std::chrono::milliseconds kPgAnswerTimeout{12'000};      // ours, when it is silent
inline constexpr std::chrono::milliseconds kPgOperationDeadline{30'000};  // with all attempts
inline constexpr std::chrono::milliseconds kPgSnapshotIdleTimeout{120'000};  // between two pages
inline constexpr unsigned kPgAttemptsMax = 40;                               // of one operation
inline constexpr std::chrono::milliseconds kPgBackoffMin{50};
inline constexpr std::chrono::milliseconds kPgBackoffMax{1000};
inline constexpr std::chrono::milliseconds kPgLeaseTtl{15'000};  // renewed after a third of it
inline constexpr std::chrono::milliseconds kPgLeaseTtlMin{300};
// What a stanza's lease_duration may say: shorter ones end under an ordinary pause of the network.
inline constexpr std::chrono::seconds kPgLeaseDurationMin{1};
inline constexpr std::chrono::seconds kPgLeaseDurationMax{300};
// A holder trusts its lease for a tenth less than the store grants, for clocks that run unlike.
inline constexpr int kLeaseMarginPart = 10;
inline constexpr std::chrono::milliseconds kPgLeasePollInterval{200};

}  // namespace apm::storage
