#include "storage/postgres_connection.h"

#include <poll.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>

#include "base/text.h"
#include "storage/limits.h"

namespace apm::storage {
namespace {

// pg_type.dat: stable object ids of the built-in types.
constexpr Oid kBytea = 17;
constexpr Oid kInt8 = 20;
constexpr Oid kByteaArray = 1001;

template <class N>
void put_number(Bytes& out, N value) {
  for (std::size_t i = sizeof(N); i-- > 0;) {
    out.push_back(static_cast<std::uint8_t>(static_cast<std::uint64_t>(value) >> (8 * i)));
  }
}

class ParsedUrl {
 public:
  explicit ParsedUrl(const char* url) : options_(PQconninfoParse(url, &message_)) {}
  ParsedUrl(const ParsedUrl&) = delete;
  ParsedUrl& operator=(const ParsedUrl&) = delete;
  ~ParsedUrl() {
    for (PQconninfoOption* o = options_; o != nullptr && o->keyword != nullptr; ++o) wipe(o->val);
    PQconninfoFree(options_);
    wipe(message_);  // it may repeat the URL
    PQfreemem(message_);
  }
  [[nodiscard]] bool ok() const { return options_ != nullptr; }
  [[nodiscard]] std::string value(std::string_view keyword) const {
    for (const PQconninfoOption* o = options_; o->keyword != nullptr; ++o) {
      if (keyword == o->keyword) return o->val == nullptr ? "" : o->val;
    }
    return "";
  }

 private:
  static void wipe(char* text) {
    if (text == nullptr) return;
    crypto::wipe({reinterpret_cast<std::uint8_t*>(text), std::strlen(text)});
  }
  char* message_ = nullptr;
  PQconninfoOption* options_;
};

std::string shown_name(const ParsedUrl& parsed) {
  const std::string host = parsed.value("host");
  const std::string port = parsed.value("port");
  return concat(host.empty() ? parsed.value("hostaddr") : host, port.empty() ? "" : ":", port, "/",
                parsed.value("dbname"));
}

// Waits for `events` on the connection's socket; false when the deadline passes first.
bool wait_for(const PGconn* connection, short events, const Deadline& deadline) {
  while (true) {
    pollfd ready{PQsocket(connection), events, 0};
    const auto left = std::min<std::int64_t>(deadline.left().count(), INT_MAX);
    const int rc = ::poll(&ready, 1, static_cast<int>(left));
    if (rc > 0) return true;
    if (rc == 0 || errno != EINTR) return false;
  }
}

// The connection's last message, in one line and without libpq's line ends.
std::string message_of(const PGconn* connection) {
  std::string text(trim(PQerrorMessage(connection)));
  for (char& c : text) {
    if (c == '\n' || c == '\t') c = ' ';
  }
  return text;
}

// libpq would print what the server says besides its answers; errors come with the answers.
void ignore_notice(void*, const PGresult*) {}

Error timed_out(std::string_view doing) {
  return Error(Code::kDeadlineExceeded, "store_timeout",
               concat("PostgreSQL did not answer in time while ", doing));
}

}  // namespace

// --- Where ---

Result<PgTarget> PgTarget::parse(const crypto::SecretBytes& url) {
  const bool has_null = url.text().find('\0') != std::string_view::npos;
  if (url.empty() || url.size() > kPgUrlBytesMax || has_null) {
    return Error(Code::kInvalidArgument, "storage_url",
                 concat("connection_url must have 1 to ", kPgUrlBytesMax, " bytes"));
  }
  PgTarget target;
  target.url_ = crypto::SecretBytes::zeros(url.size() + 1);
  std::copy(url.view().begin(), url.view().end(), target.url_.mutable_view().begin());
  const ParsedUrl parsed(target.url());
  if (!parsed.ok()) {
    return Error(Code::kInvalidArgument, "storage_url",
                 "connection_url is not a connection string of PostgreSQL; write "
                 "postgresql://USER:PASSWORD@HOST:5432/DATABASE?sslmode=verify-full, with special "
                 "characters percent-encoded");
  }
  target.name_ = shown_name(parsed);
  return target;
}

const char* PgTarget::url() const { return url_.text().data(); }

Status refuse_libpq_environment() {
  const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> options(PQconndefaults(),
                                                                             PQconninfoFree);
  if (!options) return Error(Code::kInternal, "libpq could not list its settings");
  std::vector<std::string> names = {"PGSERVICEFILE", "PGSYSCONFDIR"};
  for (const PQconninfoOption* o = options.get(); o->keyword != nullptr; ++o) {
    if (o->envvar != nullptr) names.emplace_back(o->envvar);
  }
  for (const std::string& name : names) {
    if (std::getenv(name.c_str()) == nullptr) continue;
    return Error(Code::kRefused, "storage_environment",
                 concat("the environment variable ", name,
                        " would change how PostgreSQL is reached; remove it and say it in "
                        "connection_url"));
  }
  return {};
}

// --- Arguments and rows ---

PgArguments& PgArguments::add(ByteView value) {
  values_.push_back(to_bytes(value));
  types_.push_back(kBytea);
  // libpq takes a null pointer for NULL; the empty value is not NULL.
  static const char kEmpty = 0;
  pointers_.push_back(value.empty() ? &kEmpty
                                    : reinterpret_cast<const char*>(values_.back().data()));
  sizes_.push_back(static_cast<int>(values_.back().size()));
  return *this;
}

PgArguments& PgArguments::add(std::int64_t value) {
  Bytes raw;
  put_number(raw, value);
  add(raw);
  types_.back() = kInt8;
  return *this;
}

// array_recv(): dimensions, a flag for nulls, the element type, then size and bytes of each.
PgArguments& PgArguments::add(const std::vector<std::optional<ByteView>>& values) {
  Bytes raw;
  put_number(raw, std::int32_t{values.empty() ? 0 : 1});
  put_number(raw, std::int32_t{1});
  put_number(raw, static_cast<std::int32_t>(kBytea));
  if (!values.empty()) {
    put_number(raw, static_cast<std::int32_t>(values.size()));
    put_number(raw, std::int32_t{1});  // the first index
  }
  for (const std::optional<ByteView>& value : values) {
    put_number(raw, value ? static_cast<std::int32_t>(value->size()) : -1);
    if (value) append(raw, *value);
  }
  add(raw);
  types_.back() = kByteaArray;
  return *this;
}

ByteView PgRows::bytes(int row, int column) const {
  return {reinterpret_cast<const std::uint8_t*>(PQgetvalue(result_.get(), row, column)),
          static_cast<std::size_t>(PQgetlength(result_.get(), row, column))};
}

std::string PgRows::text(int row, int column) const {
  return std::string(as_text(bytes(row, column)));
}

Result<std::int64_t> PgRows::number(int row, int column) const {
  const ByteView raw = bytes(row, column);
  if (null(row, column) || raw.size() != 8) {
    return Error(Code::kCorrupt, "store_damaged", "PostgreSQL answered with another type");
  }
  std::uint64_t value = 0;
  for (const std::uint8_t byte : raw) value = value << 8 | byte;
  return static_cast<std::int64_t>(value);
}

// --- Connecting ---

Result<PgConnection> PgConnection::open(const PgTarget& target, const Deadline& deadline) {
  const std::array<const char*, 4> keywords = {"dbname", "client_encoding", "application_name",
                                               nullptr};
  const std::array<const char*, 4> values = {target.url(), "UTF8", "anjuna-policy-manager",
                                             nullptr};
  PgConnection made(PQconnectStartParams(keywords.data(), values.data(), 1));
  PGconn* raw = made.connection_.get();
  if (raw == nullptr) return Error(Code::kUnavailable, "store_unreachable", "libpq: out of memory");
  PQsetNoticeReceiver(raw, ignore_notice, nullptr);
  const Deadline until = deadline.at_most(kPgConnectTimeout);
  PostgresPollingStatusType next = PGRES_POLLING_WRITING;
  while (PQstatus(raw) != CONNECTION_BAD && next != PGRES_POLLING_OK &&
         next != PGRES_POLLING_FAILED) {
    const bool reading = next == PGRES_POLLING_READING;
    if (!wait_for(raw, reading ? POLLIN : POLLOUT, until)) return timed_out("connecting");
    next = PQconnectPoll(raw);
  }
  if (PQstatus(raw) != CONNECTION_OK) return made.not_connected();
  if (PQsetnonblocking(raw, 1) != 0) return made.broken("connecting");
  APM_CHECK_OK(made.prepare_session(until));
  return made;
}

Error PgConnection::not_connected() {
  PGconn* raw = connection_.get();
  Error error = broken("connecting");
  if (PQconnectionUsedPassword(raw) == 0 && PQconnectionNeedsPassword(raw) == 0) return error;
  error.code = Code::kRefused;
  error.reason = "store_login";
  return error;
}

// Bounded waits, no objects of other schemas, and never an answer before the data is on disk.
Status PgConnection::prepare_session(const Deadline& deadline) {
  const std::string timeout = concat("'", kPgStatementTimeout.count(), "'");
  APM_CHECK_OK(query(
      concat("SELECT set_config('statement_timeout', ", timeout,
             ", false), set_config('idle_in_transaction_session_timeout', ", timeout,
             ", false), set_config('default_transaction_isolation', 'read committed', false)"),
      deadline));
  APM_CHECK_OK(
      query("SELECT set_config('synchronous_commit', 'on', false) "
            "WHERE current_setting('synchronous_commit') = 'off'",
            deadline));
  return {};
}

// --- Statements ---

Result<PgRows> PgConnection::query(const std::string& sql, const Deadline& deadline) {
  return query(sql, PgArguments(), deadline);
}

Result<PgRows> PgConnection::query(const std::string& sql, const PgArguments& arguments,
                                   const Deadline& deadline) {
  if (!alive_) return Error(Code::kUnavailable, "store_unreachable", "the connection is closed");
  const std::vector<int> binary(arguments.types_.size(), 1);
  if (PQsendQueryParams(connection_.get(), sql.c_str(), static_cast<int>(binary.size()),
                        arguments.types_.data(), arguments.pointers_.data(),
                        arguments.sizes_.data(), binary.data(), 1) == 0) {
    return broken("sending a statement");
  }
  const Deadline until = deadline.at_most(kPgAnswerTimeout);
  APM_CHECK_OK(send(until));
  return receive(until);
}

Status PgConnection::send(const Deadline& deadline) {
  PGconn* raw = connection_.get();
  while (true) {
    const int rc = PQflush(raw);
    if (rc == 0) return {};
    if (rc < 0) return broken("sending a statement");
    if (!wait_for(raw, POLLIN | POLLOUT, deadline)) {
      alive_ = false;
      return timed_out("sending a statement");
    }
    if (PQconsumeInput(raw) == 0) return broken("sending a statement");
  }
}

Result<PgRows> PgConnection::receive(const Deadline& deadline) {
  PGconn* raw = connection_.get();
  std::optional<PgRows> rows;
  std::optional<Error> error;
  while (true) {
    while (PQisBusy(raw) != 0) {
      if (!wait_for(raw, POLLIN, deadline)) {
        alive_ = false;
        return timed_out("waiting for an answer");
      }
      if (PQconsumeInput(raw) == 0) return broken("waiting for an answer");
    }
    PGresult* result = PQgetResult(raw);
    if (result == nullptr) break;
    const ExecStatusType status = PQresultStatus(result);
    PgRows kept(result);
    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) {
      rows = std::move(kept);
    } else if (!error) {
      error = refused(result);
    }
  }
  if (PQstatus(raw) != CONNECTION_OK) return broken("waiting for an answer");
  if (error) return *error;
  if (!rows) return broken("waiting for an answer");
  return std::move(*rows);
}

Error PgConnection::broken(std::string_view doing) {
  alive_ = false;
  return Error(Code::kUnavailable, "store_unreachable",
               concat("PostgreSQL, ", doing, ": ", message_of(connection_.get())));
}

// The primary message and the SQLSTATE; details could repeat stored keys.
Error PgConnection::refused(const PGresult* result) {
  const char* state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  const char* text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
  const std::string_view code = state == nullptr ? "" : state;
  const std::string message = concat(
      "PostgreSQL refused a statement: ", text == nullptr ? "no message" : text, " (", code, ")");
  // 57P01-57P03, 08xxx: the server goes down or the connection does; PostgreSQL, appendix A.
  if (code.starts_with("57P") || code.starts_with("08") || code.empty()) {
    alive_ = false;
    return Error(Code::kUnavailable, "store_unreachable", message);
  }
  return Error(Code::kIo, "store_io", message);
}

std::string PgConnection::quoted(std::string_view identifier) {
  const std::unique_ptr<char, decltype(&PQfreemem)> text(
      PQescapeIdentifier(connection_.get(), identifier.data(), identifier.size()), PQfreemem);
  return text ? text.get() : "";
}

bool is_unanswered(const Error& error) {
  return error.reason == "store_unreachable" || error.reason == "store_timeout" ||
         error.reason == "store_login";
}

}  // namespace apm::storage
