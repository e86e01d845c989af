#pragma once

// The gate that every request passes which reads or writes what the active node alone may serve.
// Open while this node has the lease; each request holds a Pass from its start to its end.
//
// Two promises. What is answered under a pass that is still valid() after the last read was current
// at that moment: nobody else had the lease before it. And a term begins only when everybody of the
// term before has left (drain()), so that nothing is written under a new epoch that was read under
// an old one. docs/adr/0019 argues both. Any thread may call; passes must not outlive the gate.

#include <memory>
#include <optional>

#include "base/clock.h"
#include "base/mutex.h"
#include "storage/store.h"

namespace apm::ha {

class Gate {
 public:
  class Pass {
   public:
    Pass(Gate& gate, std::weak_ptr<const storage::Lease> lease)
        : gate_(&gate), lease_(std::move(lease)) {}
    Pass(Pass&& other) noexcept;
    Pass(const Pass&) = delete;
    Pass& operator=(const Pass&) = delete;
    Pass& operator=(Pass&&) = delete;
    ~Pass();
    // The lease under which it was given has been held without a break until now.
    [[nodiscard]] bool valid() const;
    [[nodiscard]] std::uint64_t epoch() const { return epoch_; }

   private:
    friend class Gate;
    Gate* gate_;
    std::weak_ptr<const storage::Lease> lease_;
    std::uint64_t epoch_ = 0;
  };

  void open(std::shared_ptr<const storage::Lease> lease);
  void close();
  // True while enter() lets somebody in.
  [[nodiscard]] bool passable();
  // Nothing while it is closed, or when the lease is not held any more.
  [[nodiscard]] std::optional<Pass> enter();
  // True when everybody has left.
  [[nodiscard]] bool drain(const Deadline& deadline);

 private:
  void leave();

  Mutex mutex_;
  CondVar left_;
  std::shared_ptr<const storage::Lease> lease_ APM_GUARDED_BY(mutex_);  // null: closed
  std::size_t inside_ APM_GUARDED_BY(mutex_) = 0;
};

}  // namespace apm::ha
