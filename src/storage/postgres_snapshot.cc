#include "storage/postgres_snapshot.h"

#include "base/text.h"
#include "storage/limits.h"

namespace apm::storage {
namespace {

class PostgresSnapshot final : public Snapshot {
 public:
  PostgresSnapshot(PgConnection connection, std::string page, Milliseconds operation_deadline)
      : connection_(std::move(connection)),
        page_(std::move(page)),
        operation_deadline_(operation_deadline) {}

  // Reads the page after the last key. The first page fixes what the transaction sees.
  [[nodiscard]] Status read_page() {
    PgArguments arguments;
    arguments.add(as_bytes(last_key_));
    arguments.add(static_cast<std::int64_t>(kSnapshotPageRowsMax));
    arguments.add(static_cast<std::int64_t>(kSnapshotPageBytes));
    APM_TRY(PgRows rows, connection_.query(page_, arguments, Deadline::after(operation_deadline_)));
    rows_.emplace(std::move(rows));
    row_ = 0;
    return {};
  }

  [[nodiscard]] Result<std::optional<Put>> next() override {
    if (row_ == rows_->count() && row_ > 0) APM_CHECK_OK(read_page());
    if (rows_->count() == 0) return std::optional<Put>();
    last_key_ = rows_->text(row_, 0);
    Put row{last_key_, to_bytes(rows_->bytes(row_, 1))};
    ++row_;
    return std::optional<Put>(std::move(row));
  }

 private:
  PgConnection connection_;
  const std::string page_;
  const Milliseconds operation_deadline_;
  std::string last_key_;  // "" sorts before every key
  std::optional<PgRows> rows_;
  int row_ = 0;
};

}  // namespace

Result<std::unique_ptr<Snapshot>> open_postgres_snapshot(const PgTarget& target,
                                                         const PgStatements& statements,
                                                         Milliseconds operation_deadline) {
  const Deadline deadline = Deadline::after(operation_deadline);
  APM_TRY(PgConnection connection, PgConnection::open(target, deadline));
  // Who reads a snapshot may pause for longer than a writer may.
  APM_CHECK_OK(connection.query(concat("SELECT set_config('idle_in_transaction_session_timeout', '",
                                       kPgSnapshotIdleTimeout.count(), "', false)"),
                                deadline));
  APM_CHECK_OK(connection.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", deadline));
  auto made = std::make_unique<PostgresSnapshot>(std::move(connection), statements.page,
                                                 operation_deadline);
  APM_CHECK_OK(made->read_page());
  return std::unique_ptr<Snapshot>(std::move(made));
}

}  // namespace apm::storage
