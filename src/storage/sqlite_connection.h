#pragma once

// SQLite's C API as values: a connection and its prepared statements, closed by their owners.
// One thread at a time. Errors: kCorrupt for a damaged file, kUnavailable "store_busy" when another
// process holds the lock too long, else kIo; the message is SQLite's, with the path.

#include <memory>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace apm::storage {

struct SqliteCloser {
  void operator()(sqlite3* db) const;
  void operator()(sqlite3_stmt* statement) const;
};

class SqliteStatement {
 public:
  SqliteStatement() = default;
  explicit SqliteStatement(sqlite3_stmt* raw) : statement_(raw) {}

  void reset();                              // also forgets what was bound
  void bind(int index, ByteView value);      // not copied: must live until the next reset()
  [[nodiscard]] int step();                  // SQLITE_ROW, SQLITE_DONE or an error code
  [[nodiscard]] ByteView column(int index);  // valid until the next step() or reset()

 private:
  std::unique_ptr<sqlite3_stmt, SqliteCloser> statement_;
  int bind_error_ = 0;
};

class SqliteConnection {
 public:
  enum class Mode { kReadWrite, kReadOnly };
  [[nodiscard]] static Result<SqliteConnection> open(const std::string& path, Mode mode);

  [[nodiscard]] Status run(const char* sql);
  [[nodiscard]] Result<std::string> query_text(const char* sql);  // first column of the first row
  [[nodiscard]] Result<SqliteStatement> prepare(const char* sql);
  [[nodiscard]] Error error(std::string_view doing) const;  // of the call that just failed
  [[nodiscard]] bool in_transaction() const;

 private:
  SqliteConnection(sqlite3* db, std::string path) : db_(db), path_(std::move(path)) {}
  std::unique_ptr<sqlite3, SqliteCloser> db_;
  std::string path_;
};

}  // namespace apm::storage
