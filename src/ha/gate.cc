#include "ha/gate.h"

#include <utility>

namespace apm::ha {

Gate::Pass::Pass(Pass&& other) noexcept
    : gate_(std::exchange(other.gate_, nullptr)),
      lease_(std::move(other.lease_)),
      epoch_(other.epoch_) {}

Gate::Pass::~Pass() {
  if (gate_ != nullptr) gate_->leave();
}

bool Gate::Pass::valid() const {
  const std::shared_ptr<const storage::Lease> lease = lease_.lock();
  return lease != nullptr && lease->held();
}

void Gate::open(std::shared_ptr<const storage::Lease> lease) {
  const MutexLock lock(mutex_);
  lease_ = std::move(lease);
}

void Gate::close() {
  std::shared_ptr<const storage::Lease> ended;  // ends after the lock
  const MutexLock lock(mutex_);
  ended.swap(lease_);
}

bool Gate::passable() {
  const MutexLock lock(mutex_);
  return lease_ != nullptr && lease_->held();
}

std::optional<Gate::Pass> Gate::enter() {
  std::optional<Pass> pass;
  {
    const MutexLock lock(mutex_);
    if (lease_ == nullptr) return std::nullopt;
    ++inside_;
    pass.emplace(*this, lease_);
    pass->epoch_ = lease_->epoch();
  }
  if (!pass->valid()) pass.reset();
  return pass;
}

bool Gate::drain(const Deadline& deadline) {
  const SteadyTime until = std::chrono::steady_clock::now() + deadline.left();
  const MutexLock lock(mutex_);
  while (inside_ != 0) {
    if (!left_.wait_until(mutex_, until) && inside_ != 0) return false;
  }
  return true;
}

void Gate::leave() {
  const MutexLock lock(mutex_);
  if (--inside_ == 0) left_.notify_all();
}

}  // namespace apm::ha
