#pragma once

// A Store in memory, for tests, simulations and `-dev` servers: everything is gone with the object.
// Same behaviour as the durable stores (store_test.cc runs one suite over all). Any thread may
// call. Leases must not outlive the store.

#include <map>

#include "base/mutex.h"
#include "storage/store.h"

namespace apm::storage {

class MemoryStore final : public Store {
 public:
  [[nodiscard]] Result<std::optional<Bytes>> get(const std::string& key) override;
  [[nodiscard]] Result<std::vector<std::string>> list(const std::string& prefix) override;
  [[nodiscard]] Status commit(const Batch& batch) override;
  [[nodiscard]] Result<std::unique_ptr<Lease>> acquire_lease(const std::string& owner,
                                                             const Deadline& deadline) override;
  [[nodiscard]] std::string description() const override { return "memory"; }
  [[nodiscard]] std::string type() const override { return "inmem"; }

 private:
  class MemoryLease;
  void release_lease();

  Mutex mutex_;
  CondVar lease_free_;
  std::map<std::string, Bytes> values_ APM_GUARDED_BY(mutex_);
  std::optional<std::string> lease_owner_ APM_GUARDED_BY(mutex_);
};

}  // namespace apm::storage
