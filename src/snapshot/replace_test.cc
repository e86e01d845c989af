// A store replaced by a snapshot or by another store: wholly, or marked as incomplete.

#include "base/text.h"
#include "snapshot/migrate.h"
#include "snapshot/snapshot_fixture.h"
#include "storage/fault_store.h"
#include "storage/limits.h"
#include "storage/map_snapshot.h"
#include "storage/sqlite_store.h"
#include "storage/temp_dir.h"

namespace apm::snapshot {
namespace {

using barrier::reason_of;
using Content = std::map<std::string, Bytes>;

class ReplaceTest : public SnapshotTest {
 protected:
  static void fill(storage::Store& store, const Content& content) {
    for (const auto& [key, value] : content) barrier::write_raw(store, key, value);
  }
  static Content numbered(int first, int last, std::uint8_t byte) {
    Content out;
    for (int i = first; i <= last; ++i) out[concat("n/", 10'000 + i)] = Bytes{byte};
    return out;
  }
};

// Counts commits, and fails the nth.
class Commits {
 public:
  Commits(storage::Store& inner, unsigned failing, storage::FaultStore::Point point)
      : store(inner, [this, failing, point](storage::FaultStore::Point at, unsigned nth) -> Status {
          count = nth;
          if (nth == failing && at == point) return Error(Code::kIo, "fault", "fault");
          return {};
        }) {}
  unsigned count = 0;
  storage::FaultStore store;
};
constexpr auto kBefore = storage::FaultStore::Point::kBeforeCommit;
constexpr auto kAfter = storage::FaultStore::Point::kAfterCommit;

TEST_F(ReplaceTest, WhatDiffersIsWrittenWhatIsGoneIsDeletedInOneBatch) {
  storage::LeasedMemoryStore store;
  fill(store, {{"a", {1}}, {"b", {1}}, {"d", {1}}, {"e", {1}}});
  const Content wanted{{"a", {1}}, {"b", {2}}, {"c", {1}}, {"e", {}}};
  storage::MapSnapshot content(wanted);
  Commits commits(store, 0, kBefore);
  const auto done = replace_content(commits.store, content, {"restore", "id"});
  ASSERT_TRUE(done.ok()) << done.error().message;
  EXPECT_EQ(content_of(store), wanted);
  EXPECT_EQ(done->written, 3U);
  EXPECT_EQ(done->deleted, 1U);
  EXPECT_EQ(done->unchanged, 1U);
  EXPECT_EQ(commits.count, 1U);
}

TEST_F(ReplaceTest, MoreThanABatchIsMarkedUntilItIsDone) {
  const Content before = numbered(0, 1500, 1);
  const Content after = numbered(700, 2500, 2);
  for (const auto point : {kBefore, kAfter}) {
    for (unsigned failing = 1; failing < 20; ++failing) {
      storage::LeasedMemoryStore store;
      fill(store, before);
      Commits commits(store, failing, point);
      storage::MapSnapshot content(after);
      const auto done = replace_content(commits.store, content, {"restore", "the id"});
      if (done.ok()) {
        EXPECT_GT(failing, 3U);  // there were as many to fail
        break;
      }
      EXPECT_EQ(reason_of(done), "fault");
      // Either nothing happened, or all, or the mark is there.
      const Content now = content_of(store);
      const auto found = occupancy_of(store);
      ASSERT_TRUE(found.ok());
      if (now != before && now != after) {
        EXPECT_TRUE(found->incomplete) << failing;
        EXPECT_EQ(found->incoming_store_id, "the id");
        EXPECT_EQ(reason_of(barrier::Barrier(store, ManualClock(0)).state()), "store_incomplete");
      }
      storage::MapSnapshot again(after);
      EXPECT_TRUE(replace_content(store, again, {"restore", "the id"}).ok());
      EXPECT_EQ(content_of(store), after) << failing;
    }
  }
}

TEST_F(ReplaceTest, BatchesStayWithinTheStoresLimits) {
  storage::LeasedMemoryStore store;
  Content large;
  for (int i = 0; i < 25; ++i) large[concat("large/", i)] = Bytes(storage::kValueBytesMax);
  storage::MapSnapshot content(large);
  Commits commits(store, 0, kBefore);
  const auto done = replace_content(commits.store, content, {"restore", "id"});
  ASSERT_TRUE(done.ok()) << done.error().message;
  EXPECT_EQ(commits.count, 3U);
  EXPECT_EQ(content_of(store), large);
  // A full batch and its mark.
  for (const int count : {510, 511, 512, 513}) {
    storage::LeasedMemoryStore other;
    storage::MapSnapshot many(numbered(1, count, 1));
    EXPECT_TRUE(replace_content(other, many, {"restore", "id"}).ok()) << count;
    EXPECT_EQ(content_of(other).size(), static_cast<std::size_t>(count));
  }
}

TEST_F(ReplaceTest, AnIncompleteStoreIsRefusedByEverythingThatOpensIt) {
  {
    barrier::Barrier barrier(store_, clock_);
    init(barrier);
  }
  barrier::write_raw(store_, std::string(barrier::kIncompletePath), barrier::bytes("{}"));
  barrier::Barrier barrier(store_, clock_);
  EXPECT_EQ(reason_of(barrier.state()), "store_incomplete");
  EXPECT_EQ(reason_of(barrier.seal_config()), "store_incomplete");
  EXPECT_EQ(reason_of(barrier.unseal_progress()), "store_incomplete");
  EXPECT_EQ(reason_of(barrier.unseal(crypto::SecretBytes::random(33))), "store_incomplete");
  EXPECT_EQ(reason_of(barrier.plan_init(barrier::StoreKind::kTest, barrier::kThreeOfFive)),
            "store_incomplete");
}

// --- Offline ---

class OfflineTest : public ReplaceTest {
 protected:
  void SetUp() override {
    storage::MemoryStore store(source_);
    const auto lease = store.acquire_lease("server", Deadline::after(Milliseconds(0)));
    ASSERT_TRUE(lease.ok());
    barrier::Barrier barrier(store, clock_);
    shares_ = init(barrier);
    ASSERT_TRUE(barrier.put("logical/dek", as_bytes("the secret")).ok());
    file_ = file_of(barrier);
    for (int i = 0; i < extra_; ++i) {
      ASSERT_TRUE(barrier.put(concat("logical/more/", i), as_bytes("x")).ok());
    }
  }
  Result<Restored> restore(storage::Store& into, Overwrite overwrite = Overwrite::kNever,
                           barrier::StoreKind kind = barrier::StoreKind::kTest) {
    return restore_offline(
        {into, kind, [this]() -> Result<Source> { return source_of(file_); }, overwrite});
  }
  // The secret, read by a server that was unsealed with the keys of before.
  std::string secret_in(storage::Store& store) {
    const auto lease = store.acquire_lease("server", Deadline::after(Milliseconds(0)));
    EXPECT_TRUE(lease.ok());
    barrier::Barrier barrier(store, clock_);
    for (std::size_t i = 0; i < 3; ++i) {
      const auto progress = barrier.unseal(shares_[i]);
      EXPECT_TRUE(progress.ok()) << progress.error().message;
    }
    const auto value = barrier.get("logical/dek");
    return value.ok() && *value ? std::string(as_text(**value)) : "";
  }

  int extra_ = 0;
  std::shared_ptr<storage::MemoryContent> source_ = std::make_shared<storage::MemoryContent>();
  barrier::Shares shares_;
  Bytes file_;
  storage::TempDir dir_;
};

TEST_F(OfflineTest, ASnapshotIsRestoredIntoAnotherBackend) {
  const auto store = storage::open_sqlite_store(dir_.file("new.db"));
  ASSERT_TRUE(store.ok());
  const auto done = restore(**store);
  ASSERT_TRUE(done.ok()) << done.error().message;
  EXPECT_EQ(done->records, done->replaced.written);
  EXPECT_EQ(secret_in(**store), "the secret");
}

TEST_F(OfflineTest, WhatIsNotEmptyIsLeftAloneUnlessForced) {
  const auto store = storage::open_sqlite_store(dir_.file("used.db"));
  ASSERT_TRUE(store.ok());
  {
    const auto lease = (*store)->acquire_lease("x", Deadline::after(Milliseconds(0)));
    barrier::write_raw(**store, "somebody/else", {1});
  }
  EXPECT_EQ(reason_of(restore(**store)), "store_not_empty");
  EXPECT_EQ(content_of(**store).size(), 1U);
  EXPECT_EQ(reason_of(restore(**store, Overwrite::kForce, barrier::StoreKind::kProduction)),
            "snapshot_kind");
  EXPECT_EQ(content_of(**store).size(), 1U);
  ASSERT_TRUE(restore(**store, Overwrite::kForce).ok());
  EXPECT_EQ(secret_in(**store), "the secret");
}

TEST_F(OfflineTest, ADamagedFileChangesNothing) {
  storage::MemoryStore store;
  file_[file_.size() / 2] ^= 1;
  EXPECT_TRUE(reason_of(restore(store)).starts_with("snapshot_"));
  EXPECT_TRUE(occupancy_of(store)->empty);
}

TEST_F(OfflineTest, AFileThatChangesBetweenItsReadingsIsRefused) {
  storage::LeasedMemoryStore other_store;
  barrier::Barrier other(other_store, clock_);
  init(other);
  const Bytes other_file = file_of(other);
  storage::MemoryStore store;
  int opened = 0;
  const auto done = restore_offline({store, barrier::StoreKind::kTest, [&]() -> Result<Source> {
                                       return source_of(++opened == 1 ? file_ : other_file);
                                     }});
  EXPECT_EQ(reason_of(done), "snapshot_changed");
  EXPECT_TRUE(occupancy_of(store)->empty);
}

TEST_F(OfflineTest, AStoreThatAServerUsesIsNotTouched) {
  storage::MemoryStore running(source_);
  const auto lease = running.acquire_lease("the server", Deadline::after(Milliseconds(0)));
  ASSERT_TRUE(lease.ok());
  storage::MemoryStore store(source_);
  const auto refused = restore(store, Overwrite::kForce);
  EXPECT_EQ(reason_of(refused), "lease_held");
  EXPECT_NE(refused.error().message.find("the server"), std::string::npos);
  storage::MemoryStore empty;
  EXPECT_EQ(reason_of(migrate(store, empty, clock_)), "lease_held");
}

TEST_F(OfflineTest, ARestoreNeverMakesAnEpochGoBack) {
  const auto store = storage::open_sqlite_store(dir_.file("epochs.db"));
  ASSERT_TRUE(store.ok());
  std::uint64_t before = 0;
  for (int i = 0; i < 9; ++i) {
    before = (*(*store)->acquire_lease("x", Deadline::after(Milliseconds(0))))->epoch();
  }
  ASSERT_GT(before, 7U);  // later than the one that the snapshot names
  ASSERT_TRUE(restore(**store).ok());
  EXPECT_GT((*(*store)->acquire_lease("x", Deadline::after(Milliseconds(0))))->epoch(), before);
}

TEST_F(OfflineTest, AStoreMovesToAnotherBackendAndBack) {
  storage::MemoryStore source(source_);
  const auto sqlite = storage::open_sqlite_store(dir_.file("moved.db"));
  ASSERT_TRUE(sqlite.ok());
  const auto there = migrate(source, **sqlite, clock_);
  ASSERT_TRUE(there.ok()) << there.error().message;
  EXPECT_EQ(content_of(**sqlite), content_of(source));
  EXPECT_EQ(secret_in(**sqlite), "the secret");
  storage::MemoryStore back;
  ASSERT_TRUE(migrate(**sqlite, back, clock_).ok());
  EXPECT_EQ(content_of(back), content_of(**sqlite));
  EXPECT_EQ(secret_in(back), "the secret");
  EXPECT_EQ(reason_of(migrate(source, back, clock_)), "store_not_empty");
}

TEST_F(OfflineTest, OnlyAStoreCanBeMigrated) {
  storage::MemoryStore empty;
  storage::MemoryStore destination;
  EXPECT_EQ(reason_of(migrate(empty, destination, clock_)), "uninitialized");
  EXPECT_TRUE(occupancy_of(destination)->empty);
}

class LargeOfflineTest : public OfflineTest {
 protected:
  LargeOfflineTest() { extra_ = 1200; }
};

TEST_F(LargeOfflineTest, AnInterruptedMigrationIsNoStoreAndIsFinishedByTheNext) {
  storage::MemoryStore source(source_);
  for (unsigned failing = 1; failing <= 4; ++failing) {
    storage::MemoryStore destination;
    Commits commits(destination, failing, kBefore);
    const auto failed = migrate(source, commits.store, clock_);
    if (failed.ok()) {
      EXPECT_GT(failing, 2U);
      continue;
    }
    EXPECT_EQ(reason_of(failed), "fault");
    if (failing > 1) {
      barrier::Barrier barrier(destination, clock_);
      EXPECT_EQ(reason_of(barrier.state()), "store_incomplete");
      // Another store's migration does not take it for its own.
      storage::MemoryStore other_source;
      {
        const auto lease = other_source.acquire_lease("x", Deadline::after(Milliseconds(0)));
        barrier::Barrier other(other_source, clock_);
        init(other);
      }
      EXPECT_EQ(reason_of(migrate(other_source, destination, clock_)), "store_not_empty");
      // Nor is it a source.
      storage::MemoryStore third;
      EXPECT_EQ(reason_of(migrate(destination, third, clock_)), "store_incomplete");
    }
    const auto done = migrate(source, destination, clock_);
    ASSERT_TRUE(done.ok()) << done.error().message;
    EXPECT_EQ(secret_in(destination), "the secret");
  }
}

// A backend that loses a record without a word.
class Losing final : public storage::MemoryStore {
 public:
  Status commit(const storage::Batch& batch) override {
    storage::Batch less = batch;
    std::erase_if(less.puts, [](const auto& put) { return put.key == "logical/dek"; });
    return MemoryStore::commit(less);
  }
};

TEST_F(OfflineTest, AMigrationIsComparedAfterwards) {
  storage::MemoryStore source(source_);
  Losing destination;
  EXPECT_EQ(reason_of(migrate(source, destination, clock_)), "migration_mismatch");
}

}  // namespace
}  // namespace apm::snapshot
