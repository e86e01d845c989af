// What is PostgreSQL's alone; the behaviour of every Store is in behaviour_suite.h.

#include "storage/postgres_store.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <atomic>
#include <fstream>
#include <set>

#include "storage/postgres_fixture.h"

namespace apm::storage {
namespace {

Batch put(std::string key, std::string_view value) {
  Batch batch;
  batch.puts.push_back({std::move(key), to_bytes(value)});
  return batch;
}
std::unique_ptr<Lease> take(Store& store, const std::string& owner = "test") {
  auto lease = store.acquire_lease(owner, Deadline::after(Milliseconds(5000)));
  EXPECT_TRUE(lease.ok()) << lease.error().message;
  return lease.ok() ? std::move(*lease) : nullptr;
}
template <class R>
std::string reason_of(const R& result) {
  return result.ok() ? "" : result.error().reason;
}
template <class R>
std::string message_of(const R& result) {
  return result.ok() ? "" : result.error().message;
}
bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

class PostgresStoreTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!server_.trouble().empty()) GTEST_SKIP() << server_.trouble();
    database_ = server_.new_database();
  }
  PostgresConfig config() const {
    PostgresConfig out;
    out.connection_url = secret(server_.url(database_));
    return out;
  }
  std::unique_ptr<Store> open(const PostgresConfig& config) const {
    auto opened = open_postgres_store(config);
    EXPECT_TRUE(opened.ok()) << opened.error().message;
    return opened.ok() ? std::move(*opened) : nullptr;
  }
  std::unique_ptr<Store> open() const { return open(config()); }
  void sql(const std::string& text) const {
    const auto done = server_.run(database_, text);
    EXPECT_TRUE(done.ok()) << done.error().message;
  }

  PostgresServer& server_ = PostgresServer::shared();
  std::string database_;
};

// --- Configuration ---

TEST_F(PostgresStoreTest, NeverShowsThePassword) {
  PostgresConfig config;
  for (const char* url :
       {"postgresql://apm:hunter2@[::1/x", "postgresql://apm:hunter2@h/x?no_such=1",
        "host=h password=hunter2 oops", "postgresql://apm:hunter2%zz@h/x"}) {
    config.connection_url = secret(url);
    const auto refused = open_postgres_store(config);
    EXPECT_EQ(reason_of(refused), "storage_url") << url;
    EXPECT_FALSE(holds(message_of(refused), "hunter2")) << message_of(refused);
  }
  config.connection_url = secret("postgresql://apm:hunter2@127.0.0.1:1/x?sslmode=require");
  config.operation_deadline = Milliseconds(100);
  const auto refused = open_postgres_store(config);
  EXPECT_EQ(reason_of(refused), "store_unreachable");
  EXPECT_TRUE(holds(message_of(refused), "127.0.0.1:1/x")) << message_of(refused);
  EXPECT_FALSE(holds(message_of(refused), "hunter2")) << message_of(refused);
}

TEST_F(PostgresStoreTest, AWrongPasswordIsNamedAtOnce) {
  sql("ALTER ROLE apm PASSWORD 'right-one'");
  std::ofstream(server_.file("data/pg_hba.conf"))
      << "local " << database_ << " all scram-sha-256\nlocal all all trust\n";
  ASSERT_TRUE(server_.run("postgres", "SELECT pg_reload_conf()").ok());
  std::this_thread::sleep_for(Milliseconds(300));  // the server reads it when it gets to it
  PostgresConfig config;
  const std::string host = server_.url("");
  const auto url = [&](const std::string& password) {
    return secret(concat("postgresql://apm:", password, "@/", database_, "?",
                         host.substr(host.find("host="))));
  };
  for (const char* password : {"wrong-one", ""}) {
    config.connection_url = url(password);
    const auto refused = open_postgres_store(config);
    EXPECT_EQ(reason_of(refused), "store_login") << password;
    EXPECT_FALSE(holds(message_of(refused), "wrong-one"));
  }
  config.connection_url = url("right-one");
  const auto store = open(config);
  ASSERT_NE(store, nullptr);
  EXPECT_EQ(store->description(), concat("postgresql ", host.substr(host.find('=') + 1), "/",
                                         database_, " table apm_store"));
}

TEST_F(PostgresStoreTest, RefusesWhatItsConfigurationMayNotSay) {
  for (const char* table : {"", "Big", "1a", "a b", "a\"; DROP TABLE x", "a.b"}) {
    PostgresConfig config = this->config();
    config.table = table;
    EXPECT_EQ(reason_of(open_postgres_store(config)), "storage_table") << table;
  }
  PostgresConfig config = this->config();
  config.table = std::string(kPgTableBytesMax, 'x');
  EXPECT_TRUE(open_postgres_store(config).ok());
  config.table += 'x';
  EXPECT_EQ(reason_of(open_postgres_store(config)), "storage_table");
  for (const std::size_t parallel : {std::size_t{0}, kPgConnectionsMax + 1}) {
    config = this->config();
    config.max_parallel = parallel;
    EXPECT_EQ(reason_of(open_postgres_store(config)), "storage_parallel");
  }
  config.max_parallel = kPgConnectionsMax;
  EXPECT_TRUE(open_postgres_store(config).ok());
  config.connection_url = secret(std::string(kPgUrlBytesMax + 1, 'x'));
  EXPECT_EQ(reason_of(open_postgres_store(config)), "storage_url");
  config.connection_url = {};
  EXPECT_EQ(reason_of(open_postgres_store(config)), "storage_url");
}

TEST_F(PostgresStoreTest, RefusesSettingsFromTheEnvironment) {
  for (const char* name : {"PGHOST", "PGSSLMODE", "PGSERVICEFILE", "PGPASSWORD"}) {
    ASSERT_EQ(::setenv(name, "x", 1), 0);
    const auto refused = open_postgres_store(config());
    ASSERT_EQ(::unsetenv(name), 0);
    EXPECT_EQ(reason_of(refused), "storage_environment");
    EXPECT_TRUE(holds(message_of(refused), name));
  }
}

TEST_F(PostgresStoreTest, RefusesAServerThatDoesNotSync) {
  const PostgresServer careless("fsync=off");
  ASSERT_EQ(careless.trouble(), "");
  PostgresConfig config;
  config.connection_url = secret(careless.url("postgres"));
  EXPECT_EQ(reason_of(open_postgres_store(config)), "store_not_durable");
}

// --- The schema ---

TEST_F(PostgresStoreTest, RefusesForeignTablesAndLaterFormats) {
  sql("CREATE TABLE vault_kv_store (parent_path text, path text, key text, value bytea)");
  PostgresConfig config = this->config();
  config.table = "vault_kv_store";
  EXPECT_EQ(reason_of(open_postgres_store(config)), "store_foreign");
  ASSERT_NE(open(), nullptr);
  sql("UPDATE apm_store_meta SET format = 2");
  EXPECT_EQ(reason_of(open_postgres_store(this->config())), "store_version");
}

TEST_F(PostgresStoreTest, ManyServersThatStartAtOnceMakeTheSchemaOnce) {
  std::atomic<int> opened{0};
  std::vector<std::thread> threads;
  threads.reserve(8);
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] { opened += open() != nullptr ? 1 : 0; });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(opened, 8);
}

TEST_F(PostgresStoreTest, TwoTablesAreTwoStores) {
  PostgresConfig other = config();
  other.table = "other";
  const auto one = open();
  const auto two = open(other);
  const auto lease = take(*one);
  const auto lease_too = take(*two);
  ASSERT_TRUE(one->commit(put("a", "1")).ok());
  EXPECT_FALSE((*two->get("a")).has_value());
}

// --- Faults ---

// Connections are cut all the time; every commit must still be made exactly once, and be told so.
TEST_F(PostgresStoreTest, CutConnectionsLoseAndRepeatNothing) {
  const auto store = open();
  const auto lease = take(*store);
  constexpr int kThreads = 4;
  constexpr int kEach = 60;
  std::atomic<bool> done{false};
  std::atomic<int> cuts{0};
  std::thread cutter([&] {
    while (!done) {
      const auto cut = server_.run(
          "postgres", concat("SELECT pg_terminate_backend(pid)::text FROM pg_stat_activity WHERE "
                             "datname = '",
                             database_, "'"));
      if (cut.ok()) cuts += cut->count();
      std::this_thread::sleep_for(Milliseconds(15));
    }
  });
  std::vector<std::thread> writers;
  writers.reserve(kThreads);
  for (int t = 0; t < kThreads; ++t) {
    writers.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i) {
        Batch batch = put(concat("n/", t), concat(i));
        // Fails if the same commit is made twice, or the one before is missing.
        batch.preconditions = {
            {concat("n/", t),
             i == 0 ? std::nullopt
                    : std::optional(to_bytes(std::string_view(std::to_string(i - 1))))}};
        const Status status = store->commit(batch);
        ASSERT_TRUE(status.ok()) << t << " " << i << " " << status.error().message;
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  done = true;
  cutter.join();
  EXPECT_GT(cuts, 10);
  for (int t = 0; t < kThreads; ++t) {
    EXPECT_EQ(**store->get(concat("n/", t)), to_bytes(std::string_view(concat(kEach - 1))));
  }
}

TEST_F(PostgresStoreTest, GoesOnByItselfAfterTheServersCrash) {
  PostgresServer server;
  PostgresConfig config;
  config.connection_url = secret(server.url("postgres"));
  const auto store = open(config);
  const auto lease = take(*store);
  std::atomic<int> last{-1};
  std::atomic<bool> done{false};
  std::thread writer([&] {
    for (int i = 0; !done; ++i) {
      const Status status = store->commit(put(concat("w/", i), "x"));
      ASSERT_TRUE(status.ok()) << status.error().message;
      last = i;
    }
  });
  while (last < 20) std::this_thread::yield();
  server.stop(SIGQUIT);
  const int before = last;
  server.start();
  while (last < before + 20) std::this_thread::yield();
  done = true;
  writer.join();
  EXPECT_EQ(store->list("w/")->size(), static_cast<std::size_t>(last) + 1);
  EXPECT_TRUE(lease->held());
}

// The commit hangs in the server until the client gives up, and is made after that.
TEST_F(PostgresStoreTest, AnOpenOutcomeIsSettledBeforeAnythingIsRead) {
  PostgresConfig config = this->config();
  config.operation_deadline = Milliseconds(400);
  const auto store = open(config);
  const auto lease = take(*store);
  ASSERT_TRUE(store->commit(put("a", "1")).ok());
  const PgTarget target = *PgTarget::parse(config.connection_url);
  const Deadline deadline = Deadline::after(Milliseconds(10'000));
  auto other = PgConnection::open(target, deadline);
  ASSERT_TRUE(other->query("BEGIN", deadline).ok());
  ASSERT_TRUE(other->query("SELECT 1 FROM apm_store WHERE key = 'a' FOR UPDATE", deadline).ok());
  EXPECT_EQ(reason_of(store->commit(put("a", "2"))), "store_outcome_unknown");
  // It still runs: neither a read nor a write may come before it.
  EXPECT_FALSE(store->get("a").ok());
  EXPECT_FALSE(store->commit(put("a", "3")).ok());
  ASSERT_TRUE(other->query("COMMIT", deadline).ok());
  EXPECT_EQ(**store->get("a"), to_bytes(std::string_view("2")));
  EXPECT_TRUE(store->commit(put("a", "4")).ok());
  EXPECT_EQ(**store->get("a"), to_bytes(std::string_view("4")));
}

TEST_F(PostgresStoreTest, ACommitThatWasGivenUpCanNeverBeMade) {
  const auto store = open();
  const auto lease = take(*store);
  // As after a lost answer: commit 7 of slot 5 is asked for, then arrives late.
  const std::string place = concat(lease->epoch(), ", 5, 7");
  const auto settled = server_.run(database_, concat("SELECT apm_store_settle(", place, ")"));
  ASSERT_TRUE(settled.ok()) << settled.error().message;
  EXPECT_EQ(*settled->number(0, 0), 0);
  const auto late = server_.run(
      database_, concat("SELECT apm_store_commit(", place,
                        ", '{}', '{}', ARRAY['a'::bytea], ARRAY['late'::bytea], '{}')"));
  ASSERT_TRUE(late.ok()) << late.error().message;
  EXPECT_EQ(*late->number(0, 0), -2);
  // And one that was made stays made.
  ASSERT_TRUE(store->commit(put("b", "1")).ok());
  for (int i = 0; i < 2; ++i) {
    const auto made =
        server_.run(database_, concat("SELECT apm_store_settle(epoch, slot, last_commit) "
                                      "FROM apm_store_slot WHERE last_commit > 0"));
    ASSERT_TRUE(made.ok()) << made.error().message;
    ASSERT_EQ(made->count(), 1);
    EXPECT_EQ(*made->number(0, 0), 1);
  }
  EXPECT_FALSE((*store->get("a")).has_value());
}

// --- The lease ---

TEST_F(PostgresStoreTest, TheLeaseIsRenewedUntilItEnds) {
  PostgresConfig config = this->config();
  config.lease_ttl = Milliseconds(600);
  const auto store = open(config);
  const auto other = open(config);
  auto lease = take(*store, "one");
  const auto refused = other->acquire_lease("two", Deadline::after(Milliseconds(1500)));
  EXPECT_EQ(reason_of(refused), "lease_held");
  EXPECT_TRUE(lease->held());
  const auto holder = *store->holder();
  ASSERT_TRUE(holder.has_value());
  EXPECT_LE(holder->expires_in->count(), 600);
  EXPECT_GT(holder->expires_in->count(), 0);
}

// Nobody tells the holder that the server is away: its own clock does.
TEST_F(PostgresStoreTest, AHolderThatCannotRenewStopsBelievingInTime) {
  PostgresServer server;
  PostgresConfig config;
  config.connection_url = secret(server.url("postgres"));
  config.lease_ttl = Milliseconds(600);
  const auto store = open(config);
  const auto lease = take(*store);
  EXPECT_TRUE(lease->held());
  server.stop(SIGQUIT);
  std::this_thread::sleep_for(Milliseconds(700));
  EXPECT_FALSE(lease->held());
  server.start();
  // Nobody took over: the next commit renews and goes on.
  EXPECT_TRUE(store->commit(put("a", "1")).ok());
  EXPECT_TRUE(lease->held());
}

TEST_F(PostgresStoreTest, AHolderSeesATakeoverWithoutWriting) {
  PostgresConfig config = this->config();
  config.lease_ttl = Milliseconds(600);
  const auto store = open(config);
  const auto other = open(config);
  const auto lease = take(*store, "one");
  sql("UPDATE apm_store_lease SET expires = '-infinity'");
  const auto next = take(*other, "two");
  std::this_thread::sleep_for(Milliseconds(500));
  EXPECT_FALSE(lease->held());
  EXPECT_EQ(reason_of(store->commit(put("a", "1"))), "lease_lost");
}

}  // namespace
}  // namespace apm::storage
