#pragma once

// A Store in memory, for tests, simulations and `-dev` servers: everything is gone with the last
// object that holds the content. Same behaviour as the durable stores (behaviour_suite.h runs over
// all). Several MemoryStores over one MemoryContent are several servers on one store. Any thread
// may call. Leases must not outlive the store.

#include <atomic>
#include <map>

#include "base/mutex.h"
#include "storage/store.h"

namespace apm::storage {

// What the store objects share.
class MemoryContent {
 public:
  // Lets another store object take the lease over, as the end of a lease's time would.
  void expire_lease();

 private:
  friend class MemoryStore;
  Mutex mutex_;
  CondVar lease_free_;
  std::map<std::string, Bytes> values_ APM_GUARDED_BY(mutex_);
  std::uint64_t epoch_ APM_GUARDED_BY(mutex_) = 0;
  std::optional<std::string> lease_owner_ APM_GUARDED_BY(mutex_);
};

class MemoryStore : public Store {
 public:
  MemoryStore() : MemoryStore(std::make_shared<MemoryContent>()) {}
  explicit MemoryStore(std::shared_ptr<MemoryContent> content) : content_(std::move(content)) {}

  [[nodiscard]] Result<std::optional<Bytes>> get(const std::string& key) override;
  [[nodiscard]] Result<std::vector<std::string>> list(const std::string& prefix) override;
  [[nodiscard]] Result<std::unique_ptr<Snapshot>> snapshot() override;
  [[nodiscard]] Status commit(const Batch& batch) override;
  [[nodiscard]] Result<std::unique_ptr<Lease>> acquire_lease(const std::string& owner,
                                                             const Deadline& deadline) override;
  [[nodiscard]] Result<std::optional<LeaseHolder>> holder() override;
  [[nodiscard]] std::string description() const override { return "memory"; }
  [[nodiscard]] std::string type() const override { return "inmem"; }

 private:
  class MemoryLease;
  [[nodiscard]] bool holds(std::uint64_t epoch);
  void release_lease(std::uint64_t epoch);

  std::shared_ptr<MemoryContent> content_;
  std::atomic<std::uint64_t> epoch_{0};  // of this object's lease; 0: none
};

}  // namespace apm::storage
