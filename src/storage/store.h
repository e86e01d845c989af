#pragma once

// The place where bytes stay. A Store knows nothing of encryption: it sees keys and opaque values.
//
// Keys are UTF-8 text like "core/mounts", 1..kKeyBytesMax bytes, no empty segment, no leading or
// trailing '/', no control characters. Values are 0..kValueBytesMax bytes. Any thread may call.
//
// A commit is atomic and durable before it returns ok. It needs this object's lease. Nothing was
// applied when it fails with kPrecondition, kInvalidArgument, kTooLarge, "lease_not_held" or
// "lease_lost". After any other error the outcome is unknown until the next successful read of the
// keys involved; what that read gives stays.
//
// One Store object at a time has the right to commit, whoever opened it in whichever process. Each
// acquisition of that right has an epoch, one more than the one before, kept in the store; a commit
// compares it inside its own atomic step. A Store that was taken over while it slept, was cut off
// or lost its lock file therefore cannot write, whatever its timing.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "storage/limits.h"

namespace apm::storage {

struct Put {
  std::string key;
  Bytes value;
};

// Checked before anything of the batch is applied.
struct Precondition {
  std::string key;
  std::optional<Bytes> value;  // nothing: the key must be absent; else it must hold exactly this
};

struct Batch {
  std::vector<Precondition> preconditions;
  std::vector<Put> puts;
  std::vector<std::string> deletes;  // deleting what is absent is fine
};

// The exclusive right to commit, renewed by the store for as long as this object lives; its end
// gives the right up. Must not outlive the store. Any thread may call.
class Lease {
 public:
  virtual ~Lease() = default;
  // False once somebody else may have the right: it was taken over, or could not be renewed in time
  // by this machine's clock. What is read while this is false may be stale.
  [[nodiscard]] virtual bool held() const = 0;
  [[nodiscard]] virtual std::uint64_t epoch() const = 0;  // from 1; never given twice
};

// Who has the right, as the store tells everybody who asks.
struct LeaseHolder {
  std::string owner;
  std::uint64_t epoch = 0;
  // Until it may be taken over if it is not renewed; nothing: it ends with the holder's process.
  std::optional<Milliseconds> expires_in;
};

// Everything that a store held at one moment, while it goes on being written to. Costs the backend
// something for as long as it lives (a read transaction; a copy in memory): end it soon. Must not
// outlive the store. One thread at a time.
class Snapshot {
 public:
  virtual ~Snapshot() = default;
  // The next key and its value; keys ascend bytewise. Nothing after the last one. After an error
  // the snapshot is of no use.
  [[nodiscard]] virtual Result<std::optional<Put>> next() = 0;
};

class Store {
 public:
  virtual ~Store() = default;

  [[nodiscard]] virtual Result<std::optional<Bytes>> get(const std::string& key) = 0;

  // The names directly below `prefix` ("" or ending in '/'), sorted bytewise, each once; a name
  // that has keys below it ends in '/'. A name can be both.
  [[nodiscard]] virtual Result<std::vector<std::string>> list(const std::string& prefix) = 0;

  // As of a moment during this call. Needs no lease. What belongs to the backend (lease, epoch,
  // slots) is not in it.
  [[nodiscard]] virtual Result<std::unique_ptr<Snapshot>> snapshot() = 0;

  // kPrecondition "storage_precondition" when a precondition fails. kConflict "lease_not_held" when
  // this object never had the lease or gave it up, "lease_lost" when another took it over.
  [[nodiscard]] virtual Status commit(const Batch& batch) = 0;
  // Keys and values of one batch together, at most: less than the general limit where the backend
  // cannot take more in one step.
  [[nodiscard]] virtual std::size_t batch_bytes_max() const { return kBatchBytesMax; }

  // Waits until `deadline`; kConflict "lease_held" with the holder named when somebody else has it,
  // also when that is this same object. `owner` is text for people or standbys: a name, or JSON of
  // the node's addresses; never a secret.
  [[nodiscard]] virtual Result<std::unique_ptr<Lease>> acquire_lease(const std::string& owner,
                                                                     const Deadline& deadline) = 0;
  // Nothing when the lease is free. Cheap enough to poll once a second.
  [[nodiscard]] virtual Result<std::optional<LeaseHolder>> holder() = 0;

  // Names the store for people, without credentials: "sqlite /var/lib/apm/store.db".
  [[nodiscard]] virtual std::string description() const = 0;
  [[nodiscard]] virtual std::string type() const = 0;  // "sqlite", as in seal-status
};

// What every backend refuses before it touches anything: kInvalidArgument "storage_key",
// "storage_prefix", "storage_duplicate_key" or "lease_owner"; kTooLarge with the limit named.
[[nodiscard]] Status check_key(std::string_view key);
[[nodiscard]] Status check_prefix(std::string_view prefix);  // of list(): "" or key + "/"
[[nodiscard]] Status check_batch(const Batch& batch);        // keys, sizes, one key not twice
[[nodiscard]] Status check_lease_owner(std::string_view owner);

// The same words from every backend. `store` is its description().
[[nodiscard]] Error lease_not_held(std::string_view store);
[[nodiscard]] Error lease_lost(std::string_view store);
[[nodiscard]] Error lease_held(std::string_view store, std::string_view holder);
[[nodiscard]] Error precondition_failed(std::string_view key);

}  // namespace apm::storage
