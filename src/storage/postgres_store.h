#pragma once

// A Store in one table of a PostgreSQL database (docs/formats/postgresql.md), through libpq.
//
// A commit is one statement, and so one transaction: it compares the lease's epoch, checks the
// preconditions, notes its number and applies its changes. Commits that share no key run side by
// side on pooled connections. A connection that breaks under a commit leaves its outcome open; it
// is settled on another connection, where the commit is either found or made impossible, before
// anything else is read or written. So an error with an unknown outcome ("store_outcome_unknown",
// kUnavailable) is given only when the server cannot be reached within the operation's
// deadline.
//
// Any thread may call. Blocking, with a deadline on every wait.

#include <memory>
#include <string>

#include "crypto/secret_bytes.h"
#include "storage/limits.h"
#include "storage/store.h"

namespace apm::storage {

struct PostgresConfig {
  crypto::SecretBytes connection_url;  // libpq's; never logged
  std::string table = "apm_store";
  std::size_t max_parallel = kPgConnectionsDefault;  // connections; one more renews the lease
  Milliseconds lease_ttl = kPgLeaseTtl;
  Milliseconds operation_deadline = kPgOperationDeadline;  // of one call, with all attempts
};

// kInvalidArgument "storage_url", "storage_table" or "storage_parallel"; kRefused
// "storage_environment" or "store_not_durable"; kUnavailable "store_unreachable" when the server
// does not answer; kCorrupt "store_foreign"; kUnsupported "store_version".
[[nodiscard]] Result<std::unique_ptr<Store>> open_postgres_store(const PostgresConfig& config);

}  // namespace apm::storage
