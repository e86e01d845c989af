#pragma once

// The barrier's state, shared by the two files that implement it: barrier_life.cc (initialising,
// sealing, keys) and barrier.cc (records). Nobody else includes this.

#include <atomic>

#include "barrier/barrier.h"
#include "barrier/keyring.h"
#include "base/mutex.h"

namespace apm::barrier {

// Everything that exists only while the store is unsealed; its end wipes the keys.
struct Unsealed {
  Keyring keyring;
  Bytes keyring_record;  // as it is stored, for the precondition of the next change
  crypto::SecretBytes root_key;
  std::atomic<std::uint64_t> encryptions{0};  // with the active term
  std::atomic<std::uint64_t> last_version{0};
};

// Shares that were given so far.
struct Attempt {
  std::vector<crypto::SecretBytes> shares;
  std::string nonce;
};

struct Barrier::Impl {
  Impl(storage::Store& s, const Clock& c) : store(s), clock(c) {}

  storage::Store& store;
  const Clock& clock;

  // Shared: an operation that uses the keys. Exclusive: sealing, unsealing, a new keyring.
  SharedMutex mutex;
  std::unique_ptr<Unsealed> unsealed APM_GUARDED_BY(mutex);
  Attempt attempt APM_GUARDED_BY(mutex);

  [[nodiscard]] Status require_unsealed() const APM_REQUIRES_SHARED(mutex);
  [[nodiscard]] std::uint64_t next_version() APM_REQUIRES_SHARED(mutex);
  void saw_version(std::uint64_t version) APM_REQUIRES_SHARED(mutex);
  [[nodiscard]] Result<storage::Batch> encrypt(const Change& change)
      APM_REQUIRES_SHARED(mutex);  // room was reserved

  [[nodiscard]] Status rotate_locked() APM_REQUIRES(mutex);
  [[nodiscard]] Status reserve_locked(std::uint64_t wanted) APM_REQUIRES(mutex);
  [[nodiscard]] Status store_keyring(Keyring next) APM_REQUIRES(mutex);
  [[nodiscard]] Status finish_unseal(const SealConfig& config) APM_REQUIRES(mutex);
  void install(Keyring keyring, Bytes record, crypto::SecretBytes root_key) APM_REQUIRES(mutex);

  // Without any need of the lock: they read the store alone.
  [[nodiscard]] Result<std::optional<SealConfig>> read_config();
  [[nodiscard]] Result<std::optional<Bytes>> read_own(std::string_view path);
};

}  // namespace apm::barrier
