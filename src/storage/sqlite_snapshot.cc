#include "storage/sqlite_snapshot.h"

#include <sqlite3.h>

#include "storage/sqlite_connection.h"

namespace apm::storage {
namespace {

class SqliteSnapshot final : public Snapshot {
 public:
  SqliteSnapshot(SqliteConnection connection, SqliteStatement rows, int first)
      : connection_(std::move(connection)), rows_(std::move(rows)), state_(first) {}

  [[nodiscard]] Result<std::optional<Put>> next() override {
    if (state_ == SQLITE_DONE) return std::optional<Put>();
    if (state_ != SQLITE_ROW) return connection_.error("read a snapshot of");
    Put row{std::string(as_text(rows_.column(0))), to_bytes(rows_.column(1))};
    state_ = rows_.step();
    return std::optional<Put>(std::move(row));
  }

 private:
  SqliteConnection connection_;
  SqliteStatement rows_;  // after the connection: ends before it
  int state_;             // of the last step
};

}  // namespace

Result<std::unique_ptr<Snapshot>> open_sqlite_snapshot(const std::string& path) {
  APM_TRY(SqliteConnection connection,
          SqliteConnection::open(path, SqliteConnection::Mode::kReadOnly));
  APM_TRY(SqliteStatement rows, connection.prepare("SELECT key, value FROM kv ORDER BY key"));
  // One statement is one read transaction: the first step decides what all later ones see.
  const int first = rows.step();
  if (first != SQLITE_ROW && first != SQLITE_DONE) return connection.error("read a snapshot of");
  return std::unique_ptr<Snapshot>(
      std::make_unique<SqliteSnapshot>(std::move(connection), std::move(rows), first));
}

}  // namespace apm::storage
