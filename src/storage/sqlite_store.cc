#include "storage/sqlite_store.h"

#include <sqlite3.h>

#include <algorithm>
#include <deque>

#include "base/mutex.h"
#include "base/text.h"
#include "storage/file_lease.h"
#include "storage/limits.h"
#include "storage/sqlite_file.h"
#include "storage/sqlite_snapshot.h"

namespace apm::storage {
namespace {

// What a lease consists of. A commit keeps the one that it began with, so that the lock stays until
// the last commit under it has ended.
struct Right {
  FileLease file;
  std::uint64_t epoch;
};

// One batch in the queue; lives on the stack of the thread that waits for it.
struct Waiting {
  const Batch* batch = nullptr;
  std::shared_ptr<const Right> right;
  Status result;
  bool done = false;
};

class SqliteStore final : public Store {
 public:
  SqliteStore(std::string path, FileIdentity identity, SqliteWriter writer,
              std::deque<SqliteReader> readers)
      : path_(std::move(path)),
        identity_(identity),
        writer_(std::move(writer)),
        readers_(std::move(readers)) {}

  [[nodiscard]] Result<std::optional<Bytes>> get(const std::string& key) override;
  [[nodiscard]] Result<std::vector<std::string>> list(const std::string& prefix) override;
  [[nodiscard]] Result<std::unique_ptr<Snapshot>> snapshot() override;
  [[nodiscard]] Status commit(const Batch& batch) override;
  [[nodiscard]] Result<std::unique_ptr<Lease>> acquire_lease(const std::string& owner,
                                                             const Deadline& deadline) override;
  [[nodiscard]] Result<std::optional<LeaseHolder>> holder() override;
  [[nodiscard]] std::string description() const override { return "sqlite " + path_; }
  [[nodiscard]] std::string type() const override { return "sqlite"; }

 private:
  class BorrowedReader;
  class SqliteLease;

  [[nodiscard]] Status check_file() const { return check_same_file(path_, identity_); }
  [[nodiscard]] std::string lock_path() const { return path_ + ".lock"; }
  [[nodiscard]] Result<std::uint64_t> raise_epoch(const std::string& owner);
  [[nodiscard]] Result<std::uint64_t> raise_epoch_as_leader(const std::string& owner);
  [[nodiscard]] Result<std::uint64_t> stored_epoch();
  void release_lease(const Right& right);
  void lead() APM_REQUIRES(queue_mutex_);
  void run_group(const std::vector<Waiting*>& group) noexcept;
  [[nodiscard]] Status transact(const std::vector<Waiting*>& group);
  [[nodiscard]] Status apply_in_savepoint(Waiting& waiting);
  [[nodiscard]] Status apply(const Batch& batch);
  [[nodiscard]] Status check_precondition(const Precondition& precondition);

  const std::string path_;
  const FileIdentity identity_;

  Mutex queue_mutex_;
  CondVar group_done_;
  std::deque<Waiting*> queue_ APM_GUARDED_BY(queue_mutex_);
  std::shared_ptr<const Right> right_ APM_GUARDED_BY(queue_mutex_);  // null: no lease
  bool leading_ APM_GUARDED_BY(queue_mutex_) = false;
  SqliteWriter writer_;  // the leader's alone

  Mutex readers_mutex_;
  CondVar reader_free_;
  std::deque<SqliteReader> readers_ APM_GUARDED_BY(readers_mutex_);  // those that nobody uses
};

// --- Reading ---

class SqliteStore::BorrowedReader {
 public:
  explicit BorrowedReader(SqliteStore& store) : store_(store), reader_(take(store)) {}
  BorrowedReader(const BorrowedReader&) = delete;
  BorrowedReader& operator=(const BorrowedReader&) = delete;
  ~BorrowedReader() {
    reader_.get.reset();
    reader_.range.reset();
    reader_.lease.reset();
    {
      const MutexLock lock(store_.readers_mutex_);
      store_.readers_.push_front(std::move(reader_));
    }
    store_.reader_free_.notify_one();
  }
  SqliteReader* operator->() { return &reader_; }
  SqliteReader& operator*() { return reader_; }

 private:
  static SqliteReader take(SqliteStore& store) {
    const MutexLock lock(store.readers_mutex_);
    while (store.readers_.empty()) store.reader_free_.wait(store.readers_mutex_);
    SqliteReader reader = std::move(store.readers_.front());
    store.readers_.pop_front();
    return reader;
  }
  SqliteStore& store_;
  SqliteReader reader_;
};

Result<std::optional<Bytes>> SqliteStore::get(const std::string& key) {
  APM_CHECK_OK(check_key(key));
  APM_CHECK_OK(check_file());
  BorrowedReader reader(*this);
  reader->get.bind(1, as_bytes(key));
  const int rc = reader->get.step();
  if (rc == SQLITE_DONE) return std::optional<Bytes>();
  if (rc != SQLITE_ROW) return reader->connection.error("read");
  return std::optional<Bytes>(to_bytes(reader->get.column(0)));
}

// Reads the names between `from` and the end of `prefix`. Below a name that has keys below it,
// nothing is read: the statement is started again behind them.
Status collect_names(SqliteReader& reader, const std::string& prefix,
                     std::vector<std::string>& names) {
  std::string from = prefix;
  // '0' follows '/' in ASCII; no UTF-8 text holds the byte 0xff.
  const std::string to = prefix.empty() ? "\xff" : prefix.substr(0, prefix.size() - 1) + '0';
  while (true) {
    reader.range.reset();
    reader.range.bind(1, as_bytes(from));
    reader.range.bind(2, as_bytes(to));
    int rc = SQLITE_ROW;
    while ((rc = reader.range.step()) == SQLITE_ROW) {
      if (names.size() == kListNamesMax) {
        return Error(Code::kTooLarge, "storage_list",
                     concat(prefix, " has more than ", kListNamesMax, " names"));
      }
      const std::string key(as_text(reader.range.column(0)));
      const std::size_t slash = key.find('/', prefix.size());
      names.push_back(key.substr(prefix.size(), slash == std::string::npos
                                                    ? std::string::npos
                                                    : slash + 1 - prefix.size()));
      if (slash == std::string::npos) continue;
      from = key.substr(0, slash) + '0';
      break;
    }
    if (rc == SQLITE_DONE) return {};
    if (rc != SQLITE_ROW) return reader.connection.error("list");
  }
}

Result<std::vector<std::string>> SqliteStore::list(const std::string& prefix) {
  APM_CHECK_OK(check_prefix(prefix));
  APM_CHECK_OK(check_file());
  BorrowedReader reader(*this);
  std::vector<std::string> names;
  // One transaction: all seeks see the same state.
  APM_CHECK_OK(reader->connection.run("BEGIN"));
  const Status collected = collect_names(*reader, prefix, names);
  reader->range.reset();
  const Status ended = reader->connection.run("COMMIT");
  APM_CHECK_OK(collected);
  APM_CHECK_OK(ended);
  return names;
}

Result<std::unique_ptr<Snapshot>> SqliteStore::snapshot() {
  APM_CHECK_OK(check_file());
  APM_TRY(std::unique_ptr<Snapshot> made, open_sqlite_snapshot(path_));
  APM_CHECK_OK(check_file());  // what was opened is this store's file
  return made;
}

// --- Writing ---

Status SqliteStore::commit(const Batch& batch) {
  APM_CHECK_OK(check_batch(batch));
  Waiting mine;
  mine.batch = &batch;
  const MutexLock lock(queue_mutex_);
  mine.right = right_;
  if (!mine.right) return lease_not_held(description());
  if (queue_.size() >= kCommitQueueMax) {
    return Error(Code::kUnavailable, "store_busy",
                 concat("more than ", kCommitQueueMax, " writes wait for ", path_));
  }
  queue_.push_back(&mine);
  while (!mine.done) {
    if (leading_) {
      group_done_.wait(queue_mutex_);
    } else {
      lead();
    }
  }
  return mine.result;
}

void SqliteStore::lead() {
  leading_ = true;
  const std::size_t size = std::min(queue_.size(), kGroupBatchesMax);
  const auto end = queue_.begin() + static_cast<std::ptrdiff_t>(size);
  const std::vector<Waiting*> group(queue_.begin(), end);
  queue_.erase(queue_.begin(), end);
  queue_mutex_.unlock();
  run_group(group);
  queue_mutex_.lock();
  for (Waiting* waiting : group) waiting->done = true;
  leading_ = false;
  group_done_.notify_all();
}

// noexcept: a leader that left by an exception would strand everybody who waits; out of memory in
// the middle of a transaction ends the process, and the journal rolls it back.
void SqliteStore::run_group(const std::vector<Waiting*>& group) noexcept {
  const Status status = transact(group);
  if (status.ok()) return;
  if (writer_.connection.in_transaction()) {
    // A failed rollback leaves the transaction open: the next BEGIN reports it.
    static_cast<void>(writer_.connection.run("ROLLBACK"));
  }
  // Also those that failed a precondition: it may have been one of this group's lost changes.
  for (Waiting* waiting : group) waiting->result = status;
}

Status SqliteStore::transact(const std::vector<Waiting*>& group) {
  APM_CHECK_OK(check_file());
  APM_CHECK_OK(writer_.connection.run("BEGIN IMMEDIATE"));
  APM_TRY(const std::uint64_t epoch, stored_epoch());
  for (Waiting* waiting : group) {
    // Without its lock file this store steps back before anybody has to overtake it.
    if (waiting->right->epoch == epoch && waiting->right->file.held()) {
      APM_CHECK_OK(apply_in_savepoint(*waiting));
    } else {
      waiting->result = lease_lost(description());
    }
  }
  APM_CHECK_OK(writer_.connection.run("COMMIT"));
  return check_file();
}

// An error ends the whole group; a failed precondition is this batch's result alone.
Status SqliteStore::apply_in_savepoint(Waiting& waiting) {
  APM_CHECK_OK(writer_.connection.run("SAVEPOINT batch"));
  waiting.result = apply(*waiting.batch);
  if (!waiting.result.ok()) {
    if (waiting.result.error().code != Code::kPrecondition) return waiting.result;
    APM_CHECK_OK(writer_.connection.run("ROLLBACK TO batch"));
  }
  return writer_.connection.run("RELEASE batch");
}

Status SqliteStore::apply(const Batch& batch) {
  for (const Precondition& p : batch.preconditions) APM_CHECK_OK(check_precondition(p));
  for (const Put& put : batch.puts) {
    writer_.put.bind(1, as_bytes(put.key));
    writer_.put.bind(2, put.value);
    const bool done = writer_.put.step() == SQLITE_DONE;
    Status failed = done ? Status() : Status(writer_.connection.error("write"));
    writer_.put.reset();
    APM_CHECK_OK(failed);
  }
  for (const std::string& key : batch.deletes) {
    writer_.erase.bind(1, as_bytes(key));
    const bool done = writer_.erase.step() == SQLITE_DONE;
    Status failed = done ? Status() : Status(writer_.connection.error("delete"));
    writer_.erase.reset();
    APM_CHECK_OK(failed);
  }
  return {};
}

Status SqliteStore::check_precondition(const Precondition& precondition) {
  writer_.get.bind(1, as_bytes(precondition.key));
  const int rc = writer_.get.step();
  Status result;
  if (rc != SQLITE_ROW && rc != SQLITE_DONE) {
    result = writer_.connection.error("read");
  } else {
    const bool present = rc == SQLITE_ROW;
    const bool holds = precondition.value
                           ? present && equal(writer_.get.column(0), *precondition.value)
                           : !present;
    if (!holds) result = precondition_failed(precondition.key);
  }
  writer_.get.reset();
  return result;
}

// --- The lease ---

// The lock keeps honest servers apart; the epoch in the file stops those that it cannot.
class SqliteStore::SqliteLease final : public Lease {
 public:
  SqliteLease(SqliteStore& store, std::shared_ptr<const Right> right)
      : store_(store), right_(std::move(right)) {}
  SqliteLease(const SqliteLease&) = delete;
  SqliteLease& operator=(const SqliteLease&) = delete;
  ~SqliteLease() override { store_.release_lease(*right_); }
  [[nodiscard]] bool held() const override { return right_->file.held(); }
  [[nodiscard]] std::uint64_t epoch() const override { return right_->epoch; }

 private:
  SqliteStore& store_;
  std::shared_ptr<const Right> right_;
};

Result<std::unique_ptr<Lease>> SqliteStore::acquire_lease(const std::string& owner,
                                                          const Deadline& deadline) {
  APM_CHECK_OK(check_lease_owner(owner));
  APM_CHECK_OK(check_file());
  APM_TRY(FileLease file, FileLease::acquire(lock_path(), owner, description(), deadline));
  APM_TRY(const std::uint64_t epoch, raise_epoch_as_leader(owner));
  auto right = std::make_shared<const Right>(Right{std::move(file), epoch});
  const MutexLock lock(queue_mutex_);
  right_ = right;
  return std::unique_ptr<Lease>(std::make_unique<SqliteLease>(*this, std::move(right)));
}

Result<std::uint64_t> SqliteStore::raise_epoch_as_leader(const std::string& owner) {
  const MutexLock lock(queue_mutex_);
  while (leading_) group_done_.wait(queue_mutex_);
  leading_ = true;
  queue_mutex_.unlock();
  Result<std::uint64_t> epoch = raise_epoch(owner);
  if (!epoch.ok() && writer_.connection.in_transaction()) {
    static_cast<void>(writer_.connection.run("ROLLBACK"));  // as in run_group()
  }
  queue_mutex_.lock();
  leading_ = false;
  group_done_.notify_all();
  return epoch;
}

Result<std::uint64_t> SqliteStore::raise_epoch(const std::string& owner) {
  APM_CHECK_OK(writer_.connection.run("BEGIN IMMEDIATE"));
  writer_.take_lease.bind(1, as_bytes(owner));
  const bool done = writer_.take_lease.step() == SQLITE_DONE;
  const Status failed = done ? Status() : Status(writer_.connection.error("take the lease of"));
  writer_.take_lease.reset();
  APM_CHECK_OK(failed);
  APM_TRY(const std::uint64_t epoch, stored_epoch());
  APM_CHECK_OK(writer_.connection.run("COMMIT"));
  return epoch;
}

Result<std::uint64_t> parse_epoch(ByteView text, const std::string& path) {
  const std::optional<std::uint64_t> epoch = parse_u64(as_text(text));
  if (epoch) return *epoch;
  return Error(Code::kCorrupt, "store_damaged", concat("the lease row of ", path, " is malformed"));
}

Result<std::uint64_t> SqliteStore::stored_epoch() {
  const bool row = writer_.epoch.step() == SQLITE_ROW;
  Result<std::uint64_t> epoch = row ? parse_epoch(writer_.epoch.column(0), path_)
                                    : writer_.connection.error("read the lease of");
  writer_.epoch.reset();
  return epoch;
}

Result<std::optional<LeaseHolder>> SqliteStore::holder() {
  APM_CHECK_OK(check_file());
  APM_TRY(const bool taken, FileLease::is_taken(lock_path()));
  if (!taken) return std::optional<LeaseHolder>();
  BorrowedReader reader(*this);
  if (reader->lease.step() != SQLITE_ROW) return reader->connection.error("read the lease of");
  APM_TRY(const std::uint64_t epoch, parse_epoch(reader->lease.column(1), path_));
  return std::optional(
      LeaseHolder{std::string(as_text(reader->lease.column(0))), epoch, std::nullopt});
}

void SqliteStore::release_lease(const Right& right) {
  const MutexLock lock(queue_mutex_);
  if (right_.get() == &right) right_.reset();
}

}  // namespace

Result<std::unique_ptr<Store>> open_sqlite_store(const std::string& path) {
  APM_CHECK_OK(create_if_absent(path));
  APM_TRY(const FileIdentity identity, identify(path));
  APM_TRY(SqliteWriter writer, open_writer(path));
  std::deque<SqliteReader> readers;
  for (std::size_t i = 0; i < kReadConnections; ++i) {
    APM_TRY(SqliteReader reader, open_reader(path));
    readers.push_back(std::move(reader));
  }
  return std::unique_ptr<Store>(
      std::make_unique<SqliteStore>(path, identity, std::move(writer), std::move(readers)));
}

}  // namespace apm::storage
