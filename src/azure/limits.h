#pragma once

// Deadlines, retries and sizes of the calls to Azure (azure.md's table of service limits).

#include <chrono>
#include <cstddef>

namespace apm::azure {

using std::chrono::milliseconds;

inline constexpr milliseconds kImdsAttemptTimeout{5'000};
inline constexpr milliseconds kImdsDeadline{90'000};
inline constexpr int kImdsAttempts = 5;
inline constexpr milliseconds kMaaAttemptTimeout{30'000};
inline constexpr milliseconds kMaaDeadline{120'000};
inline constexpr int kMaaAttempts = 4;
inline constexpr milliseconds kVaultAttemptTimeout{20'000};
inline constexpr milliseconds kVaultDeadline{90'000};
inline constexpr int kVaultAttempts = 5;
inline constexpr milliseconds kEntraAttemptTimeout{20'000};
inline constexpr milliseconds kEntraDeadline{60'000};
inline constexpr int kEntraAttempts = 3;

// A token this close to its end is not used for another call.
inline constexpr milliseconds kTokenSpare{300'000};

inline constexpr std::size_t kAnswerBytesMax = 512 * 1024;
inline constexpr std::size_t kSecretValueBytesMax = 25 * 1024;  // Key Vault's own limit
inline constexpr std::size_t kVersionPagesMax = 40;             // of 25 versions each
inline constexpr std::size_t kQuotedTextMax = 300;              // of Azure's message in an error

// Blob storage. The service allows 50,000 blocks a blob and, of the pinned version, 4 MiB a block.
inline constexpr milliseconds kBlobAttemptTimeout{20'000};
inline constexpr milliseconds kBlobDeadline{60'000};  // less than the 15 minutes a signature lives
inline constexpr int kBlobAttempts = 4;
inline constexpr int kAppendAttempts = 4;  // an append whose answer was lost is looked up between
inline constexpr milliseconds kAppendRetryPause{200};
inline constexpr std::size_t kBlobNameBytesMax = 1024;
inline constexpr std::size_t kLogRecordBytesMax = 4 * 1024 * 1024;  // one Append Block
// Keys and values of one batch; the rest is for lengths (512 operations) and the record's fields.
inline constexpr std::size_t kLogBatchBytesMax = kLogRecordBytesMax - 8 * 1024;
inline constexpr unsigned kBlobLeaseSecondsMin = 15;
inline constexpr unsigned kBlobLeaseSecondsMax = 60;
inline constexpr unsigned kBlobLeaseEndless = 0;  // until it is broken or released

// The store over it. The service ends a log at 50,000 appends; a new one begins well before.
inline constexpr std::size_t kSegmentAppendsMax = 40'000;
inline constexpr std::size_t kSegmentBytesMax = 64 * 1024 * 1024;  // to be replayed, at most
inline constexpr std::size_t kLogBytesMax = std::size_t{4} * 1024 * 1024 * 1024;  // of one blob
// Keys and values of a store, with 8 bytes each: all of it is in memory, and in one checkpoint.
inline constexpr std::size_t kStateBytesMax = std::size_t{2} * 1024 * 1024 * 1024;
inline constexpr std::size_t kManifestBytesMax = 64 * 1024;
inline constexpr std::size_t kManifestNamesMax = 64;  // of blobs that wait for their deletion
inline constexpr std::size_t kLogQueueMax = 4096;     // commits that wait for the next append
inline constexpr std::size_t kLogGroupMax = 128;      // commits in one append
inline constexpr int kFollowAttempts = 5;             // when logs change under a reader
inline constexpr milliseconds kLeasePollPause{200};
inline constexpr milliseconds kWholeLogDeadline{600'000};  // to replay it, or to begin a new one

}  // namespace apm::azure
