// One behaviour for every Store: the suite runs over each backend.

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "base/text.h"
#include "storage/fault_store.h"
#include "storage/limits.h"
#include "storage/memory_store.h"
#include "storage/sqlite_store.h"

namespace apm::storage {
namespace {

class TempDir {
 public:
  TempDir() {
    std::string name = (std::filesystem::temp_directory_path() / "apm-store-XXXXXX").string();
    path_ = ::mkdtemp(name.data()) == nullptr ? "" : name;
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir() { std::filesystem::remove_all(path_); }
  [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

using Names = std::vector<std::string>;

Batch put(std::string key, std::string_view value) {
  Batch batch;
  batch.puts.push_back({std::move(key), to_bytes(value)});
  return batch;
}

template <class R>
Code code_of(const R& result) {
  return result.ok() ? Code::kInternal : result.error().code;
}
template <class R>
std::string reason_of(const R& result) {
  return result.ok() ? "" : result.error().reason;
}

class AnyStore : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (std::string_view(GetParam()) == "memory") {
      store_ = std::make_unique<MemoryStore>();
      return;
    }
    auto opened = open_sqlite_store(dir_.file("store.db"));
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    store_ = std::move(*opened);
  }
  std::optional<std::string> read(const std::string& key) {
    const auto value = store_->get(key);
    EXPECT_TRUE(value.ok()) << key;
    if (!value.ok() || !*value) return std::nullopt;
    return std::string(as_text(**value));
  }
  void write(const std::string& key, std::string_view value) {
    EXPECT_TRUE(store_->commit(put(key, value)).ok()) << key;
  }

  TempDir dir_;
  std::unique_ptr<Store> store_;
};

TEST_P(AnyStore, GetsWhatWasPutAndForgetsWhatWasDeleted) {
  EXPECT_EQ(read("a"), std::nullopt);
  write("a", "one");
  EXPECT_EQ(read("a"), "one");
  write("a", "two");
  EXPECT_EQ(read("a"), "two");
  Batch batch;
  batch.deletes = {"a", "never/there"};
  EXPECT_TRUE(store_->commit(batch).ok());
  EXPECT_EQ(read("a"), std::nullopt);
  EXPECT_TRUE(store_->commit({}).ok());
}

TEST_P(AnyStore, ListsNamesDirectlyBelowSortedAndOnce) {
  for (const char* key : {"x/b/1", "x/b/2", "x/b", "x/b-c", "x/a", "x0", "y", "x/b/deep/er/1"}) {
    write(key, "v");
  }
  EXPECT_EQ(*store_->list(""), (Names{"x/", "x0", "y"}));
  EXPECT_EQ(*store_->list("x/"), (Names{"a", "b", "b-c", "b/"}));
  EXPECT_EQ(*store_->list("x/b/"), (Names{"1", "2", "deep/"}));
  EXPECT_EQ(*store_->list("none/"), Names{});
  EXPECT_EQ(reason_of(store_->list("x")), "storage_prefix");
  EXPECT_EQ(reason_of(store_->list("/")), "storage_key");
}

TEST_P(AnyStore, KeepsOddKeysApart) {
  const Names keys = {
      "%_",   "A", "a",        "a b", "a'b\"c", "a.", "..", "ключ/值", "\xf4\x8f\xbf\xbf",
      "a\\b", "ä", "a\xcc\x88"};  // the last two look alike
  for (const std::string& key : keys) write(key, key);
  for (const std::string& key : keys) EXPECT_EQ(read(key), key);
  EXPECT_EQ(*store_->list("ключ/"), Names{"值"});
  EXPECT_EQ(store_->list("")->size(), keys.size());
}

TEST_P(AnyStore, RefusesMalformedKeys) {
  const std::string nul("a\0b", 3);
  for (const std::string& key :
       {std::string(), std::string("/a"), std::string("a/"), std::string("a//b"),
        std::string("a\nb"), nul, std::string("a\x7f"), std::string("\xc3"),
        std::string("\xed\xa0\x80")}) {
    EXPECT_EQ(reason_of(store_->commit(put(key, ""))), "storage_key") << key;
    EXPECT_EQ(code_of(store_->get(key)), Code::kInvalidArgument) << key;
  }
}

TEST_P(AnyStore, HoldsLimitsAndRefusesOneBeyond) {
  const std::string key(kKeyBytesMax, 'k');
  const std::string value(kValueBytesMax, '\0');
  write(key, value);
  EXPECT_EQ(read(key), value);
  write("empty", "");
  EXPECT_EQ(read("empty"), "");
  EXPECT_EQ(code_of(store_->commit(put(key + "k", ""))), Code::kTooLarge);
  EXPECT_EQ(code_of(store_->commit(put("a", value + "x"))), Code::kTooLarge);
  Batch many;
  for (std::size_t i = 0; i < kBatchOperationsMax; ++i) many.deletes.push_back(concat("d/", i));
  EXPECT_TRUE(store_->commit(many).ok());
  many.deletes.push_back("one more");
  EXPECT_EQ(reason_of(store_->commit(many)), "storage_batch");
  Batch heavy;
  for (int i = 0; i < 11; ++i) heavy.puts.push_back({concat("h/", i), to_bytes(value)});
  EXPECT_EQ(reason_of(store_->commit(heavy)), "storage_batch");
}

TEST_P(AnyStore, AppliesABatchWhollyOrNotAtAll) {
  write("a", "1");
  Batch batch;
  batch.preconditions = {{"a", to_bytes(std::string_view("1"))}, {"b", std::nullopt}};
  batch.puts = {{"a", to_bytes(std::string_view("2"))}, {"b", {}}};
  EXPECT_TRUE(store_->commit(batch).ok());
  EXPECT_EQ(code_of(store_->commit(batch)), Code::kPrecondition);
  EXPECT_EQ(read("a"), "2");
  batch.preconditions = {{"a", to_bytes(std::string_view("2"))}, {"b", std::nullopt}};
  batch.deletes = {"c"};
  EXPECT_EQ(code_of(store_->commit(batch)), Code::kPrecondition);
  batch.preconditions = {{"absent", Bytes{}}};
  EXPECT_EQ(code_of(store_->commit(batch)), Code::kPrecondition);
  batch.preconditions = {{"b", Bytes{}}};
  batch.puts = {{"c2", {}}};
  batch.deletes = {"a"};
  EXPECT_TRUE(store_->commit(batch).ok());
  EXPECT_EQ(read("a"), std::nullopt);
}

TEST_P(AnyStore, RefusesOneKeyTwiceInABatch) {
  Batch batch = put("a", "1");
  batch.deletes = {"a"};
  EXPECT_EQ(reason_of(store_->commit(batch)), "storage_duplicate_key");
}

// Every increment is a compare-and-swap: a lost update would show in the sum.
TEST_P(AnyStore, ConcurrentWritersLoseNothing) {
  constexpr int kThreads = 8;
  constexpr int kEach = 25;
  write("n", "0");
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([this, t] {
      for (int i = 0; i < kEach;) {
        const std::string before = read("n").value_or("");
        Batch batch = put("n", concat(parse_u64(before).value_or(0) + 1));
        batch.preconditions.push_back({"n", to_bytes(std::string_view(before))});
        batch.puts.push_back({concat("w/", t, "/", i), {}});
        const Status status = store_->commit(batch);
        if (status.ok()) {
          ++i;
        } else {
          ASSERT_EQ(status.error().code, Code::kPrecondition) << status.error().message;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(read("n"), concat(kThreads * kEach));
  for (int t = 0; t < kThreads; ++t) EXPECT_EQ(store_->list(concat("w/", t, "/"))->size(), kEach);
}

TEST_P(AnyStore, LeaseExcludesAndNamesItsHolder) {
  auto first = store_->acquire_lease("node one", Deadline::after(Milliseconds(0)));
  ASSERT_TRUE(first.ok());
  EXPECT_TRUE((*first)->held());
  const auto second = store_->acquire_lease("node two", Deadline::after(Milliseconds(1)));
  EXPECT_EQ(reason_of(second), "lease_held");
  EXPECT_NE(second.error().message.find("node one"), std::string::npos);
  first->reset();
  EXPECT_TRUE(store_->acquire_lease("node two", Deadline::after(Milliseconds(0))).ok());
  EXPECT_EQ(reason_of(store_->acquire_lease("", Deadline::after(Milliseconds(0)))), "lease_owner");
}

TEST_P(AnyStore, FaultsHappenAtTheCommitThatWasNamed) {
  FaultStore faulty(*store_, [](FaultStore::Point point, unsigned nth) -> Status {
    const bool before = point == FaultStore::Point::kBeforeCommit;
    if ((nth == 2 && before) || (nth == 3 && !before)) return Error(Code::kIo, "fault", "fault");
    return {};
  });
  EXPECT_TRUE(faulty.commit(put("1", "")).ok());
  EXPECT_EQ(reason_of(faulty.commit(put("2", ""))), "fault");
  EXPECT_EQ(reason_of(faulty.commit(put("3", ""))), "fault");
  EXPECT_EQ(*faulty.list(""), (Names{"1", "3"}));
}

INSTANTIATE_TEST_SUITE_P(Backends, AnyStore, testing::Values("memory", "sqlite"),
                         [](const auto& param) { return std::string(param.param); });

TEST(SqliteStore, IsDurableAndPrivate) {
  const TempDir dir;
  const std::string path = dir.file("store.db");
  {
    auto store = open_sqlite_store(path);
    ASSERT_TRUE(store.ok()) << store.error().message;
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
  ASSERT_TRUE((*store)->commit(put("a", "1")).ok());
  std::filesystem::remove(dir.file("store.db"));
  EXPECT_EQ(reason_of((*store)->commit(put("a", "2"))), "store_replaced");
  EXPECT_EQ(reason_of((*store)->get("a")), "store_replaced");
}

TEST(SqliteStore, LeaseEndsWhenItsFileIsDeleted) {
  const TempDir dir;
  auto store = open_sqlite_store(dir.file("store.db"));
  ASSERT_TRUE(store.ok());
  const auto lease = (*store)->acquire_lease("one", Deadline::after(Milliseconds(0)));
  ASSERT_TRUE(lease.ok());
  std::filesystem::remove(dir.file("store.db.lock"));
  EXPECT_FALSE((*lease)->held());
}

}  // namespace
}  // namespace apm::storage
