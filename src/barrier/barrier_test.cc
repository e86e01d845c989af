#include <gtest/gtest.h>

#include <thread>

#include "barrier/barrier_fixture.h"
#include "barrier/limits.h"
#include "barrier/record.h"
#include "base/text.h"

namespace apm::barrier {
namespace {

TEST_F(BarrierTest, RecordsRoundTrip) {
  Barrier barrier(store_, clock_);
  EXPECT_EQ(*barrier.state(), State::kUninitialized);
  EXPECT_EQ(reason_of(barrier.unseal(crypto::SecretBytes::zeros(33))), "uninitialized");
  init(barrier);
  EXPECT_EQ(*barrier.state(), State::kUnsealed);
  for (const Bytes& value : {Bytes{}, bytes("secret"), Bytes(kPlaintextBytesMax, 7)}) {
    ASSERT_TRUE(barrier.put("logical/x", value).ok());
    EXPECT_EQ(**barrier.get("logical/x"), value);
  }
  EXPECT_EQ(reason_of(barrier.put("logical/x", Bytes(kPlaintextBytesMax + 1))), "record_size");
  ASSERT_TRUE(barrier.put("logical/y", bytes("visible")).ok());
  EXPECT_EQ(as_text(read_raw(store_, "logical/y")).find("visible"), std::string::npos);
  ASSERT_TRUE(barrier.erase("logical/x").ok());
  EXPECT_FALSE(barrier.get("logical/x")->has_value());
}

TEST_F(BarrierTest, SealedRefusesEverything) {
  Barrier barrier(store_, clock_);
  init(barrier);
  barrier.seal();
  EXPECT_EQ(code_of(barrier.get("a")), Code::kSealed);
  EXPECT_EQ(code_of(barrier.list("")), Code::kSealed);
  EXPECT_EQ(code_of(barrier.put("a", {})), Code::kSealed);
  EXPECT_EQ(code_of(barrier.erase("a")), Code::kSealed);
  EXPECT_EQ(code_of(barrier.apply({})), Code::kSealed);
  EXPECT_EQ(code_of(barrier.rotate()), Code::kSealed);
  EXPECT_EQ(code_of(barrier.key_status()), Code::kSealed);
  EXPECT_EQ(code_of(barrier.derive("x")), Code::kSealed);
}

TEST_F(BarrierTest, AFlipOfAnyBitOfARecordIsRefused) {
  Barrier barrier(store_, clock_);
  init(barrier);
  ASSERT_TRUE(barrier.put("a", bytes("value")).ok());
  const Bytes record = read_raw(store_, "a");
  EXPECT_EQ(record.size(), kRecordOverheadBytes + 5);
  for (std::size_t i = 0; i < record.size() * 8; ++i) {
    Bytes changed = record;
    changed[i / 8] = static_cast<std::uint8_t>(changed[i / 8] ^ (1U << (i % 8)));
    write_raw(store_, "a", changed);
    ASSERT_EQ(code_of(barrier.get("a")), Code::kCorrupt) << i;
  }
  for (std::size_t size = 0; size < record.size(); ++size) {
    write_raw(store_, "a", Bytes(record.begin(), record.begin() + static_cast<long>(size)));
    ASSERT_EQ(code_of(barrier.get("a")), Code::kCorrupt) << size;
  }
  write_raw(store_, "a", record);
  EXPECT_TRUE(barrier.get("a").ok());
}

TEST_F(BarrierTest, ARecordOfAnotherPathIsRefused) {
  Barrier barrier(store_, clock_);
  init(barrier);
  ASSERT_TRUE(barrier.put("a", bytes("value")).ok());
  write_raw(store_, "b", read_raw(store_, "a"));
  EXPECT_EQ(reason_of(barrier.get("b")), "record_corrupt");
}

TEST_F(BarrierTest, ARecordOfAnotherStoreIsRefused) {
  Barrier barrier(store_, clock_);
  init(barrier);
  LeasedMemoryStore other_store;
  Barrier other(other_store, clock_);
  init(other);
  ASSERT_TRUE(other.put("a", bytes("value")).ok());
  write_raw(store_, "a", read_raw(other_store, "a"));
  EXPECT_EQ(reason_of(barrier.get("a")), "record_corrupt");
}

// One key throughout, so that only the associated data can refuse.
TEST(Record, IsBoundToStoreKindPathAndVersion) {
  const auto key = crypto::SecretBytes::random(32);
  const RecordPlace place{"s1", StoreKind::kTest, "a/b"};
  const Bytes record = *seal_record(key, {1, 7}, place, bytes("value"));
  EXPECT_EQ(*open_record(key, place, record), bytes("value"));
  for (const RecordPlace& other : {RecordPlace{"s2", StoreKind::kTest, "a/b"},
                                   RecordPlace{"s1", StoreKind::kProduction, "a/b"},
                                   RecordPlace{"s1", StoreKind::kTest, "a/c"}}) {
    EXPECT_EQ(reason_of(open_record(key, other, record)), "record_corrupt") << other.path;
  }
  Bytes newer = record;
  newer[12] = 8;
  EXPECT_EQ(read_record_header(newer, "a/b")->version, 8U);
  EXPECT_EQ(reason_of(open_record(key, place, newer)), "record_corrupt");
}

TEST_F(BarrierTest, ItsOwnRecordsAreHiddenAndClosed) {
  Barrier barrier(store_, clock_);
  init(barrier);
  EXPECT_EQ(*barrier.list(""), Names{});
  ASSERT_TRUE(barrier.put("core/mounts", {}).ok());
  EXPECT_EQ(*barrier.list(""), Names{"core/"});
  EXPECT_EQ(*barrier.list("core/"), Names{"mounts"});
  for (const char* path : {"core/seal-config", "core/journal", "core/root-key", "core/keyring"}) {
    EXPECT_EQ(code_of(barrier.get(path)), Code::kPermissionDenied);
    EXPECT_EQ(code_of(barrier.put(path, {})), Code::kPermissionDenied);
    EXPECT_EQ(code_of(barrier.erase(path)), Code::kPermissionDenied);
    Change change;
    change.must_be_absent = {path};
    EXPECT_EQ(reason_of(barrier.apply(change)), "reserved_path");
  }
}

TEST_F(BarrierTest, AppliesChangesAtomically) {
  Barrier barrier(store_, clock_);
  init(barrier);
  Change change;
  change.writes = {{"a", bytes("1")}, {"b", bytes("2")}};
  change.must_be_absent = {"a"};
  EXPECT_TRUE(barrier.apply(change).ok());
  change.writes[1].value = bytes("3");
  EXPECT_EQ(code_of(barrier.apply(change)), Code::kPrecondition);
  EXPECT_EQ(**barrier.get("b"), bytes("2"));
}

TEST_F(BarrierTest, AChangeThatWasWorkedOutFromAnOlderRecordIsRefused) {
  Barrier barrier(store_, clock_);
  init(barrier);
  ASSERT_TRUE(barrier.put("a", bytes("same")).ok());
  const Bytes first = (*barrier.get_marked("a"))->mark;
  EXPECT_EQ(first.size(), kRecordMarkBytes);
  EXPECT_EQ((*barrier.get_marked("a"))->mark, first);
  EXPECT_FALSE(barrier.get_marked("none")->has_value());

  Change change;
  change.writes.push_back({"a", bytes("new")});
  change.writes.push_back({"b", bytes("beside")});
  change.must_be_unchanged.push_back({"a", first});
  // The same value, written again, is another record.
  ASSERT_TRUE(barrier.put("a", bytes("same")).ok());
  EXPECT_EQ(code_of(barrier.apply(change)), Code::kPrecondition);
  EXPECT_FALSE(barrier.get("b")->has_value());
  change.must_be_unchanged = {{"a", (*barrier.get_marked("a"))->mark}};
  ASSERT_TRUE(barrier.apply(change).ok());
  EXPECT_EQ(**barrier.get("a"), bytes("new"));

  ASSERT_TRUE(barrier.erase("a").ok());
  EXPECT_EQ(code_of(barrier.apply(change)), Code::kPrecondition);
  change.must_be_unchanged = {{"core/keyring", first}};
  EXPECT_EQ(reason_of(barrier.apply(change)), "reserved_path");
}

TEST_F(BarrierTest, RotatingKeepsOldRecordsReadable) {
  Barrier barrier(store_, clock_);
  const Shares shares = init(barrier);
  ASSERT_TRUE(barrier.put("old", bytes("1")).ok());
  const auto derived = barrier.derive("tokens-v1");
  clock_.advance(Milliseconds(5000));
  ASSERT_TRUE(barrier.rotate().ok());
  EXPECT_EQ(barrier.key_status()->term, 2U);
  EXPECT_EQ(barrier.key_status()->installed_unix_s, kNow + 5);
  EXPECT_EQ(barrier.key_status()->encryptions, 0U);
  ASSERT_TRUE(barrier.put("new", bytes("2")).ok());
  EXPECT_EQ(read_raw(store_, "old")[4], 1);
  EXPECT_EQ(read_raw(store_, "new")[4], 2);
  barrier.seal();
  ASSERT_TRUE(unseal(barrier, shares, {2, 3, 4}).ok());
  EXPECT_EQ(**barrier.get("old"), bytes("1"));
  EXPECT_EQ(**barrier.get("new"), bytes("2"));
  EXPECT_EQ(barrier.key_status()->term, 2U);
  EXPECT_TRUE(barrier.derive("tokens-v1")->equals(*derived));
  EXPECT_FALSE(barrier.derive("tokens-v2")->equals(*derived));
}

TEST_F(BarrierTest, RecordVersionsGrowWhenTheClockStandsOrGoesBack) {
  const auto version = [this] {
    const Bytes record = read_raw(store_, "a");
    std::uint64_t v = 0;
    for (std::size_t i = 5; i < 13; ++i) v = v << 8 | record[i];
    return v;
  };
  Barrier barrier(store_, clock_);
  init(barrier);
  ASSERT_TRUE(barrier.put("a", {}).ok());
  const std::uint64_t first = version();
  EXPECT_EQ(first, static_cast<std::uint64_t>(kNow) * 1'000'000'000);
  ASSERT_TRUE(barrier.put("a", {}).ok());
  EXPECT_EQ(version(), first + 1);
  clock_.advance(Milliseconds(-10'000));
  ASSERT_TRUE(barrier.put("a", {}).ok());
  EXPECT_EQ(version(), first + 2);
}

TEST_F(BarrierTest, SealingWhileOthersWorkGivesSealedAndNothingElse) {
  Barrier barrier(store_, clock_);
  const Shares shares = init(barrier, StoreKind::kTest, {1, 1});
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&barrier, t] {
      for (int i = 0; i < 200; ++i) {
        const Status put = barrier.put(concat("t/", t), bytes("x"));
        if (!put.ok()) {
          EXPECT_EQ(put.error().code, Code::kSealed) << put.error().message;
        }
        const auto got = barrier.get(concat("t/", t));
        if (!got.ok()) {
          EXPECT_EQ(got.error().code, Code::kSealed) << got.error().message;
        }
      }
    });
  }
  for (int i = 0; i < 20; ++i) {
    barrier.seal();
    EXPECT_TRUE(unseal(barrier, shares, {0}).ok());
    EXPECT_TRUE(barrier.rotate().ok());
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_F(BarrierTest, AViewMarksAndComparesBelowItsPrefix) {
  Barrier barrier(store_, clock_);
  init(barrier);
  const View view(barrier, "logical/1/");
  ASSERT_TRUE(view.put("a", bytes("one")).ok());
  ASSERT_TRUE(barrier.put("a", bytes("another")).ok());
  Change change;
  change.writes.push_back({"a", bytes("two")});
  change.must_be_unchanged.push_back({"a", (*barrier.get_marked("a"))->mark});
  EXPECT_EQ(code_of(view.apply(change)), Code::kPrecondition);
  change.must_be_unchanged = {{"a", (*view.get_marked("a"))->mark}};
  ASSERT_TRUE(view.apply(change).ok());
  EXPECT_EQ(**view.get("a"), bytes("two"));
}

TEST_F(BarrierTest, AViewSeesOnlyWhatIsBelowItsPrefix) {
  Barrier barrier(store_, clock_);
  init(barrier);
  const View view(barrier, "logical/1/");
  ASSERT_TRUE(barrier.put("logical/10", bytes("outside")).ok());
  Change change;
  change.writes = {{"a", bytes("1")}, {"a/b/c", bytes("2")}};
  change.must_be_absent = {"a"};
  ASSERT_TRUE(view.apply(change).ok());
  EXPECT_EQ(**barrier.get("logical/1/a"), bytes("1"));
  EXPECT_EQ(*view.list(""), (Names{"a", "a/"}));
  EXPECT_EQ(code_of(view.get("")), Code::kInvalidArgument);
  for (std::size_t i = 0; i < storage::kBatchOperationsMax; ++i) {
    ASSERT_TRUE(view.put(concat("many/", i), {}).ok());
  }
  ASSERT_TRUE(view.erase_all().ok());
  EXPECT_EQ(*view.list(""), Names{});
  EXPECT_TRUE(barrier.get("logical/10")->has_value());
}

}  // namespace
}  // namespace apm::barrier
