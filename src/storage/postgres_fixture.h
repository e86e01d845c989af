#pragma once

// PostgreSQL for tests: one server of Debian's packages for the whole test program, started when it
// is first needed and ended with the program. Each test takes a database of its own.

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <sstream>
#include <thread>

#include "base/text.h"
#include "storage/postgres_connection.h"
#include "storage/postgres_store.h"
#include "storage/temp_dir.h"

namespace apm::storage {

inline crypto::SecretBytes secret(std::string_view text) {
  return crypto::SecretBytes::copy_of(text);
}

class PostgresServer {
 public:
  explicit PostgresServer(std::string setting = "fsync=on") : setting_(std::move(setting)) {
    start();
  }
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;
  ~PostgresServer() { stop(SIGINT); }

  static PostgresServer& shared() {
    static PostgresServer server;
    return server;
  }

  [[nodiscard]] std::string file(const std::string& name) const { return dir_.file(name); }
  // "" when it runs; else why it does not, for GTEST_SKIP.
  [[nodiscard]] const std::string& trouble() const { return trouble_; }
  [[nodiscard]] std::string url(const std::string& database) const {
    return concat("postgresql://apm@/", database, "?host=", dir_.path());
  }

  // Runs SQL outside of any store; the rows of the answer.
  Result<PgRows> run(const std::string& database, const std::string& sql) const {
    APM_TRY(const PgTarget target, PgTarget::parse(secret(url(database))));
    const Deadline deadline = Deadline::after(Milliseconds(20'000));
    APM_TRY(PgConnection connection, PgConnection::open(target, deadline));
    return connection.query(sql, deadline);
  }

  std::string new_database() {
    std::string name = concat("test_", ++databases_);
    const auto made = run("postgres", "CREATE DATABASE " + name);
    if (!made.ok()) trouble_ = made.error().message;
    return name;
  }

  void start() {
    server_ = ::fork();
    if (server_ == 0) {
      const std::string log = dir_.file("log");
      const std::string script = APM_SOURCE_DIR "/tests/harness/postgres.sh";
      if (std::freopen(log.c_str(), "a", stdout) == nullptr || ::dup2(1, 2) < 0) ::_exit(70);
      ::execl(script.c_str(), script.c_str(), dir_.path().c_str(), "-c", setting_.c_str(), nullptr);
      ::_exit(71);
    }
    for (int i = 0; i < 600; ++i) {
      if (run("postgres", "SELECT 1").ok()) return;
      if (::waitpid(server_, nullptr, WNOHANG) == server_) break;
      std::this_thread::sleep_for(Milliseconds(50));
    }
    std::stringstream log;
    log << std::ifstream(dir_.file("log")).rdbuf();
    trouble_ = "PostgreSQL does not start: " + log.str();
  }
  // SIGINT: the clients are cut off. SIGQUIT: at once, as a crash; the next start recovers.
  void stop(int signal) {
    if (server_ <= 0) return;
    ::kill(server_, signal);
    ::waitpid(server_, nullptr, 0);
    server_ = 0;
  }

 private:
  const std::string setting_;
  TempDir dir_;
  pid_t server_ = 0;
  int databases_ = 0;
  std::string trouble_;
};

}  // namespace apm::storage
