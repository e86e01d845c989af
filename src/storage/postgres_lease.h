#pragma once

// The lease of a PostgresStore: a row with an epoch and an end in the server's time. A thread
// renews it on a connection of its own, so that a busy pool cannot lose it. Any thread may ask.

#include <atomic>
#include <thread>

#include "base/mutex.h"
#include "storage/postgres_schema.h"

namespace apm::storage {

class PgRight {
 public:
  struct Terms {
    std::int64_t epoch = 0;
    Milliseconds ttl{0};
    BootTime asked;  // before the server was asked for it
  };
  PgRight(const PgTarget& target, const PgStatements& statements, const Terms& terms);
  PgRight(const PgRight&) = delete;
  PgRight& operator=(const PgRight&) = delete;
  ~PgRight();  // ends the thread; does not give the row up

  void end_renewing();
  // Held by this machine's clock, counted from before the server was asked and ending a margin
  // (limits.h) before the row may be taken over.
  [[nodiscard]] bool held() const;
  [[nodiscard]] bool lost() const { return lost_; }
  void lose() { lost_ = true; }  // somebody was seen with a later epoch
  [[nodiscard]] std::int64_t epoch() const { return terms_.epoch; }
  [[nodiscard]] std::int64_t next_commit() { return ++commits_; }

  // Asks the server for another lifetime; sets lost() when somebody took over.
  [[nodiscard]] Status renew(const Deadline& deadline);
  [[nodiscard]] Status give_up(const Deadline& deadline);

 private:
  void renew_until_ended();
  [[nodiscard]] Result<PgRows> ask(const std::string& sql, const PgArguments& arguments,
                                   const Deadline& deadline) APM_REQUIRES(connection_mutex_);

  const PgTarget& target_;
  const PgStatements& statements_;
  const Terms terms_;
  std::atomic<bool> lost_{false};
  std::atomic<BootTime> valid_until_;
  std::atomic<std::int64_t> commits_{0};

  Mutex connection_mutex_;
  std::optional<PgConnection> connection_ APM_GUARDED_BY(connection_mutex_);

  Mutex mutex_;
  CondVar ended_changed_;
  bool ended_ APM_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace apm::storage
