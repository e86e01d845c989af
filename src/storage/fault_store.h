#pragma once

// A Store around another one that fails, or ends the process, at a commit of the caller's choice.
// For tests and simulation: no program wires it. Does not own the inner store. Any thread may call;
// the hook runs on the committing thread.

#include <atomic>
#include <functional>

#include "storage/store.h"

namespace apm::storage {

class FaultStore final : public Store {
 public:
  enum class Point { kBeforeCommit, kAfterCommit };
  // `nth` counts commits from 1. An error before the commit means that nothing was applied; one
  // after it means that all was applied and the caller was not told.
  using Hook = std::function<Status(Point point, unsigned nth)>;

  FaultStore(Store& inner, Hook hook) : inner_(inner), hook_(std::move(hook)) {}

  [[nodiscard]] Result<std::optional<Bytes>> get(const std::string& key) override;
  [[nodiscard]] Result<std::vector<std::string>> list(const std::string& prefix) override;
  [[nodiscard]] Result<std::unique_ptr<Snapshot>> snapshot() override;
  [[nodiscard]] Status commit(const Batch& batch) override;
  [[nodiscard]] std::size_t batch_bytes_max() const override { return inner_.batch_bytes_max(); }
  [[nodiscard]] Result<std::unique_ptr<Lease>> acquire_lease(const std::string& owner,
                                                             const Deadline& deadline) override;
  [[nodiscard]] Result<std::optional<LeaseHolder>> holder() override;
  [[nodiscard]] std::string description() const override;
  [[nodiscard]] std::string type() const override;

 private:
  Store& inner_;
  Hook hook_;
  std::atomic<unsigned> commits_{0};
};

}  // namespace apm::storage
