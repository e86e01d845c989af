#include "storage/sqlite_connection.h"

#include <sqlite3.h>

#include "base/text.h"
#include "storage/limits.h"

namespace apm::storage {
namespace {

Error sqlite_error(sqlite3* db, const std::string& path, std::string_view doing) {
  const std::string message = concat(doing, " ", path, ": ", sqlite3_errmsg(db));
  switch (sqlite3_errcode(db)) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return Error(Code::kCorrupt, "store_damaged", message);
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return Error(Code::kUnavailable, "store_busy", message);
    default: return Error(Code::kIo, "store_io", message);
  }
}

}  // namespace

void SqliteCloser::operator()(sqlite3* db) const { sqlite3_close_v2(db); }
void SqliteCloser::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

void SqliteStatement::reset() {
  sqlite3_reset(statement_.get());
  sqlite3_clear_bindings(statement_.get());
  bind_error_ = SQLITE_OK;
}

void SqliteStatement::bind(int index, ByteView value) {
  // A null pointer would bind NULL; the empty value is an empty blob.
  const int rc = value.empty() ? sqlite3_bind_zeroblob(statement_.get(), index, 0)
                               : sqlite3_bind_blob64(statement_.get(), index, value.data(),
                                                     value.size(), nullptr);
  if (rc != SQLITE_OK) bind_error_ = rc;
}

int SqliteStatement::step() {
  return bind_error_ != SQLITE_OK ? bind_error_ : sqlite3_step(statement_.get());
}

ByteView SqliteStatement::column(int index) {
  const void* data = sqlite3_column_blob(statement_.get(), index);
  const int size = sqlite3_column_bytes(statement_.get(), index);
  return {static_cast<const std::uint8_t*>(data), static_cast<std::size_t>(size)};
}

Result<SqliteConnection> SqliteConnection::open(const std::string& path, Mode mode) {
  sqlite3* raw = nullptr;
  const int access = mode == Mode::kReadWrite ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
  const int rc = sqlite3_open_v2(path.c_str(), &raw, access | SQLITE_OPEN_NOMUTEX, nullptr);
  SqliteConnection connection(raw, path);
  if (raw == nullptr) return Error(Code::kIo, "store_io", "open " + path + ": out of memory");
  if (rc != SQLITE_OK) return connection.error("open");
  sqlite3_busy_timeout(raw, static_cast<int>(kSqliteBusyTimeout.count()));
  sqlite3_extended_result_codes(raw, 0);
  APM_CHECK_OK(connection.run("PRAGMA trusted_schema=OFF"));
  return connection;
}

Status SqliteConnection::run(const char* sql) {
  if (sqlite3_exec(db_.get(), sql, nullptr, nullptr, nullptr) == SQLITE_OK) return {};
  return error(sql);
}

Result<std::string> SqliteConnection::query_text(const char* sql) {
  APM_TRY(SqliteStatement statement, prepare(sql));
  const int rc = statement.step();
  if (rc == SQLITE_DONE) return std::string();
  if (rc != SQLITE_ROW) return error(sql);
  return std::string(as_text(statement.column(0)));
}

Result<SqliteStatement> SqliteConnection::prepare(const char* sql) {
  sqlite3_stmt* raw = nullptr;
  if (sqlite3_prepare_v3(db_.get(), sql, -1, SQLITE_PREPARE_PERSISTENT, &raw, nullptr) !=
      SQLITE_OK) {
    return error(sql);
  }
  return SqliteStatement(raw);
}

Error SqliteConnection::error(std::string_view doing) const {
  return sqlite_error(db_.get(), path_, doing);
}

bool SqliteConnection::in_transaction() const { return sqlite3_get_autocommit(db_.get()) == 0; }

}  // namespace apm::storage
