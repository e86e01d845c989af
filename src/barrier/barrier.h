#pragma once

// The barrier: the only writer to a Store, and the line behind which everything is encrypted.
//
// Keys, from the outside in: the seal key (split into shares) opens the root key; the root key
// opens the keyring; the keyring's active term encrypts every record (docs/formats/record.md).
// AES-256-GCM throughout; associated data binds store id, store kind, path and record version.
//
// Life: uninitialized -> (initialise) -> sealed <-> unsealed. Initialising is a plan that is made,
// kept elsewhere (shares to people, or wrapped into Key Vault) and only then committed, in one
// atomic batch: a crash before the commit leaves an uninitialised store, a crash after it a store
// whose keys are already safe.
//
// Any thread may call. Sealing waits for running operations and wipes the keys.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "crypto/secret_bytes.h"
#include "shamir/shamir.h"
#include "storage/store.h"

namespace apm::barrier {

// Chosen at initialisation, for ever; part of every record's associated data.
enum class StoreKind { kProduction, kTest };
[[nodiscard]] std::string_view kind_name(StoreKind kind);  // "production", "test"

enum class State { kUninitialized, kSealed, kUnsealed };

// Readable before the store is unsealed; says nothing secret. A copy is kept behind the barrier
// and compared after unsealing, so that tampering with this one is found.
struct SealConfig {
  std::string store_id;  // 32 hex digits, random
  StoreKind kind = StoreKind::kProduction;
  shamir::Scheme scheme;
  std::int64_t created_unix_s = 0;
  json::Object custody;  // where the shares are kept, for boot: Key Vault names, versions, hashes
};

// A store that is about to be initialised. `shares` are the only copies of the seal key.
struct InitPlan {
  SealConfig config;
  std::vector<crypto::SecretBytes> shares;
  crypto::SecretBytes seal_key;
  crypto::SecretBytes root_key;
};

struct UnsealProgress {
  State state = State::kSealed;
  unsigned threshold = 0;
  unsigned shares = 0;
  unsigned progress = 0;  // shares accepted so far
  std::string nonce;      // of this attempt; "" when progress is 0
};

struct KeyStatus {
  std::uint32_t term = 0;
  std::int64_t installed_unix_s = 0;
  std::uint64_t encryptions = 0;
};

struct Write {
  std::string path;
  Bytes value;
};

// A record as it was read. The mark tells this very writing of it from every other, also from one
// of the same value.
struct MarkedRecord {
  Bytes value;
  Bytes mark;
};

// The record that a change was worked out from.
struct Unchanged {
  std::string path;
  Bytes mark;
};

// All records as they are stored, encrypted, as of one moment.
struct StoredContent {
  std::unique_ptr<storage::Snapshot> records;
  std::uint64_t epoch = 0;  // of whoever has the right to commit; 0: nobody
};

// A set of changes behind the barrier, applied atomically.
struct Change {
  std::vector<Write> writes;
  std::vector<std::string> deletes;
  std::vector<std::string> must_be_absent;   // else kPrecondition
  std::vector<Unchanged> must_be_unchanged;  // else kPrecondition
};

class Barrier {
 public:
  Barrier(storage::Store& store, const Clock& clock);
  ~Barrier();
  Barrier(const Barrier&) = delete;
  Barrier& operator=(const Barrier&) = delete;

  // --- Life. kRefused "store_incomplete" while a restore or a migration into this store was begun
  // and not finished.
  [[nodiscard]] Result<State> state();
  [[nodiscard]] Result<std::optional<SealConfig>> seal_config();

  // Makes the journal record with a fresh store id if the store has none, else goes on with the
  // one it has. Nothing else is written. kConflict when the store is initialised.
  [[nodiscard]] Result<InitPlan> plan_init(StoreKind kind, const shamir::Scheme& scheme);
  // The store id of an initialisation that was begun and not committed.
  [[nodiscard]] Result<std::optional<std::string>> journal_store_id();
  // Commits the plan; the store is then initialised and unsealed.
  [[nodiscard]] Status commit_init(InitPlan plan);

  // One share. At the threshold the store is unsealed, or the attempt fails with kInvalidArgument
  // and starts again. A share that was already given changes nothing. Unsealed: nothing happens.
  [[nodiscard]] Result<UnsealProgress> unseal(const crypto::SecretBytes& share);
  [[nodiscard]] Result<UnsealProgress> unseal_progress();
  void reset_unseal();
  void seal();
  // Reads the keyring again with the root key that is held: another node may have changed it.
  // kSealed unless unsealed. On an error what was known before stays.
  [[nodiscard]] Status reload();

  // --- Records (kSealed unless unsealed; kCorrupt when a record fails its check) ---
  [[nodiscard]] Result<std::optional<Bytes>> get(const std::string& path);
  [[nodiscard]] Result<std::optional<MarkedRecord>> get_marked(const std::string& path);
  [[nodiscard]] Result<std::vector<std::string>> list(const std::string& prefix);
  [[nodiscard]] Status put(const std::string& path, ByteView value);
  [[nodiscard]] Status erase(const std::string& path);
  [[nodiscard]] Status apply(const Change& change);

  // --- The whole store ---
  [[nodiscard]] Result<StoredContent> stored_content();  // kSealed
  // Seals, then lets `work` change the store below the barrier, while nobody else can use it.
  [[nodiscard]] Status seal_and_replace(const std::function<Status(storage::Store&)>& work);

  // --- Keys ---
  [[nodiscard]] Result<KeyStatus> key_status();
  [[nodiscard]] Status rotate();
  // A key for one purpose, derived from the root key: HKDF with a versioned label. Stable for the
  // life of the root key; for HMAC salts of tokens and audit, never for encrypting records.
  [[nodiscard]] Result<crypto::SecretBytes> derive(std::string_view label);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// The part of the barrier below one prefix ("logical/<uuid>/"). Cheap to copy; does not own.
class View {
 public:
  View(Barrier& barrier, std::string prefix) : barrier_(&barrier), prefix_(std::move(prefix)) {}
  [[nodiscard]] Result<std::optional<Bytes>> get(const std::string& path) const;
  [[nodiscard]] Result<std::optional<MarkedRecord>> get_marked(const std::string& path) const;
  [[nodiscard]] Result<std::vector<std::string>> list(const std::string& prefix) const;
  [[nodiscard]] Status put(const std::string& path, ByteView value) const;
  [[nodiscard]] Status erase(const std::string& path) const;
  [[nodiscard]] Status apply(const Change& change) const;  // paths relative to the prefix
  [[nodiscard]] Status erase_all() const;                  // everything below the prefix
  [[nodiscard]] const std::string& prefix() const { return prefix_; }
  [[nodiscard]] Barrier& barrier() const { return *barrier_; }

 private:
  Barrier* barrier_;
  std::string prefix_;
};

}  // namespace apm::barrier
