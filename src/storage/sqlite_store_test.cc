// What is SQLite's alone; the behaviour of every Store is in behaviour_suite.h.

#include "storage/sqlite_store.h"

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include "storage/temp_dir.h"

namespace apm::storage {
namespace {

Batch put(std::string key, std::string_view value) {
  Batch batch;
  batch.puts.push_back({std::move(key), to_bytes(value)});
  return batch;
}
std::unique_ptr<Lease> take(Store& store) {
  auto lease = store.acquire_lease("test", Deadline::after(Milliseconds(0)));
  EXPECT_TRUE(lease.ok()) << lease.error().message;
  return lease.ok() ? std::move(*lease) : nullptr;
}
template <class R>
Code code_of(const R& result) {
  return result.ok() ? Code::kInternal : result.error().code;
}
template <class R>
std::string reason_of(const R& result) {
  return result.ok() ? "" : result.error().reason;
}

// Runs SQL on the file, as a program of another version could have.
void run_sql(const std::string& path, const char* sql) {
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &db), SQLITE_OK);
  EXPECT_EQ(sqlite3_exec(db, sql, nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
  sqlite3_close(db);
}

TEST(SqliteStore, IsDurableAndPrivate) {
  const TempDir dir;
  const std::string path = dir.file("store.db");
  {
    auto store = open_sqlite_store(path);
    ASSERT_TRUE(store.ok()) << store.error().message;
    const auto lease = take(**store);
    EXPECT_TRUE((*store)->commit(put("a/b", "kept")).ok());
    EXPECT_EQ((*store)->description(), "sqlite " + path);
    for (const char* suffix : {"", "-wal", "-shm"}) {
      struct stat info{};
      ASSERT_EQ(::stat((path + suffix).c_str(), &info), 0) << suffix;
      EXPECT_EQ(info.st_mode & 0777, 0600U) << suffix;
    }
    // A second opener (another process's view) sees what was committed.
    auto other = open_sqlite_store(path);
    ASSERT_TRUE(other.ok()) << other.error().message;
    EXPECT_TRUE((*other)->get("a/b")->has_value());
  }
  auto again = open_sqlite_store(path);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(**(*again)->get("a/b"), to_bytes(std::string_view("kept")));
}

// As two first boots at once do: SQLite refuses to begin its log while another writes, and does not
// wait by itself.
TEST(SqliteStore, WaitsForOneWhoBeginsANewStore) {
  const TempDir dir;
  const std::string path = dir.file("store.db");
  {
    ASSERT_TRUE(open_sqlite_store(path).ok());
  }
  run_sql(path, "PRAGMA journal_mode=DELETE");
  sqlite3* other = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &other), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(other, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  std::thread ends([other] {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    sqlite3_close(other);
  });
  const auto store = open_sqlite_store(path);
  ends.join();
  EXPECT_TRUE(store.ok()) << store.error().message;
}

TEST(SqliteStore, RefusesWhatItCannotTrust) {
  const TempDir dir;
  const auto missing = open_sqlite_store(dir.file("none/store.db"));
  EXPECT_EQ(code_of(missing), Code::kIo);
  EXPECT_NE(missing.error().message.find("none/store.db: No such file"), std::string::npos);

  std::ofstream(dir.file("text")) << std::string(8192, 'x');
  std::filesystem::permissions(dir.file("text"), std::filesystem::perms(0600));
  EXPECT_EQ(code_of(open_sqlite_store(dir.file("text"))), Code::kCorrupt);

  ASSERT_TRUE(open_sqlite_store(dir.file("open.db")).ok());
  std::filesystem::permissions(dir.file("open.db"), std::filesystem::perms(0644));
  EXPECT_EQ(reason_of(open_sqlite_store(dir.file("open.db"))), "store_mode");

  std::filesystem::create_symlink(dir.file("text"), dir.file("link"));
  EXPECT_EQ(reason_of(open_sqlite_store(dir.file("link"))), "store_io");
}

TEST(SqliteStore, NoticesThatItsFileIsGone) {
  const TempDir dir;
  auto store = open_sqlite_store(dir.file("store.db"));
  ASSERT_TRUE(store.ok());
  const auto lease = take(**store);
  ASSERT_TRUE((*store)->commit(put("a", "1")).ok());
  std::filesystem::remove(dir.file("store.db"));
  EXPECT_EQ(reason_of((*store)->commit(put("a", "2"))), "store_replaced");
  EXPECT_EQ(reason_of((*store)->get("a")), "store_replaced");
}

TEST(SqliteStore, LeaseEndsWhenItsFileIsDeleted) {
  const TempDir dir;
  auto store = open_sqlite_store(dir.file("store.db"));
  ASSERT_TRUE(store.ok());
  const auto lease = take(**store);
  std::filesystem::remove(dir.file("store.db.lock"));
  EXPECT_FALSE(lease->held());
}

// A lease never keeps a server out for longer than its holder's process lives.
TEST(SqliteStore, NobodyHoldsTheLeaseOfADeadProcess) {
  const TempDir dir;
  auto store = open_sqlite_store(dir.file("store.db"));
  ASSERT_TRUE(store.ok());
  {
    const auto lease = take(**store);
  }
  run_sql(dir.file("store.db"), "UPDATE lease SET owner=x'61'");  // as a crash leaves it
  EXPECT_FALSE((*store)->holder()->has_value());
  EXPECT_NE(take(**store), nullptr);
}

// The lock file is untouched here: the epoch in the file alone stops the old holder.
TEST(SqliteStore, AHigherEpochInTheFileEndsTheRightToCommit) {
  const TempDir dir;
  auto store = open_sqlite_store(dir.file("store.db"));
  ASSERT_TRUE(store.ok());
  const auto lease = take(**store);
  ASSERT_TRUE((*store)->commit(put("a", "1")).ok());
  run_sql(dir.file("store.db"), "UPDATE lease SET epoch=epoch+1");
  EXPECT_TRUE(lease->held());
  EXPECT_EQ(reason_of((*store)->commit(put("a", "2"))), "lease_lost");
  EXPECT_EQ(**(*store)->get("a"), to_bytes(std::string_view("1")));
}

TEST(SqliteStore, MigratesFormatOneAndRefusesALaterOne) {
  const TempDir dir;
  const std::string path = dir.file("store.db");
  ASSERT_TRUE(open_sqlite_store(path).ok());
  run_sql(path, "INSERT INTO kv VALUES(x'61', x'31'); DROP TABLE lease; PRAGMA user_version=1");
  {
    auto store = open_sqlite_store(path);
    ASSERT_TRUE(store.ok()) << store.error().message;
    EXPECT_EQ(**(*store)->get("a"), to_bytes(std::string_view("1")));
    const auto lease = take(**store);
    EXPECT_EQ(lease->epoch(), 1U);
    EXPECT_TRUE((*store)->commit(put("a", "2")).ok());
  }
  run_sql(path, "PRAGMA user_version=3");
  EXPECT_EQ(reason_of(open_sqlite_store(path)), "store_version");
}

}  // namespace
}  // namespace apm::storage
