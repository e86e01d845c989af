#pragma once

// A bounded set of connections, opened when they are first needed and again when they broke. Each
// has a number, under which the store notes what its last commit was. Any thread may borrow.

#include <deque>
#include <optional>

#include "base/mutex.h"
#include "storage/postgres_connection.h"

namespace apm::storage {

class PgPool {
 public:
  struct Slot {
    std::int64_t number = 0;
    std::optional<PgConnection> connection;
  };

  // A slot for one operation; goes back to the pool at its end. Must not outlive the pool.
  class Borrowed {
   public:
    Borrowed(PgPool& pool, Slot slot) : pool_(&pool), slot_(std::move(slot)) {}
    Borrowed(Borrowed&& other) noexcept : pool_(other.pool_), slot_(std::move(other.slot_)) {
      other.pool_ = nullptr;
    }
    Borrowed& operator=(Borrowed&&) = delete;
    Borrowed(const Borrowed&) = delete;
    Borrowed& operator=(const Borrowed&) = delete;
    ~Borrowed() {
      if (pool_ != nullptr) pool_->give_back(std::move(slot_));
    }
    [[nodiscard]] std::int64_t number() const { return slot_.number; }
    // One attempt; connects first when there is no living connection.
    [[nodiscard]] Result<PgRows> query(const std::string& sql, const PgArguments& arguments,
                                       const Deadline& deadline);

   private:
    PgPool* pool_;
    Slot slot_;
  };

  PgPool(PgTarget target, std::size_t size, PgConnection first);

  // kUnavailable "store_busy" when all are in use until `deadline`.
  [[nodiscard]] Result<Borrowed> borrow(const Deadline& deadline);
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] const PgTarget& target() const { return target_; }

 private:
  void give_back(Slot slot);

  const PgTarget target_;
  const std::size_t size_;
  Mutex mutex_;
  CondVar returned_;
  std::deque<Slot> free_ APM_GUARDED_BY(mutex_);
};

// Repeats what went unanswered, with growing pauses, until it is answered, kPgAttemptsMax or the
// deadline. Only for what may be done twice.
class PgRetry {
 public:
  explicit PgRetry(const Deadline& deadline) : deadline_(deadline) {}
  // False when `error` is an answer or there is no more time; else has waited.
  [[nodiscard]] bool again(const Error& error);

 private:
  const Deadline& deadline_;
  Milliseconds pause_{0};
  unsigned attempts_ = 0;
};

}  // namespace apm::storage
