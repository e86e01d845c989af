#include "storage/key_locks.h"

namespace apm::storage {
namespace {

std::unordered_set<std::string_view> keys_of(const Batch& batch) {
  std::unordered_set<std::string_view> keys(batch.deletes.begin(), batch.deletes.end());
  for (const Precondition& precondition : batch.preconditions) keys.insert(precondition.key);
  for (const Put& put : batch.puts) keys.insert(put.key);
  return keys;
}

}  // namespace

KeyLocks::Hold::~Hold() {
  if (locks_ == nullptr) return;
  {
    const MutexLock lock(locks_->mutex_);
    for (const std::string_view key : keys_) locks_->held_.erase(key);
  }
  locks_->freed_.notify_all();
}

bool KeyLocks::all_free(const std::unordered_set<std::string_view>& keys) const {
  for (const std::string_view key : keys) {
    if (held_.contains(key)) return false;
  }
  return true;
}

Result<KeyLocks::Hold> KeyLocks::take(const Batch& batch, const Deadline& deadline) {
  std::unordered_set<std::string_view> keys = keys_of(batch);
  const SteadyTime until = std::chrono::steady_clock::now() + deadline.left();
  const MutexLock lock(mutex_);
  while (!all_free(keys)) {
    if (!freed_.wait_until(mutex_, until) && !all_free(keys)) {
      return Error(Code::kUnavailable, "store_busy",
                   "earlier writes to the same keys take too long; try again later");
    }
  }
  held_.insert(keys.begin(), keys.end());
  return Hold(*this, std::move(keys));
}

}  // namespace apm::storage
