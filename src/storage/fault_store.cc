#include "storage/fault_store.h"

namespace apm::storage {

Result<std::optional<Bytes>> FaultStore::get(const std::string& key) { return inner_.get(key); }

Result<std::vector<std::string>> FaultStore::list(const std::string& prefix) {
  return inner_.list(prefix);
}

Result<std::unique_ptr<Snapshot>> FaultStore::snapshot() { return inner_.snapshot(); }

Status FaultStore::commit(const Batch& batch) {
  const unsigned nth = ++commits_;
  APM_CHECK_OK(hook_(Point::kBeforeCommit, nth));
  APM_CHECK_OK(inner_.commit(batch));
  return hook_(Point::kAfterCommit, nth);
}

Result<std::unique_ptr<Lease>> FaultStore::acquire_lease(const std::string& owner,
                                                         const Deadline& deadline) {
  return inner_.acquire_lease(owner, deadline);
}

Result<std::optional<LeaseHolder>> FaultStore::holder() { return inner_.holder(); }

std::string FaultStore::description() const { return inner_.description() + " with faults"; }
std::string FaultStore::type() const { return inner_.type(); }

}  // namespace apm::storage
