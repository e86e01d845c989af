#include "storage/memory_store.h"

#include "base/text.h"
#include "storage/map_snapshot.h"
#include "storage/names.h"

namespace apm::storage {

Result<std::optional<Bytes>> MemoryStore::get(const std::string& key) {
  APM_CHECK_OK(check_key(key));
  const MutexLock lock(content_->mutex_);
  const auto found = content_->values_.find(key);
  if (found == content_->values_.end()) return std::optional<Bytes>();
  return std::optional<Bytes>(found->second);
}

Result<std::vector<std::string>> MemoryStore::list(const std::string& prefix) {
  APM_CHECK_OK(check_prefix(prefix));
  const MutexLock lock(content_->mutex_);
  return names_below(content_->values_, prefix);
}

Result<std::unique_ptr<Snapshot>> MemoryStore::snapshot() {
  const MutexLock lock(content_->mutex_);
  return std::unique_ptr<Snapshot>(std::make_unique<MapSnapshot>(content_->values_));
}

Status MemoryStore::commit(const Batch& batch) {
  APM_CHECK_OK(check_batch(batch));
  const std::uint64_t epoch = epoch_;
  if (epoch == 0) return lease_not_held(description());
  const MutexLock lock(content_->mutex_);
  if (epoch != content_->epoch_) return lease_lost(description());
  auto& values = content_->values_;
  for (const Precondition& p : batch.preconditions) {
    const auto found = values.find(p.key);
    const bool holds =
        p.value ? found != values.end() && found->second == *p.value : found == values.end();
    if (!holds) return precondition_failed(p.key);
  }
  for (const Put& put : batch.puts) values[put.key] = put.value;
  for (const std::string& key : batch.deletes) values.erase(key);
  return {};
}

// --- The lease ---

class MemoryStore::MemoryLease final : public Lease {
 public:
  MemoryLease(MemoryStore& store, std::uint64_t epoch) : store_(store), epoch_(epoch) {}
  MemoryLease(const MemoryLease&) = delete;
  MemoryLease& operator=(const MemoryLease&) = delete;
  ~MemoryLease() override { store_.release_lease(epoch_); }
  [[nodiscard]] bool held() const override { return store_.holds(epoch_); }
  [[nodiscard]] std::uint64_t epoch() const override { return epoch_; }

 private:
  MemoryStore& store_;
  const std::uint64_t epoch_;
};

Result<std::unique_ptr<Lease>> MemoryStore::acquire_lease(const std::string& owner,
                                                          const Deadline& deadline) {
  APM_CHECK_OK(check_lease_owner(owner));
  const SteadyTime until = std::chrono::steady_clock::now() + deadline.left();
  const MutexLock lock(content_->mutex_);
  while (content_->lease_owner_ && content_->lease_free_.wait_until(content_->mutex_, until)) {
  }
  if (content_->lease_owner_) return lease_held(description(), *content_->lease_owner_);
  content_->lease_owner_ = owner;
  epoch_ = ++content_->epoch_;
  return std::unique_ptr<Lease>(std::make_unique<MemoryLease>(*this, content_->epoch_));
}

Result<std::optional<LeaseHolder>> MemoryStore::holder() {
  const MutexLock lock(content_->mutex_);
  if (!content_->lease_owner_) return std::optional<LeaseHolder>();
  return std::optional(LeaseHolder{*content_->lease_owner_, content_->epoch_, std::nullopt});
}

bool MemoryStore::holds(std::uint64_t epoch) {
  const MutexLock lock(content_->mutex_);
  return content_->epoch_ == epoch && content_->lease_owner_;
}

void MemoryStore::release_lease(std::uint64_t epoch) {
  {
    const MutexLock lock(content_->mutex_);
    if (epoch_ == epoch) epoch_ = 0;
    if (content_->epoch_ != epoch) return;
    content_->lease_owner_.reset();
  }
  content_->lease_free_.notify_one();
}

void MemoryContent::expire_lease() {
  {
    const MutexLock lock(mutex_);
    lease_owner_.reset();
  }
  lease_free_.notify_all();
}

}  // namespace apm::storage
