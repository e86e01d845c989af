#include "storage/postgres_pool.h"

#include <algorithm>
#include <thread>

#include "base/text.h"
#include "storage/limits.h"

namespace apm::storage {

PgPool::PgPool(PgTarget target, std::size_t size, PgConnection first)
    : target_(std::move(target)), size_(size) {
  const MutexLock lock(mutex_);
  for (std::size_t i = 0; i < size; ++i) {
    free_.push_back({static_cast<std::int64_t>(i), std::nullopt});
  }
  free_.front().connection.emplace(std::move(first));
}

Result<PgPool::Borrowed> PgPool::borrow(const Deadline& deadline) {
  const SteadyTime until = std::chrono::steady_clock::now() + deadline.left();
  const MutexLock lock(mutex_);
  while (free_.empty()) {
    if (!returned_.wait_until(mutex_, until) && free_.empty()) {
      return Error(Code::kUnavailable, "store_busy",
                   concat("all ", size_, " connections to PostgreSQL ", target_.name(),
                          " are in use; raise max_parallel, or try again later"));
    }
  }
  Slot slot = std::move(free_.front());
  free_.pop_front();
  return Borrowed(*this, std::move(slot));
}

// To the front: as few connections as possible stay busy, the others need not be opened.
void PgPool::give_back(Slot slot) {
  {
    const MutexLock lock(mutex_);
    free_.push_front(std::move(slot));
  }
  returned_.notify_one();
}

Result<PgRows> PgPool::Borrowed::query(const std::string& sql, const PgArguments& arguments,
                                       const Deadline& deadline) {
  std::optional<PgConnection>& connection = slot_.connection;
  if (connection && !connection->alive()) connection.reset();
  if (!connection) {
    APM_TRY(PgConnection opened, PgConnection::open(pool_->target_, deadline));
    connection.emplace(std::move(opened));
  }
  return connection->query(sql, arguments, deadline);
}

bool PgRetry::again(const Error& error) {
  if (!is_unanswered(error) || ++attempts_ >= kPgAttemptsMax || deadline_.passed()) return false;
  // At once the first time: a connection that idled may simply have been closed by the server.
  std::this_thread::sleep_for(std::min(deadline_.left(), pause_));
  pause_ = std::clamp(pause_ * 2, kPgBackoffMin, kPgBackoffMax);
  return !deadline_.passed();
}

}  // namespace apm::storage
