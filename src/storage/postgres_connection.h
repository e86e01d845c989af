#pragma once

// One connection to PostgreSQL through libpq, with a deadline on everything that waits. One thread
// at a time. Values travel in binary form.
//
// The connection URL is a secret: it reaches libpq and nothing else, and no message repeats it.
// libpq keeps a copy in the heap for as long as a connection lives.
//
// Errors: "store_unreachable" (kUnavailable) when there is no connection or it broke,
// "store_timeout" (kDeadlineExceeded) when no answer came in time; both end the connection, and
// what was asked may have been done. "store_io" (kIo) is the server's refusal: nothing was done.

#include <libpq-fe.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "crypto/secret_bytes.h"

namespace apm::storage {

// Where to connect: a checked URL, and what of it may be shown.
class PgTarget {
 public:
  // kInvalidArgument "storage_url" when libpq cannot read the URL.
  [[nodiscard]] static Result<PgTarget> parse(const crypto::SecretBytes& url);
  [[nodiscard]] const char* url() const;                           // ends in a null byte
  [[nodiscard]] const std::string& name() const { return name_; }  // "db.example:5432/apm"

 private:
  crypto::SecretBytes url_;
  std::string name_;
};

// The arguments of one statement, in order.
class PgArguments {
 public:
  PgArguments& add(ByteView value);
  PgArguments& add(std::int64_t value);
  PgArguments& add(const std::vector<std::optional<ByteView>>& values);  // bytea[]

 private:
  friend class PgConnection;
  std::deque<Bytes> values_;  // a deque: the pointers stay
  std::vector<Oid> types_;
  std::vector<const char*> pointers_;
  std::vector<int> sizes_;
};

class PgRows {
 public:
  explicit PgRows(PGresult* raw) : result_(raw, PQclear) {}
  [[nodiscard]] int count() const { return PQntuples(result_.get()); }
  [[nodiscard]] bool null(int row, int column) const {
    return PQgetisnull(result_.get(), row, column) != 0;
  }
  [[nodiscard]] ByteView bytes(int row, int column) const;  // valid while this object lives
  [[nodiscard]] Result<std::int64_t> number(int row, int column) const;  // a bigint
  [[nodiscard]] std::string text(int row, int column) const;

 private:
  std::unique_ptr<PGresult, decltype(&PQclear)> result_;
};

class PgConnection {
 public:
  [[nodiscard]] static Result<PgConnection> open(const PgTarget& target, const Deadline& deadline);

  [[nodiscard]] Result<PgRows> query(const std::string& sql, const PgArguments& arguments,
                                     const Deadline& deadline);
  [[nodiscard]] Result<PgRows> query(const std::string& sql, const Deadline& deadline);
  [[nodiscard]] std::string quoted(std::string_view identifier);
  [[nodiscard]] bool alive() const { return alive_; }

 private:
  explicit PgConnection(PGconn* raw) : connection_(raw, PQfinish) {}
  [[nodiscard]] Status prepare_session(const Deadline& deadline);
  [[nodiscard]] Status send(const Deadline& deadline);
  [[nodiscard]] Result<PgRows> receive(const Deadline& deadline);
  [[nodiscard]] Error not_connected();
  [[nodiscard]] Error broken(std::string_view doing);
  [[nodiscard]] Error refused(const PGresult* result);

  std::unique_ptr<PGconn, decltype(&PQfinish)> connection_;
  bool alive_ = true;
};

// True when there was no connection or it ended under a statement, whose outcome is not known then.
[[nodiscard]] bool is_unanswered(const Error& error);

// libpq takes settings from the environment too; a server takes them from its configuration alone.
// kRefused "storage_environment" names the variable.
[[nodiscard]] Status refuse_libpq_environment();

}  // namespace apm::storage
