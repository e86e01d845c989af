#pragma once

// One behaviour for every Store: what each backend must pass. Include in one file of a test program
// and instantiate with the backends there:
//
//   INSTANTIATE_TEST_SUITE_P(Sqlite, StoreBehaviour, testing::Values(BackendCase{"sqlite", make}),
//                            case_name);
//
// A backend's content starts empty in each test. Several Store objects are opened over it, as
// several servers would.

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <thread>

#include "base/text.h"
#include "storage/fault_store.h"
#include "storage/limits.h"
#include "storage/store.h"

namespace apm::storage {

class Backend {
 public:
  virtual ~Backend() = default;
  [[nodiscard]] virtual Result<std::unique_ptr<Store>> open() = 0;  // one more Store object
  // Makes the lease free for others while its holder still lives and believes in it: the end of
  // its time, a deleted lock file, a broken blob lease.
  virtual void expire_lease() = 0;
};

struct BackendCase {
  std::string name;
  std::function<std::unique_ptr<Backend>()> make;
  std::function<std::string()> skip_reason;  // why this machine cannot test it; "": it can
  int writes_each = 25;                      // of each thread in the concurrency tests
};

inline std::string case_name(const testing::TestParamInfo<BackendCase>& info) {
  return info.param.name;
}
inline void PrintTo(const BackendCase& one, std::ostream* out) { *out << one.name; }

using Names = std::vector<std::string>;

inline Bytes text(std::string_view value) { return to_bytes(value); }
inline Batch put(std::string key, std::string_view value) {
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

class StoreBehaviour : public testing::TestWithParam<BackendCase> {
 protected:
  void SetUp() override {
    const std::string trouble = GetParam().skip_reason();
    if (!trouble.empty()) GTEST_SKIP() << trouble;
    backend_ = GetParam().make();
    store_ = open();
    lease_ = take(*store_, "node one");
  }
  // Sequenced: a lease must not outlive its store, nor a store its backend.
  void TearDown() override {
    lease_.reset();
    store_.reset();
    backend_.reset();
  }
  std::unique_ptr<Store> open() {
    auto opened = backend_->open();
    EXPECT_TRUE(opened.ok()) << opened.error().message;
    return opened.ok() ? std::move(*opened) : nullptr;
  }
  static std::unique_ptr<Lease> take(Store& store, const std::string& owner) {
    auto lease = store.acquire_lease(owner, Deadline::after(Milliseconds(5000)));
    EXPECT_TRUE(lease.ok()) << lease.error().message;
    return lease.ok() ? std::move(*lease) : nullptr;
  }
  static std::optional<std::string> read(Store& store, const std::string& key) {
    const auto value = store.get(key);
    EXPECT_TRUE(value.ok()) << key << ": " << value.error().message;
    if (!value.ok() || !*value) return std::nullopt;
    return std::string(as_text(**value));
  }
  std::optional<std::string> read(const std::string& key) { return read(*store_, key); }
  Names list(const std::string& prefix) {
    const auto names = store_->list(prefix);
    EXPECT_TRUE(names.ok()) << prefix << ": " << names.error().message;
    return names.ok() ? *names : Names{};
  }
  void write(const std::string& key, std::string_view value) {
    const Status done = store_->commit(put(key, value));
    EXPECT_TRUE(done.ok()) << key << ": " << done.error().message;
  }

  std::unique_ptr<Backend> backend_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<Lease> lease_;
};

// --- Keys and values ---

TEST_P(StoreBehaviour, GetsWhatWasPutAndForgetsWhatWasDeleted) {
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

TEST_P(StoreBehaviour, ListsNamesDirectlyBelowSortedAndOnce) {
  Batch batch;
  for (const char* key : {"x/b/1", "x/b/2", "x/b", "x/b-c", "x/a", "x0", "y", "x/b/deep/er/1"}) {
    batch.puts.push_back({key, text("v")});
  }
  ASSERT_TRUE(store_->commit(batch).ok());
  EXPECT_EQ(list(""), (Names{"x/", "x0", "y"}));
  EXPECT_EQ(list("x/"), (Names{"a", "b", "b-c", "b/"}));
  EXPECT_EQ(list("x/b/"), (Names{"1", "2", "deep/"}));
  EXPECT_EQ(list("none/"), Names{});
  EXPECT_EQ(reason_of(store_->list("x")), "storage_prefix");
  EXPECT_EQ(reason_of(store_->list("/")), "storage_key");
  batch = {};
  batch.deletes = {"x/b/1", "x/b/2", "x/b/deep/er/1"};
  ASSERT_TRUE(store_->commit(batch).ok());
  EXPECT_EQ(list("x/"), (Names{"a", "b", "b-c"}));
}

TEST_P(StoreBehaviour, KeepsOddKeysApart) {
  const Names keys = {
      "%_",   "A", "a",        "a b", "a'b\"c", "a.", "..", "ключ/值", "\xf4\x8f\xbf\xbf",
      "a\\b", "ä", "a\xcc\x88"};  // the last two look alike
  Batch batch;
  for (const std::string& key : keys) batch.puts.push_back({key, text(key)});
  ASSERT_TRUE(store_->commit(batch).ok());
  for (const std::string& key : keys) EXPECT_EQ(read(key), key);
  EXPECT_EQ(list("ключ/"), Names{"值"});
  Names sorted = keys;
  sorted[7] = "ключ/";
  std::sort(sorted.begin(), sorted.end());
  EXPECT_EQ(list(""), sorted);
}

TEST_P(StoreBehaviour, KeepsEveryByteOfAValue) {
  Bytes all(256);
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::uint8_t>(i);
  write("all", as_text(all));
  write("empty", "");
  EXPECT_EQ(read("all"), as_text(all));
  EXPECT_EQ(read("empty"), "");
}

TEST_P(StoreBehaviour, RefusesMalformedKeys) {
  const std::string nul("a\0b", 3);
  for (const std::string& key :
       {std::string(), std::string("/a"), std::string("a/"), std::string("a//b"),
        std::string("a\nb"), nul, std::string("a\x7f"), std::string("\xc3"),
        std::string("\xed\xa0\x80")}) {
    EXPECT_EQ(reason_of(store_->commit(put(key, ""))), "storage_key") << key;
    EXPECT_EQ(code_of(store_->get(key)), Code::kInvalidArgument) << key;
  }
}

TEST_P(StoreBehaviour, HoldsLimitsAndRefusesOneBeyond) {
  const std::string key(kKeyBytesMax, 'k');
  const std::string value(kValueBytesMax, '\0');
  write(key, value);
  EXPECT_EQ(read(key), value);
  EXPECT_EQ(code_of(store_->commit(put(key + "k", ""))), Code::kTooLarge);
  EXPECT_EQ(code_of(store_->commit(put("a", value + "x"))), Code::kTooLarge);
  Batch many;
  for (std::size_t i = 0; i < kBatchOperationsMax; ++i) many.deletes.push_back(concat("d/", i));
  EXPECT_TRUE(store_->commit(many).ok());
  many.deletes.push_back("one more");
  EXPECT_EQ(reason_of(store_->commit(many)), "storage_batch");
  Batch heavy;
  for (int i = 0; i < 11; ++i) heavy.puts.push_back({concat("h/", i), text(value)});
  EXPECT_EQ(reason_of(store_->commit(heavy)), "storage_batch");
  EXPECT_EQ(list("h/"), Names{});
}

// --- Batches ---

TEST_P(StoreBehaviour, AppliesABatchWhollyOrNotAtAll) {
  write("a", "1");
  Batch batch;
  batch.preconditions = {{"a", text("1")}, {"b", std::nullopt}};
  batch.puts = {{"a", text("2")}, {"b", {}}};
  EXPECT_TRUE(store_->commit(batch).ok());
  EXPECT_EQ(code_of(store_->commit(batch)), Code::kPrecondition);
  EXPECT_EQ(read("a"), "2");
  // Each of these fails by its last precondition alone.
  batch.puts = {{"a", text("3")}, {"new", {}}};
  batch.deletes = {"b"};
  const std::vector<std::vector<Precondition>> failing = {{{"a", text("2")}, {"b", std::nullopt}},
                                                          {{"a", text("2")}, {"absent", Bytes{}}},
                                                          {{"a", text("2")}, {"b", text("x")}},
                                                          {{"b", Bytes{}}, {"a", text("2 ")}}};
  for (const auto& preconditions : failing) {
    batch.preconditions = preconditions;
    EXPECT_EQ(reason_of(store_->commit(batch)), "storage_precondition");
    EXPECT_EQ(read("a"), "2");
    EXPECT_EQ(read("b"), "");
    EXPECT_EQ(read("new"), std::nullopt);
  }
  batch.preconditions = {{"b", Bytes{}}, {"absent", std::nullopt}};
  EXPECT_TRUE(store_->commit(batch).ok());
  EXPECT_EQ(list(""), (Names{"a", "new"}));
}

TEST_P(StoreBehaviour, RefusesOneKeyTwiceInABatch) {
  Batch batch = put("a", "1");
  batch.deletes = {"a"};
  EXPECT_EQ(reason_of(store_->commit(batch)), "storage_duplicate_key");
}

// Every increment is a compare-and-swap: a lost update would show in the sum.
TEST_P(StoreBehaviour, ConcurrentWritersLoseNothing) {
  constexpr int kThreads = 8;
  const int each = GetParam().writes_each;
  write("n", "0");
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([this, t, each] {
      for (int i = 0; i < each;) {
        const std::string before = read("n").value_or("");
        Batch batch = put("n", concat(parse_u64(before).value_or(0) + 1));
        batch.preconditions.push_back({"n", text(before)});
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
  EXPECT_EQ(read("n"), concat(kThreads * each));
  for (int t = 0; t < kThreads; ++t) EXPECT_EQ(list(concat("w/", t, "/")).size(), each);
}

// Two batches that each need the other's key absent: at most one may be applied.
TEST_P(StoreBehaviour, PreconditionsOfConcurrentBatchesExcludeEachOther) {
  const auto claim = [this](const std::string& mine, const std::string& other, bool& won) {
    Batch batch = put(mine, "");
    batch.preconditions = {{other, std::nullopt}};
    const Status done = store_->commit(batch);
    if (!done.ok()) {
      EXPECT_EQ(done.error().code, Code::kPrecondition) << done.error().message;
    }
    won = done.ok();
  };
  for (int i = 0; i < GetParam().writes_each; ++i) {
    bool left = false;
    bool right = false;
    std::thread thread([&] { claim(concat("l/", i), concat("r/", i), left); });
    claim(concat("r/", i), concat("l/", i), right);
    thread.join();
    ASSERT_NE(left, right) << i;
  }
}

TEST_P(StoreBehaviour, ReadersNeverSeeHalfABatch) {
  const auto pair = [](int n) {
    Batch batch = put(concat("p/", n), "");
    batch.puts.push_back({concat("p/", n, "/twin"), {}});
    if (n > 0) batch.deletes = {concat("p/", n - 1), concat("p/", n - 1, "/twin")};
    return batch;
  };
  ASSERT_TRUE(store_->commit(pair(0)).ok());
  std::atomic<bool> done{false};
  std::thread reader([&] {
    while (!done) {
      const Names names = list("p/");
      ASSERT_EQ(names.size(), 2U);
      ASSERT_EQ(names[0] + "/", names[1]);
    }
  });
  for (int n = 1; n <= GetParam().writes_each; ++n) EXPECT_TRUE(store_->commit(pair(n)).ok());
  done = true;
  reader.join();
}

// --- Durability and sharing ---

TEST_P(StoreBehaviour, KeepsEverythingWhenOpenedAgain) {
  write("a/b", "kept");
  const auto other = open();  // another server's view, before and after
  EXPECT_EQ(read(*other, "a/b"), "kept");
  write("a/b", "kept too");
  EXPECT_EQ(read(*other, "a/b"), "kept too");
  lease_.reset();
  store_.reset();
  EXPECT_EQ(read(*other, "a/b"), "kept too");
  store_ = open();
  EXPECT_EQ(read("a/b"), "kept too");
  EXPECT_EQ(list("a/"), Names{"b"});
}

TEST_P(StoreBehaviour, NamesItself) {
  EXPECT_FALSE(store_->type().empty());
  EXPECT_FALSE(store_->description().empty());
}

// --- Faults ---

TEST_P(StoreBehaviour, FaultsHappenAtTheCommitThatWasNamed) {
  FaultStore faulty(*store_, [](FaultStore::Point point, unsigned nth) -> Status {
    const bool before = point == FaultStore::Point::kBeforeCommit;
    if ((nth == 2 && before) || (nth == 3 && !before)) return Error(Code::kIo, "fault", "fault");
    return {};
  });
  EXPECT_TRUE(faulty.commit(put("1", "")).ok());
  EXPECT_EQ(reason_of(faulty.commit(put("2", ""))), "fault");
  EXPECT_EQ(reason_of(faulty.commit(put("3", ""))), "fault");
  EXPECT_EQ(*faulty.list(""), (Names{"1", "3"}));
  EXPECT_EQ((*faulty.holder())->owner, "node one");
}

}  // namespace apm::storage

#include "storage/behaviour_lease.h"
#include "storage/behaviour_snapshot.h"
