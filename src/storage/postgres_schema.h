#pragma once

// The tables and functions of a PostgresStore (docs/formats/postgresql.md), made and checked when a
// store is opened. Every statement names its schema, so that no search_path can lead it elsewhere.

#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "storage/postgres_connection.h"

namespace apm::storage {

// The statements that a store uses, with the names of its tables in them.
struct PgStatements {
  std::string get;      // key
  std::string list;     // prefix, end, how many at most
  std::string page;     // after this key, rows at most, bytes after which no row begins
  std::string commit;   // epoch, slot, commit, if keys, if values, put keys, put values, deletes
  std::string settle;   // epoch, slot, commit
  std::string acquire;  // owner, lifetime in ms, slots
  std::string renew;    // epoch, lifetime in ms
  std::string release;  // epoch
  std::string holder;
};

// Answers of the functions.
inline constexpr std::int64_t kPgDone = 0;  // else, from 1: the precondition that failed
inline constexpr std::int64_t kPgLeaseLost = -1;
inline constexpr std::int64_t kPgSlotSettled = -2;
inline constexpr std::int64_t kPgNeverApplied = 0;
inline constexpr std::int64_t kPgApplied = 1;

// kInvalidArgument "storage_table": lower-case letters, digits and '_', at most kPgTableBytesMax.
[[nodiscard]] Status check_pg_table(const std::string& table);

// Makes what is absent, in the connection's current schema. kCorrupt "store_foreign" when there is
// a table of another program, kUnsupported "store_version" when a newer program made it, kRefused
// "store_not_durable" when the server runs without fsync.
[[nodiscard]] Result<PgStatements> prepare_pg_schema(PgConnection& connection,
                                                     const std::string& table,
                                                     const Deadline& deadline);

}  // namespace apm::storage
