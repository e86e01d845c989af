#include "storage/sqlite_store.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <deque>
#include <filesystem>

#include "base/file.h"
#include "base/mutex.h"
#include "base/text.h"
#include "storage/file_lease.h"
#include "storage/limits.h"
#include "storage/sqlite_connection.h"

namespace apm::storage {
namespace {

// "APMs" in the file's header, and the version of the table below.
constexpr std::string_view kApplicationId = "1095781747";
constexpr std::string_view kSchemaVersion = "1";

struct FileIdentity {
  dev_t device = 0;
  ino_t inode = 0;
  bool operator==(const FileIdentity&) const = default;
};

struct Reader {
  SqliteConnection connection;
  SqliteStatement get;
  SqliteStatement range;
};

struct Writer {
  SqliteConnection connection;
  SqliteStatement get;
  SqliteStatement put;
  SqliteStatement erase;
};

// One batch in the queue; lives on the stack of the thread that waits for it.
struct Waiting {
  const Batch* batch = nullptr;
  Status result;
  bool done = false;
};

class SqliteStore final : public Store {
 public:
  SqliteStore(std::string path, FileIdentity identity, Writer writer, std::deque<Reader> readers)
      : path_(std::move(path)),
        identity_(identity),
        writer_(std::move(writer)),
        readers_(std::move(readers)) {}

  [[nodiscard]] Result<std::optional<Bytes>> get(const std::string& key) override;
  [[nodiscard]] Result<std::vector<std::string>> list(const std::string& prefix) override;
  [[nodiscard]] Status commit(const Batch& batch) override;
  [[nodiscard]] Result<std::unique_ptr<Lease>> acquire_lease(const std::string& owner,
                                                             const Deadline& deadline) override {
    return acquire_file_lease(path_ + ".lock", owner, deadline);
  }
  [[nodiscard]] std::string description() const override { return "sqlite " + path_; }
  [[nodiscard]] std::string type() const override { return "sqlite"; }

 private:
  class BorrowedReader;

  [[nodiscard]] Status check_file() const;
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
  bool leading_ APM_GUARDED_BY(queue_mutex_) = false;
  Writer writer_;  // the leader's alone

  Mutex readers_mutex_;
  CondVar reader_free_;
  std::deque<Reader> readers_ APM_GUARDED_BY(readers_mutex_);  // those that nobody uses
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
    {
      const MutexLock lock(store_.readers_mutex_);
      store_.readers_.push_front(std::move(reader_));
    }
    store_.reader_free_.notify_one();
  }
  Reader* operator->() { return &reader_; }

 private:
  static Reader take(SqliteStore& store) {
    const MutexLock lock(store.readers_mutex_);
    while (store.readers_.empty()) store.reader_free_.wait(store.readers_mutex_);
    Reader reader = std::move(store.readers_.front());
    store.readers_.pop_front();
    return reader;
  }
  SqliteStore& store_;
  Reader reader_;
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
Status collect_names(Reader& reader, const std::string& prefix, std::vector<std::string>& names) {
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
  const Status collected = collect_names(*reader.operator->(), prefix, names);
  reader->range.reset();
  const Status ended = reader->connection.run("COMMIT");
  APM_CHECK_OK(collected);
  APM_CHECK_OK(ended);
  return names;
}

// --- Writing ---

Status SqliteStore::commit(const Batch& batch) {
  APM_CHECK_OK(check_batch(batch));
  Waiting mine;
  mine.batch = &batch;
  const MutexLock lock(queue_mutex_);
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
  for (Waiting* waiting : group) APM_CHECK_OK(apply_in_savepoint(*waiting));
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
    if (!holds) {
      result = Error(Code::kPrecondition, "storage_precondition",
                     concat("the value of ", precondition.key, " is not what the writer expected"));
    }
  }
  writer_.get.reset();
  return result;
}

// --- The file ---

Result<FileIdentity> identify(const std::string& path) {
  struct stat info{};
  if (::lstat(path.c_str(), &info) != 0) return io_error("open store " + path);
  if (!S_ISREG(info.st_mode)) {
    return Error(Code::kIo, "store_io", concat("open store ", path, ": not a regular file"));
  }
  if ((info.st_mode & 0077) != 0) {
    return Error(Code::kRefused, "store_mode",
                 concat("other users may read or write the store ", path,
                        "; set its mode to 0600 and start again"));
  }
  return FileIdentity{info.st_dev, info.st_ino};
}

Status SqliteStore::check_file() const {
  struct stat info{};
  if (::lstat(path_.c_str(), &info) == 0 && FileIdentity{info.st_dev, info.st_ino} == identity_) {
    return {};
  }
  return Error(Code::kIo, "store_replaced",
               concat("the store ", path_,
                      " was deleted or replaced while it was in use; restore it and restart"));
}

// Created empty with its mode, before SQLite sees it. A file that exists is never opened here:
// closing a descriptor of it would drop the locks of another store on it in this process.
Status create_if_absent(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd.valid()) {
    if (errno == EEXIST) return {};
    return io_error("create store " + path);
  }
  std::string directory = std::filesystem::path(path).parent_path().string();
  if (directory.empty()) directory = ".";
  const UniqueFd directory_fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory_fd.valid()) return io_error("open directory " + directory);
  if (::fsync(directory_fd.get()) != 0) return io_error("sync directory " + directory);
  return {};
}

Status make_schema(SqliteConnection& connection, const std::string& path) {
  APM_TRY(const std::string application, connection.query_text("PRAGMA application_id"));
  if (application == kApplicationId) {
    APM_TRY(const std::string version, connection.query_text("PRAGMA user_version"));
    if (version == kSchemaVersion) return {};
    return Error(Code::kUnsupported, "store_version",
                 concat("the store ", path, " has format ", version, "; this program knows ",
                        kSchemaVersion));
  }
  APM_TRY(const std::string tables, connection.query_text("SELECT count(*) FROM sqlite_schema"));
  if (tables != "0" || application != "0") {
    return Error(Code::kCorrupt, "store_foreign",
                 concat(path, " is a SQLite file of another program; name another path"));
  }
  return connection.run(
      "CREATE TABLE kv(key BLOB NOT NULL PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;"
      "PRAGMA application_id=1095781747;"
      "PRAGMA user_version=1;");
}

// In one transaction, so that two programs that start at once make it once.
Status prepare_schema(SqliteConnection& connection, const std::string& path) {
  APM_CHECK_OK(connection.run("BEGIN IMMEDIATE"));
  const Status made = make_schema(connection, path);
  const Status ended = connection.run(made.ok() ? "COMMIT" : "ROLLBACK");
  APM_CHECK_OK(made);
  return ended;
}

Result<Writer> open_writer(const std::string& path) {
  APM_TRY(SqliteConnection connection,
          SqliteConnection::open(path, SqliteConnection::Mode::kReadWrite));
  APM_TRY(const std::string mode, connection.query_text("PRAGMA journal_mode=WAL"));
  if (mode != "wal") {
    return Error(Code::kIo, "store_io",
                 concat("the file system of ", path, " does not support write-ahead logging"));
  }
  APM_CHECK_OK(connection.run("PRAGMA synchronous=FULL"));
  APM_CHECK_OK(prepare_schema(connection, path));
  APM_TRY(SqliteStatement get, connection.prepare("SELECT value FROM kv WHERE key=?1"));
  APM_TRY(SqliteStatement put, connection.prepare("INSERT INTO kv(key,value) VALUES(?1,?2) "
                                                  "ON CONFLICT(key) DO UPDATE SET value=?2"));
  APM_TRY(SqliteStatement erase, connection.prepare("DELETE FROM kv WHERE key=?1"));
  return Writer{std::move(connection), std::move(get), std::move(put), std::move(erase)};
}

Result<Reader> open_reader(const std::string& path) {
  APM_TRY(SqliteConnection connection,
          SqliteConnection::open(path, SqliteConnection::Mode::kReadOnly));
  APM_TRY(SqliteStatement get, connection.prepare("SELECT value FROM kv WHERE key=?1"));
  APM_TRY(SqliteStatement range,
          connection.prepare("SELECT key FROM kv WHERE key>=?1 AND key<?2 ORDER BY key"));
  return Reader{std::move(connection), std::move(get), std::move(range)};
}

}  // namespace

Result<std::unique_ptr<Store>> open_sqlite_store(const std::string& path) {
  APM_CHECK_OK(create_if_absent(path));
  APM_TRY(const FileIdentity identity, identify(path));
  APM_TRY(Writer writer, open_writer(path));
  std::deque<Reader> readers;
  for (std::size_t i = 0; i < kReadConnections; ++i) {
    APM_TRY(Reader reader, open_reader(path));
    readers.push_back(std::move(reader));
  }
  return std::unique_ptr<Store>(
      std::make_unique<SqliteStore>(path, identity, std::move(writer), std::move(readers)));
}

}  // namespace apm::storage
