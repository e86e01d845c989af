#include "storage/sqlite_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <thread>

#include "base/file.h"
#include "base/text.h"
#include "storage/limits.h"

namespace apm::storage {
namespace {

// "APMs" in the file's header, and the version of the tables below.
constexpr std::string_view kApplicationId = "1095781747";
constexpr std::string_view kSchemaVersion = "2";

Status make_tables(SqliteConnection& connection) {
  return connection.run(
      "CREATE TABLE kv(key BLOB NOT NULL PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;"
      "PRAGMA application_id=1095781747;");
}

// Format 2: the lease's epoch, compared by every commit.
Status make_lease(SqliteConnection& connection) {
  return connection.run(
      "CREATE TABLE lease(id INTEGER PRIMARY KEY CHECK(id=1), epoch INTEGER NOT NULL,"
      " owner BLOB NOT NULL);"
      "INSERT INTO lease(id, epoch, owner) VALUES(1, 0, x'');"
      "PRAGMA user_version=2;");
}

Status make_schema(SqliteConnection& connection, const std::string& path) {
  APM_TRY(const std::string application, connection.query_text("PRAGMA application_id"));
  if (application == kApplicationId) {
    APM_TRY(const std::string version, connection.query_text("PRAGMA user_version"));
    if (version == kSchemaVersion) return {};
    if (version == "1") return make_lease(connection);
    return Error(Code::kUnsupported, "store_version",
                 concat("the store ", path, " has format ", version, "; this program knows ",
                        kSchemaVersion));
  }
  APM_TRY(const std::string tables, connection.query_text("SELECT count(*) FROM sqlite_schema"));
  if (tables != "0" || application != "0") {
    return Error(Code::kCorrupt, "store_foreign",
                 concat(path, " is a SQLite file of another program; name another path"));
  }
  APM_CHECK_OK(make_tables(connection));
  return make_lease(connection);
}

Result<bool> has_schema(SqliteConnection& connection) {
  APM_TRY(const std::string application, connection.query_text("PRAGMA application_id"));
  APM_TRY(const std::string version, connection.query_text("PRAGMA user_version"));
  return application == kApplicationId && version == kSchemaVersion;
}

// Two programs that open a new store at once may both hold its first page shared when they ask for
// this. SQLite then refuses one at once, without its busy handler (it could wait for ever), so we
// ask again.
Status use_write_ahead_log(SqliteConnection& connection, const std::string& path) {
  const auto end = std::chrono::steady_clock::now() + kSqliteBusyTimeout;
  while (true) {
    const Result<std::string> mode = connection.query_text("PRAGMA journal_mode=WAL");
    if (mode.ok() && *mode == "wal") return {};
    if (mode.ok()) {
      return Error(Code::kIo, "store_io",
                   concat("the file system of ", path, " does not support write-ahead logging"));
    }
    if (mode.error().reason != "store_busy" || std::chrono::steady_clock::now() >= end) {
      return mode.error();
    }
    std::this_thread::sleep_for(kSqliteBusyRetry);
  }
}

// In one transaction, so that two programs that start at once make it once.
Status prepare_schema(SqliteConnection& connection, const std::string& path) {
  // Opening a store that another server writes to must not wait for its writes.
  APM_TRY(const bool made_before, has_schema(connection));
  if (made_before) return {};
  APM_CHECK_OK(connection.run("BEGIN IMMEDIATE"));
  const Status made = make_schema(connection, path);
  const Status ended = connection.run(made.ok() ? "COMMIT" : "ROLLBACK");
  APM_CHECK_OK(made);
  return ended;
}

}  // namespace

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

Status check_same_file(const std::string& path, const FileIdentity& identity) {
  struct stat info{};
  if (::lstat(path.c_str(), &info) == 0 && FileIdentity{info.st_dev, info.st_ino} == identity) {
    return {};
  }
  return Error(Code::kIo, "store_replaced",
               concat("the store ", path,
                      " was deleted or replaced while it was in use; restore it and restart"));
}

Result<SqliteWriter> open_writer(const std::string& path) {
  APM_TRY(SqliteConnection connection,
          SqliteConnection::open(path, SqliteConnection::Mode::kReadWrite));
  APM_CHECK_OK(use_write_ahead_log(connection, path));
  APM_CHECK_OK(connection.run("PRAGMA synchronous=FULL"));
  APM_CHECK_OK(prepare_schema(connection, path));
  APM_TRY(SqliteStatement get, connection.prepare("SELECT value FROM kv WHERE key=?1"));
  APM_TRY(SqliteStatement put, connection.prepare("INSERT INTO kv(key,value) VALUES(?1,?2) "
                                                  "ON CONFLICT(key) DO UPDATE SET value=?2"));
  APM_TRY(SqliteStatement erase, connection.prepare("DELETE FROM kv WHERE key=?1"));
  APM_TRY(SqliteStatement epoch, connection.prepare("SELECT CAST(epoch AS TEXT) FROM lease"));
  APM_TRY(SqliteStatement take, connection.prepare("UPDATE lease SET epoch=epoch+1, owner=?1"));
  return SqliteWriter{std::move(connection), std::move(get),   std::move(put),
                      std::move(erase),      std::move(epoch), std::move(take)};
}

Result<SqliteReader> open_reader(const std::string& path) {
  APM_TRY(SqliteConnection connection,
          SqliteConnection::open(path, SqliteConnection::Mode::kReadOnly));
  APM_TRY(SqliteStatement get, connection.prepare("SELECT value FROM kv WHERE key=?1"));
  APM_TRY(SqliteStatement range,
          connection.prepare("SELECT key FROM kv WHERE key>=?1 AND key<?2 ORDER BY key"));
  APM_TRY(SqliteStatement lease,
          connection.prepare("SELECT owner, CAST(epoch AS TEXT) FROM lease"));
  return SqliteReader{std::move(connection), std::move(get), std::move(range), std::move(lease)};
}

}  // namespace apm::storage
