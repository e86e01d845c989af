#include "storage/postgres_lease.h"

#include "storage/limits.h"

namespace apm::storage {
namespace {

BootTime end_of(BootTime asked, Milliseconds ttl) { return asked + ttl - ttl / kLeaseMarginPart; }

}  // namespace

PgRight::PgRight(const PgTarget& target, const PgStatements& statements, const Terms& terms)
    : target_(target),
      statements_(statements),
      terms_(terms),
      valid_until_(end_of(terms.asked, terms.ttl)),
      thread_([this] { renew_until_ended(); }) {}

PgRight::~PgRight() { end_renewing(); }

void PgRight::end_renewing() {
  {
    const MutexLock lock(mutex_);
    ended_ = true;
  }
  ended_changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

bool PgRight::held() const { return !lost_ && BootClock::now() < valid_until_.load(); }

Result<PgRows> PgRight::ask(const std::string& sql, const PgArguments& arguments,
                            const Deadline& deadline) {
  if (connection_ && !connection_->alive()) connection_.reset();
  if (!connection_) {
    APM_TRY(PgConnection opened, PgConnection::open(target_, deadline));
    connection_.emplace(std::move(opened));
  }
  return connection_->query(sql, arguments, deadline);
}

Status PgRight::renew(const Deadline& deadline) {
  const MutexLock lock(connection_mutex_);
  PgArguments arguments;
  arguments.add(terms_.epoch).add(terms_.ttl.count());
  const BootTime asked = BootClock::now();
  APM_TRY(const PgRows rows, ask(statements_.renew, arguments, deadline));
  if (rows.count() == 0) {
    lost_ = true;
  } else {
    valid_until_ = end_of(asked, terms_.ttl);
  }
  return {};
}

Status PgRight::give_up(const Deadline& deadline) {
  const MutexLock lock(connection_mutex_);
  PgArguments arguments;
  arguments.add(terms_.epoch);
  APM_CHECK_OK(ask(statements_.release, arguments, deadline));
  return {};
}

void PgRight::renew_until_ended() {
  Milliseconds pause = terms_.ttl / 3;
  while (true) {
    {
      const SteadyTime until = std::chrono::steady_clock::now() + pause;
      const MutexLock lock(mutex_);
      while (!ended_ && ended_changed_.wait_until(mutex_, until)) {
      }
      if (ended_) return;
    }
    // A failure shows in held() when the lifetime has run out; until then it is tried more often.
    const Status renewed = renew(Deadline::after(terms_.ttl / 3));
    if (lost_) return;
    pause = renewed.ok() ? terms_.ttl / 3 : terms_.ttl / 15;
  }
}

}  // namespace apm::storage
