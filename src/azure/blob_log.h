#pragma once

// The blobs of a commit log, read and replaced as wholes: manifest, checkpoint and segment. What
// happens at a takeover and at a roll. Blocking; borrows the client; one thread at a time.
//
// Errors: those of BlobClient and log_record.h; kCorrupt "azure_checkpoint" when the checkpoint is
// not the one that the manifest names, "azure_log_rolled_back" when the log is older than one that
// was seen; kTooLarge "azure_log_size" for a blob over kLogBytesMax.

#include <string>

#include "azure/blob_client.h"
#include "azure/log_manifest.h"

namespace apm::azure {

inline constexpr const char* kManifestBlob = "apm/manifest";

struct ReadManifest {
  Manifest manifest;
  std::string etag;
  bool leased = false;
};

// The segment, and how much of it was replayed.
struct LogPlace {
  std::string segment;
  std::uint64_t segment_epoch = 0;
  std::uint64_t position = 0;        // bytes
  std::uint64_t first_sequence = 0;  // of the record before the segment's first
};

// The log as one who replayed it knows it.
struct LogView {
  LogState state;
  LogPlace place;
  [[nodiscard]] std::uint64_t appends() const { return state.head.sequence - place.first_sequence; }
};

// Where a server has seen the log. In this process alone: a restart forgets it.
[[nodiscard]] Status check_not_older(const LogHead& seen, const LogHead& now);

class BlobLog {
 public:
  explicit BlobLog(BlobClient& client) : client_(client) {}

  // Makes the container and an empty log where there is none.
  [[nodiscard]] Status prepare(const Deadline& deadline);
  [[nodiscard]] Result<ReadManifest> manifest(const Deadline& deadline);
  [[nodiscard]] Result<LogView> load(const Manifest& manifest, const Deadline& deadline);
  // Replays what was appended since.
  [[nodiscard]] Status extend(LogView& view, const Deadline& deadline);

  struct TakeOver {
    std::string lease_id;  // of the manifest, and held
    std::string owner;
    LogHead seen;
  };
  // Takes an epoch, seals the log against its former writer, and leaves a checkpoint and a new
  // segment.
  [[nodiscard]] Result<LogView> take_over(const TakeOver& what, const Deadline& deadline);
  // The same within an epoch: where `view` goes on. After an error nothing may be
  // appended before another roll succeeded: whether this one did may be unknown.
  [[nodiscard]] Result<LogPlace> roll(const std::string& lease_id, std::uint64_t epoch,
                                      const LogView& view, const Deadline& deadline);

 private:
  [[nodiscard]] Status replace(const std::string& lease_id, ReadManifest& current,
                               const Manifest& next, const Deadline& deadline);
  [[nodiscard]] Status start_segment(const std::string& lease_id, ReadManifest& current,
                                     const LogState& state, const Deadline& deadline);
  [[nodiscard]] Status seal(const std::string& name, const std::string& lease_id,
                            const Deadline& deadline);
  [[nodiscard]] Status create(const std::string& name, const std::string& lease_id,
                              const Deadline& deadline);
  [[nodiscard]] Result<LogHead> write_checkpoint(const std::string& name,
                                                 const std::string& lease_id, std::uint64_t epoch,
                                                 const LogState& state, const Deadline& deadline);
  [[nodiscard]] Result<Bytes> read_from(const std::string& name, std::uint64_t position,
                                        const Deadline& deadline);
  [[nodiscard]] Result<std::vector<std::string>> remaining(const std::vector<std::string>& names,
                                                           const Deadline& deadline);
  void sweep(const std::vector<std::string>& names, const Deadline& deadline);

  BlobClient& client_;
};

}  // namespace apm::azure
