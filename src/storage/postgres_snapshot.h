#pragma once

// The snapshot of a PostgresStore: one REPEATABLE READ transaction on a connection of its own, read
// page by page. A connection that breaks ends it: "store_unreachable".

#include <memory>

#include "storage/postgres_connection.h"
#include "storage/postgres_schema.h"
#include "storage/store.h"

namespace apm::storage {

[[nodiscard]] Result<std::unique_ptr<Snapshot>> open_postgres_snapshot(
    const PgTarget& target, const PgStatements& statements, Milliseconds operation_deadline);

}  // namespace apm::storage
