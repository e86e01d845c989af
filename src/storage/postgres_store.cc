#include "storage/postgres_store.h"

#include <algorithm>
#include <atomic>
#include <thread>

#include "base/text.h"
#include "storage/key_locks.h"
#include "storage/postgres_lease.h"
#include "storage/postgres_pool.h"
#include "storage/postgres_schema.h"
#include "storage/postgres_snapshot.h"

namespace apm::storage {
namespace {

// A commit whose answer was lost and that could not be settled yet.
struct Unsettled {
  std::int64_t epoch = 0;
  std::int64_t slot = 0;
  std::int64_t commit = 0;
};

class PostgresStore final : public Store {
 public:
  PostgresStore(PgTarget target, PgStatements statements, PgConnection first,
                const PostgresConfig& config)
      : description_(concat("postgresql ", target.name(), " table ", config.table)),
        statements_(std::move(statements)),
        lease_ttl_(config.lease_ttl),
        operation_deadline_(config.operation_deadline),
        pool_(std::move(target), config.max_parallel, std::move(first)) {}

  [[nodiscard]] Result<std::optional<Bytes>> get(const std::string& key) override;
  [[nodiscard]] Result<std::vector<std::string>> list(const std::string& prefix) override;
  [[nodiscard]] Result<std::unique_ptr<Snapshot>> snapshot() override;
  [[nodiscard]] Status commit(const Batch& batch) override;
  [[nodiscard]] Result<std::unique_ptr<Lease>> acquire_lease(const std::string& owner,
                                                             const Deadline& deadline) override;
  [[nodiscard]] Result<std::optional<LeaseHolder>> holder() override;
  [[nodiscard]] std::string description() const override { return description_; }
  [[nodiscard]] std::string type() const override { return "postgresql"; }

 private:
  class PostgresLease;

  [[nodiscard]] Result<PgRows> repeat(const std::string& sql, const PgArguments& arguments,
                                      const Deadline& deadline);
  [[nodiscard]] Status read_settled(const Deadline& deadline);
  [[nodiscard]] Result<std::shared_ptr<PgRight>> right_to_commit(const Deadline& deadline);
  [[nodiscard]] Status commit_once_or_never(const Batch& batch, PgRight& right,
                                            const Deadline& deadline);
  [[nodiscard]] Status verdict(std::int64_t answer, const Batch& batch, PgRight& right) const;
  [[nodiscard]] Result<bool> was_applied(const Unsettled& commit, const Deadline& deadline);
  [[nodiscard]] Result<std::optional<std::int64_t>> try_acquire(const std::string& owner,
                                                                const Deadline& deadline);
  [[nodiscard]] std::shared_ptr<PgRight> give_right(const PgRight::Terms& terms);
  void release(const std::shared_ptr<PgRight>& right);

  const std::string description_;
  const PgStatements statements_;
  const Milliseconds lease_ttl_;
  const Milliseconds operation_deadline_;
  PgPool pool_;
  KeyLocks keys_;

  Mutex mutex_;
  std::shared_ptr<PgRight> right_ APM_GUARDED_BY(mutex_);  // null: no lease

  Mutex unsettled_mutex_;
  std::vector<Unsettled> unsettled_ APM_GUARDED_BY(unsettled_mutex_);
  std::atomic<bool> has_unsettled_{false};
};

// --- Reading ---

Result<PgRows> PostgresStore::repeat(const std::string& sql, const PgArguments& arguments,
                                     const Deadline& deadline) {
  APM_TRY(PgPool::Borrowed slot, pool_.borrow(deadline));
  PgRetry retry(deadline);
  while (true) {
    Result<PgRows> rows = slot.query(sql, arguments, deadline);
    if (rows.ok() || !retry.again(rows.error())) return rows;
  }
}

Result<std::optional<Bytes>> PostgresStore::get(const std::string& key) {
  APM_CHECK_OK(check_key(key));
  const Deadline deadline = Deadline::after(operation_deadline_);
  APM_CHECK_OK(read_settled(deadline));
  PgArguments arguments;
  arguments.add(as_bytes(key));
  APM_TRY(const PgRows rows, repeat(statements_.get, arguments, deadline));
  if (rows.count() == 0) return std::optional<Bytes>();
  return std::optional<Bytes>(to_bytes(rows.bytes(0, 0)));
}

Result<std::vector<std::string>> PostgresStore::list(const std::string& prefix) {
  APM_CHECK_OK(check_prefix(prefix));
  const Deadline deadline = Deadline::after(operation_deadline_);
  APM_CHECK_OK(read_settled(deadline));
  // '0' follows '/' in ASCII; no UTF-8 text holds the byte 0xff.
  const std::string end = prefix.empty() ? "\xff" : prefix.substr(0, prefix.size() - 1) + '0';
  PgArguments arguments;
  arguments.add(as_bytes(prefix)).add(as_bytes(end));
  arguments.add(static_cast<std::int64_t>(kListNamesMax) + 1);
  APM_TRY(const PgRows rows, repeat(statements_.list, arguments, deadline));
  if (static_cast<std::size_t>(rows.count()) > kListNamesMax) {
    return Error(Code::kTooLarge, "storage_list",
                 concat(prefix, " has more than ", kListNamesMax, " names"));
  }
  std::vector<std::string> names;
  names.reserve(static_cast<std::size_t>(rows.count()));
  for (int row = 0; row < rows.count(); ++row) names.push_back(rows.text(row, 0));
  return names;
}

Result<std::unique_ptr<Snapshot>> PostgresStore::snapshot() {
  APM_CHECK_OK(read_settled(Deadline::after(operation_deadline_)));
  return open_postgres_snapshot(pool_.target(), statements_, operation_deadline_);
}

// --- Writing ---

PgArguments arguments_of(const Batch& batch, const Unsettled& place) {
  std::vector<std::optional<ByteView>> if_keys;
  std::vector<std::optional<ByteView>> if_values;
  for (const Precondition& p : batch.preconditions) {
    if_keys.emplace_back(as_bytes(p.key));
    if_values.push_back(p.value ? std::optional<ByteView>(*p.value) : std::nullopt);
  }
  std::vector<std::optional<ByteView>> put_keys;
  std::vector<std::optional<ByteView>> put_values;
  for (const Put& put : batch.puts) {
    put_keys.emplace_back(as_bytes(put.key));
    put_values.emplace_back(put.value);
  }
  std::vector<std::optional<ByteView>> deletes;
  deletes.reserve(batch.deletes.size());
  for (const std::string& key : batch.deletes) deletes.emplace_back(as_bytes(key));
  PgArguments arguments;
  arguments.add(place.epoch).add(place.slot).add(place.commit);
  arguments.add(if_keys).add(if_values).add(put_keys).add(put_values).add(deletes);
  return arguments;
}

Status PostgresStore::commit(const Batch& batch) {
  APM_CHECK_OK(check_batch(batch));
  const Deadline deadline = Deadline::after(operation_deadline_);
  APM_TRY(const std::shared_ptr<PgRight> right, right_to_commit(deadline));
  // Until the outcome is settled or noted as unsettled, nobody else writes these keys.
  APM_TRY(const KeyLocks::Hold hold, keys_.take(batch, deadline));
  APM_CHECK_OK(read_settled(deadline));
  return commit_once_or_never(batch, *right, deadline);
}

Result<std::shared_ptr<PgRight>> PostgresStore::right_to_commit(const Deadline& deadline) {
  std::shared_ptr<PgRight> right;
  {
    const MutexLock lock(mutex_);
    right = right_;
  }
  if (!right) return lease_not_held(description_);
  // After a pause the lease may be over although nobody took it: ask before anything is written, so
  // that writes of a former holder cannot keep the next one waiting.
  PgRetry retry(deadline);
  while (!right->lost() && !right->held()) {
    const Status renewed = right->renew(deadline);
    if (!renewed.ok() && !retry.again(renewed.error())) return renewed.error();
  }
  if (right->lost()) return lease_lost(description_);
  return right;
}

Status PostgresStore::commit_once_or_never(const Batch& batch, PgRight& right,
                                           const Deadline& deadline) {
  APM_TRY(PgPool::Borrowed slot, pool_.borrow(deadline));
  PgRetry retry(deadline);
  while (true) {
    const Unsettled place{right.epoch(), slot.number(), right.next_commit()};
    const Result<PgRows> rows =
        slot.query(statements_.commit, arguments_of(batch, place), deadline);
    if (rows.ok()) {
      APM_TRY(const std::int64_t answer, rows->number(0, 0));
      return verdict(answer, batch, right);
    }
    if (!is_unanswered(rows.error())) return rows.error();
    APM_TRY(const bool applied, was_applied(place, deadline));
    if (applied) return {};
    if (!retry.again(rows.error())) return rows.error();
  }
}

Status PostgresStore::verdict(std::int64_t answer, const Batch& batch, PgRight& right) const {
  if (answer == kPgDone) return {};
  if (answer == kPgLeaseLost) {
    right.lose();
    return lease_lost(description_);
  }
  if (answer > 0 && static_cast<std::size_t>(answer) <= batch.preconditions.size()) {
    return precondition_failed(batch.preconditions[static_cast<std::size_t>(answer) - 1].key);
  }
  return Error(Code::kCorrupt, "store_damaged",
               concat("the commit function of ", description_, " answered ", answer));
}

// --- Lost answers ---

Result<bool> PostgresStore::was_applied(const Unsettled& commit, const Deadline& deadline) {
  // On a connection of its own: it must not wait for a pool whose users wait for it.
  PgArguments arguments;
  arguments.add(commit.epoch).add(commit.slot).add(commit.commit);
  PgRetry retry(deadline);
  while (true) {
    Result<PgConnection> connection = PgConnection::open(pool_.target(), deadline);
    Result<PgRows> rows = connection.ok()
                              ? connection->query(statements_.settle, arguments, deadline)
                              : Result<PgRows>(connection.error());
    if (rows.ok()) {
      APM_TRY(const std::int64_t answer, rows->number(0, 0));
      if (answer == kPgNeverApplied || answer == kPgApplied) return answer == kPgApplied;
    } else if (retry.again(rows.error())) {
      continue;
    } else {
      const MutexLock lock(unsettled_mutex_);
      unsettled_.push_back(commit);
      has_unsettled_ = true;
    }
    return Error(Code::kUnavailable, "store_outcome_unknown",
                 concat("the connection to ", description_,
                        " broke under a write; whether it was made is not known yet"));
  }
}

// Nothing is read or written while the outcome of an earlier commit is open: it could still change
// what was read.
Status PostgresStore::read_settled(const Deadline& deadline) {
  if (!has_unsettled_) return {};
  const MutexLock lock(unsettled_mutex_);
  while (!unsettled_.empty()) {
    const Unsettled& commit = unsettled_.back();
    PgArguments arguments;
    arguments.add(commit.epoch).add(commit.slot).add(commit.commit);
    APM_TRY(PgConnection connection, PgConnection::open(pool_.target(), deadline));
    APM_CHECK_OK(connection.query(statements_.settle, arguments, deadline));
    unsettled_.pop_back();
  }
  has_unsettled_ = false;
  return {};
}

// --- The lease ---

class PostgresStore::PostgresLease final : public Lease {
 public:
  PostgresLease(PostgresStore& store, std::shared_ptr<PgRight> right)
      : store_(store), right_(std::move(right)) {}
  PostgresLease(const PostgresLease&) = delete;
  PostgresLease& operator=(const PostgresLease&) = delete;
  ~PostgresLease() override { store_.release(right_); }
  [[nodiscard]] bool held() const override { return right_->held(); }
  [[nodiscard]] std::uint64_t epoch() const override {
    return static_cast<std::uint64_t>(right_->epoch());
  }

 private:
  PostgresStore& store_;
  std::shared_ptr<PgRight> right_;
};

Result<std::unique_ptr<Lease>> PostgresStore::acquire_lease(const std::string& owner,
                                                            const Deadline& deadline) {
  APM_CHECK_OK(check_lease_owner(owner));
  while (true) {
    const BootTime asked = BootClock::now();
    // A deadline that has passed still allows one question, with a time of its own.
    const Deadline question = Deadline::after(std::max(deadline.left(), kPgConnectTimeout));
    APM_TRY(const std::optional<std::int64_t> epoch, try_acquire(owner, question));
    if (epoch) {
      std::shared_ptr<PgRight> right = give_right({*epoch, lease_ttl_, asked});
      return std::unique_ptr<Lease>(std::make_unique<PostgresLease>(*this, std::move(right)));
    }
    if (deadline.passed()) {
      APM_TRY(const std::optional<LeaseHolder> other, holder());
      return lease_held(description_, other ? other->owner : "another server");
    }
    std::this_thread::sleep_for(std::min(deadline.left(), kPgLeasePollInterval));
  }
}

// Repeated after a lost answer. If that one gave us the lease, nobody knows: it ends by itself, and
// acquire_lease() waits for that as for any other holder.
Result<std::optional<std::int64_t>> PostgresStore::try_acquire(const std::string& owner,
                                                               const Deadline& deadline) {
  PgArguments arguments;
  arguments.add(as_bytes(owner)).add(lease_ttl_.count());
  arguments.add(static_cast<std::int64_t>(pool_.size()));
  APM_TRY(const PgRows rows, repeat(statements_.acquire, arguments, deadline));
  if (rows.null(0, 0)) return std::optional<std::int64_t>();
  APM_TRY(const std::int64_t epoch, rows.number(0, 0));
  return std::optional(epoch);
}

std::shared_ptr<PgRight> PostgresStore::give_right(const PgRight::Terms& terms) {
  auto right = std::make_shared<PgRight>(pool_.target(), statements_, terms);
  const MutexLock lock(mutex_);
  right_ = right;
  return right;
}

void PostgresStore::release(const std::shared_ptr<PgRight>& right) {
  {
    const MutexLock lock(mutex_);
    if (right_ == right) right_.reset();
  }
  right->end_renewing();
  // If this fails, the lease ends by itself.
  static_cast<void>(right->give_up(Deadline::after(kPgConnectTimeout)));
}

Result<std::optional<LeaseHolder>> PostgresStore::holder() {
  APM_TRY(const PgRows rows, repeat(statements_.holder, {}, Deadline::after(operation_deadline_)));
  if (rows.count() == 0) return std::optional<LeaseHolder>();
  APM_TRY(const std::int64_t epoch, rows.number(0, 1));
  APM_TRY(const std::int64_t left_ms, rows.number(0, 2));
  return std::optional(
      LeaseHolder{rows.text(0, 0), static_cast<std::uint64_t>(epoch), Milliseconds(left_ms)});
}

Status check_config(const PostgresConfig& config) {
  APM_CHECK_OK(check_pg_table(config.table));
  if (config.max_parallel >= 1 && config.max_parallel <= kPgConnectionsMax &&
      config.lease_ttl >= kPgLeaseTtlMin) {
    return {};
  }
  return Error(Code::kInvalidArgument, "storage_parallel",
               concat("max_parallel must be 1 to ", kPgConnectionsMax));
}

}  // namespace

Result<std::unique_ptr<Store>> open_postgres_store(const PostgresConfig& config) {
  APM_CHECK_OK(check_config(config));
  APM_CHECK_OK(refuse_libpq_environment());
  APM_TRY(PgTarget target, PgTarget::parse(config.connection_url));
  const Deadline deadline = Deadline::after(config.operation_deadline);
  PgRetry retry(deadline);
  while (true) {
    Result<PgConnection> connection = PgConnection::open(target, deadline);
    if (!connection.ok()) {
      // A wrong password does not get better by repeating it.
      const bool final = connection.error().reason == "store_login";
      if (!final && retry.again(connection.error())) continue;
      return connection.error().within("open the store postgresql " + target.name());
    }
    auto statements = prepare_pg_schema(*connection, config.table, deadline);
    if (!statements.ok()) return statements.error().within("postgresql " + target.name());
    return std::unique_ptr<Store>(std::make_unique<PostgresStore>(
        std::move(target), std::move(*statements), std::move(*connection), config));
  }
}

}  // namespace apm::storage
