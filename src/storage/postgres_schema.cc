#include "storage/postgres_schema.h"

#include <algorithm>

#include "base/text.h"
#include "storage/limits.h"

namespace apm::storage {
namespace {

constexpr std::int64_t kFormat = 1;

// In the texts below, {kv}, {meta}, {lease}, {slot}, {commit} ... stand for qualified names.
constexpr std::string_view kTables = R"(
CREATE TABLE {kv} (key bytea PRIMARY KEY, value bytea NOT NULL);
ALTER TABLE {kv} ALTER value SET STORAGE EXTERNAL;
CREATE TABLE {meta} (single boolean PRIMARY KEY DEFAULT true CHECK (single),
  format bigint NOT NULL);
INSERT INTO {meta} (format) VALUES (1);
CREATE TABLE {lease} (epoch bigint PRIMARY KEY, owner bytea NOT NULL, expires timestamptz NOT NULL,
  single boolean NOT NULL DEFAULT true UNIQUE CHECK (single));
INSERT INTO {lease} (epoch, owner, expires) VALUES (0, '', '-infinity');
CREATE TABLE {slot} (epoch bigint, slot bigint, last_commit bigint NOT NULL,
  given_up bigint NOT NULL, PRIMARY KEY (epoch, slot)) WITH (fillfactor = 50);
)";

// One statement, so that the server never waits for the client inside the transaction: a client
// that is paused cannot hold the lease row. FOR KEY SHARE excludes a change of the epoch (the
// primary key), not a renewal. The slot's row says afterwards whether this commit was made.
constexpr std::string_view kCommit = R"(
CREATE FUNCTION {commit}(p_epoch bigint, p_slot bigint, p_commit bigint, p_if_keys bytea[],
  p_if_values bytea[], p_put_keys bytea[], p_put_values bytea[], p_deletes bytea[]) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE failed bigint;
BEGIN
  PERFORM 1 FROM {lease} WHERE epoch = p_epoch FOR KEY SHARE;
  IF NOT FOUND THEN RETURN -1; END IF;
  SELECT e.i INTO failed FROM unnest(p_if_keys, p_if_values) WITH ORDINALITY AS e(k, v, i)
    LEFT JOIN {kv} AS kv ON kv.key = e.k WHERE kv.value IS DISTINCT FROM e.v ORDER BY e.i LIMIT 1;
  IF FOUND THEN RETURN failed; END IF;
  UPDATE {slot} SET last_commit = p_commit
    WHERE epoch = p_epoch AND slot = p_slot AND last_commit < p_commit AND given_up < p_commit;
  IF NOT FOUND THEN RETURN -2; END IF;
  INSERT INTO {kv} AS kv (key, value) SELECT k, v FROM unnest(p_put_keys, p_put_values) AS p(k, v)
    ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value;
  DELETE FROM {kv} WHERE key = ANY (p_deletes);
  RETURN 0;
END $$;
)";

// After a lost answer: 1 when the commit was made, 0 when it was not and never will be, -1 when the
// slot's epoch is too old to tell. Waits for the commit if it still runs. May be asked again: the
// answer stays the same.
constexpr std::string_view kSettle = R"(
CREATE FUNCTION {settle}(p_epoch bigint, p_slot bigint, p_commit bigint) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE made bigint;
BEGIN
  SELECT last_commit INTO made FROM {slot} WHERE epoch = p_epoch AND slot = p_slot FOR UPDATE;
  IF NOT FOUND THEN RETURN -1; END IF;
  IF made = p_commit THEN RETURN 1; END IF;
  UPDATE {slot} SET given_up = greatest(given_up, p_commit)
    WHERE epoch = p_epoch AND slot = p_slot;
  RETURN 0;
END $$;
)";

constexpr std::string_view kAcquire = R"(
CREATE FUNCTION {acquire}(p_owner bytea, p_ttl_ms bigint, p_slots bigint) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE taken bigint;
BEGIN
  UPDATE {lease} SET epoch = epoch + 1, owner = p_owner,
      expires = clock_timestamp() + p_ttl_ms * interval '1 millisecond'
    WHERE expires <= clock_timestamp() RETURNING epoch INTO taken;
  IF taken IS NULL THEN RETURN NULL; END IF;
  DELETE FROM {slot} WHERE epoch < taken - 8;
  INSERT INTO {slot} SELECT taken, s, 0, 0 FROM generate_series(0, p_slots - 1) AS s;
  RETURN taken;
END $$;
)";

// Below a name that has keys below it nothing is read: the scan starts again behind them.
// STABLE: all scans see one state.
constexpr std::string_view kList = R"(
CREATE FUNCTION {list}(p_prefix bytea, p_end bytea, p_most bigint) RETURNS SETOF bytea
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  k bytea; name bytea; slash int; again boolean; start bytea := p_prefix; n bigint := 0;
BEGIN
  LOOP
    again := false;
    FOR k IN SELECT key FROM {kv} WHERE key >= start AND key < p_end ORDER BY key LOOP
      name := substring(k FROM length(p_prefix) + 1);
      slash := position('\x2f'::bytea IN name);
      n := n + 1;
      IF n > p_most THEN RETURN; END IF;
      IF slash = 0 THEN
        RETURN NEXT name;
      ELSE
        RETURN NEXT substring(name FROM 1 FOR slash);
        start := p_prefix || substring(name FROM 1 FOR slash - 1) || '\x30'::bytea;
        again := true;
        EXIT;
      END IF;
    END LOOP;
    EXIT WHEN NOT again;
  END LOOP;
END $$;
)";

// The qualified names of one store's objects.
class Names {
 public:
  Names(PgConnection& connection, const std::string& schema, const std::string& table)
      : connection_(connection), schema_(connection.quoted(schema)), table_(table) {}

  [[nodiscard]] std::string of(std::string_view what) const {
    const std::string name = what == "kv" ? table_ : concat(table_, "_", what);
    return concat(schema_, ".", connection_.quoted(name));
  }
  [[nodiscard]] std::string filled(std::string_view text) const {
    std::string out;
    while (true) {
      const std::size_t open = text.find('{');
      if (open == std::string_view::npos) return out.append(text);
      const std::size_t close = text.find('}', open);
      out.append(text.substr(0, open)).append(of(text.substr(open + 1, close - open - 1)));
      text.remove_prefix(close + 1);
    }
  }

 private:
  PgConnection& connection_;
  std::string schema_;
  std::string table_;
};

PgStatements statements_of(const Names& names) {
  PgStatements out;
  out.get = names.filled("SELECT value FROM {kv} WHERE key = $1");
  out.list = names.filled("SELECT * FROM {list}($1, $2, $3)");
  // The sizes decide before any value is fetched (values are kept EXTERNAL).
  out.page = names.filled(
      "SELECT key, value FROM (SELECT key, value, sum(octet_length(value)) OVER (ORDER BY key) - "
      "octet_length(value) AS before FROM (SELECT key, value FROM {kv} WHERE key > $1 "
      "ORDER BY key LIMIT $2) AS page) AS sized WHERE before < $3 ORDER BY key");
  out.commit = names.filled("SELECT {commit}($1, $2, $3, $4, $5, $6, $7, $8)");
  out.settle = names.filled("SELECT {settle}($1, $2, $3)");
  out.acquire = names.filled("SELECT {acquire}($1, $2, $3)");
  out.renew = names.filled(
      "UPDATE {lease} SET expires = clock_timestamp() + $2 * interval '1 millisecond' "
      "WHERE epoch = $1 RETURNING epoch");
  out.release = names.filled("UPDATE {lease} SET expires = '-infinity' WHERE epoch = $1");
  out.holder = names.filled(
      "SELECT owner, epoch, ceil(extract(epoch FROM expires - clock_timestamp()) * 1000)::bigint "
      "FROM {lease} WHERE expires > clock_timestamp()");
  return out;
}

Result<bool> exists(PgConnection& connection, const std::string& name, const Deadline& deadline) {
  PgArguments arguments;
  arguments.add(as_bytes(name));
  APM_TRY(
      const PgRows rows,
      connection.query("SELECT 1::bigint WHERE to_regclass(convert_from($1, 'UTF8')) IS NOT NULL",
                       arguments, deadline));
  return rows.count() == 1;
}

Status make_objects(PgConnection& connection, const Names& names, const Deadline& deadline) {
  // The extended protocol takes one statement at a time; a DO block would hide which one failed.
  std::string text = names.filled(kTables);
  for (std::size_t end = text.find(';'); end != std::string::npos; end = text.find(';')) {
    APM_CHECK_OK(connection.query(text.substr(0, end), deadline));
    text.erase(0, end + 1);
  }
  for (const std::string_view function : {kCommit, kSettle, kAcquire, kList}) {
    APM_CHECK_OK(connection.query(names.filled(function), deadline));
  }
  return {};
}

Status make_or_check(PgConnection& connection, const Names& names, const Deadline& deadline) {
  APM_TRY(const bool ours, exists(connection, names.of("meta"), deadline));
  if (!ours) {
    APM_TRY(const bool foreign, exists(connection, names.of("kv"), deadline));
    if (!foreign) return make_objects(connection, names, deadline);
    return Error(
        Code::kCorrupt, "store_foreign",
        concat("the table ", names.of("kv"), " belongs to another program; name another table"));
  }
  APM_TRY(const PgRows rows, connection.query(names.filled("SELECT format FROM {meta}"), deadline));
  if (rows.count() != 1) {
    return Error(Code::kCorrupt, "store_damaged", concat(names.of("meta"), " has not one row"));
  }
  APM_TRY(const std::int64_t format, rows.number(0, 0));
  if (format == kFormat) return {};
  return Error(Code::kUnsupported, "store_version",
               concat("the store ", names.of("kv"), " has format ", format, "; this program knows ",
                      kFormat));
}

Status check_durable(PgConnection& connection, const Deadline& deadline) {
  APM_TRY(const PgRows rows, connection.query("SELECT current_setting('fsync')", deadline));
  if (rows.text(0, 0) == "on") return {};
  return Error(Code::kRefused, "store_not_durable",
               "the PostgreSQL server runs with fsync = off and would lose acknowledged writes; "
               "switch it on");
}

}  // namespace

Status check_pg_table(const std::string& table) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  };
  const bool good = !table.empty() && table.size() <= kPgTableBytesMax &&
                    (table[0] < '0' || table[0] > '9') &&
                    std::all_of(table.begin(), table.end(), allowed);
  if (good) return {};
  return Error(Code::kInvalidArgument, "storage_table",
               concat("a table's name has 1 to ", kPgTableBytesMax,
                      " lower-case letters, digits and '_', and begins with no digit"));
}

Result<PgStatements> prepare_pg_schema(PgConnection& connection, const std::string& table,
                                       const Deadline& deadline) {
  APM_CHECK_OK(check_pg_table(table));
  APM_CHECK_OK(check_durable(connection, deadline));
  APM_TRY(const PgRows schema,
          connection.query("SELECT current_schema() WHERE current_schema() IS NOT NULL", deadline));
  if (schema.count() != 1) {
    return Error(Code::kIo, "store_io", "no schema of the search_path exists in this database");
  }
  const Names names(connection, schema.text(0, 0), table);
  // In one transaction under a lock of its own, so that two servers that start at once make it
  // once. On an error the connection is not used again, which rolls it back.
  APM_CHECK_OK(connection.query("BEGIN", deadline));
  APM_CHECK_OK(connection.query("SELECT pg_advisory_xact_lock(1095781747)", deadline));
  APM_CHECK_OK(make_or_check(connection, names, deadline));
  APM_CHECK_OK(connection.query("COMMIT", deadline));
  return statements_of(names);
}

}  // namespace apm::storage
