#pragma once

// Which keys are being written: commits that share a key take turns, others run side by side. A
// commit takes all its keys at once or waits, so none can wait for each other. Any thread may call.

#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"
#include "storage/store.h"

namespace apm::storage {

class KeyLocks {
 public:
  // The keys of one batch, free again when this ends. Must not outlive the KeyLocks nor the batch.
  class Hold {
   public:
    Hold(KeyLocks& locks, std::unordered_set<std::string_view> keys)
        : locks_(&locks), keys_(std::move(keys)) {}
    Hold(Hold&& other) noexcept : locks_(other.locks_), keys_(std::move(other.keys_)) {
      other.locks_ = nullptr;
    }
    Hold& operator=(Hold&&) = delete;
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;
    ~Hold();

   private:
    KeyLocks* locks_;
    std::unordered_set<std::string_view> keys_;
  };

  // kUnavailable "store_busy" when others still hold a key at `deadline`.
  [[nodiscard]] Result<Hold> take(const Batch& batch, const Deadline& deadline);

 private:
  [[nodiscard]] bool all_free(const std::unordered_set<std::string_view>& keys) const
      APM_REQUIRES(mutex_);

  Mutex mutex_;
  CondVar freed_;
  std::unordered_set<std::string_view> held_ APM_GUARDED_BY(mutex_);
};

}  // namespace apm::storage
