#include "storage/memory_store.h"

#include "base/text.h"
#include "storage/limits.h"

namespace apm::storage {

Result<std::optional<Bytes>> MemoryStore::get(const std::string& key) {
  APM_CHECK_OK(check_key(key));
  const MutexLock lock(mutex_);
  const auto found = values_.find(key);
  if (found == values_.end()) return std::optional<Bytes>();
  return std::optional<Bytes>(found->second);
}

Result<std::vector<std::string>> MemoryStore::list(const std::string& prefix) {
  APM_CHECK_OK(check_prefix(prefix));
  const MutexLock lock(mutex_);
  std::vector<std::string> names;
  auto at = values_.lower_bound(prefix);
  while (at != values_.end() && at->first.starts_with(prefix)) {
    if (names.size() == kListNamesMax) {
      return Error(Code::kTooLarge, "storage_list",
                   concat(prefix, " has more than ", kListNamesMax, " names"));
    }
    const std::size_t slash = at->first.find('/', prefix.size());
    if (slash == std::string::npos) {
      names.push_back(at->first.substr(prefix.size()));
      ++at;
      continue;
    }
    names.push_back(at->first.substr(prefix.size(), slash + 1 - prefix.size()));
    // '0' follows '/' in ASCII: the first key that is not below this name.
    at = values_.lower_bound(at->first.substr(0, slash) + '0');
  }
  return names;
}

Status MemoryStore::commit(const Batch& batch) {
  APM_CHECK_OK(check_batch(batch));
  const MutexLock lock(mutex_);
  for (const Precondition& p : batch.preconditions) {
    const auto found = values_.find(p.key);
    const bool holds =
        p.value ? found != values_.end() && found->second == *p.value : found == values_.end();
    if (!holds) {
      return Error(Code::kPrecondition, "storage_precondition",
                   concat("the value of ", p.key, " is not what the writer expected"));
    }
  }
  for (const Put& put : batch.puts) values_[put.key] = put.value;
  for (const std::string& key : batch.deletes) values_.erase(key);
  return {};
}

class MemoryStore::MemoryLease final : public Lease {
 public:
  explicit MemoryLease(MemoryStore& store) : store_(store) {}
  MemoryLease(const MemoryLease&) = delete;
  MemoryLease& operator=(const MemoryLease&) = delete;
  ~MemoryLease() override { store_.release_lease(); }
  [[nodiscard]] bool held() const override { return true; }

 private:
  MemoryStore& store_;
};

Result<std::unique_ptr<Lease>> MemoryStore::acquire_lease(const std::string& owner,
                                                          const Deadline& deadline) {
  APM_CHECK_OK(check_lease_owner(owner));
  const MutexLock lock(mutex_);
  const SteadyTime until = std::chrono::steady_clock::now() + deadline.left();
  while (lease_owner_ && lease_free_.wait_until(mutex_, until)) {
  }
  if (lease_owner_) {
    return Error(Code::kConflict, "lease_held", concat("the store is in use by ", *lease_owner_));
  }
  lease_owner_ = owner;
  return std::unique_ptr<Lease>(std::make_unique<MemoryLease>(*this));
}

void MemoryStore::release_lease() {
  {
    const MutexLock lock(mutex_);
    lease_owner_.reset();
  }
  lease_free_.notify_one();
}

}  // namespace apm::storage
