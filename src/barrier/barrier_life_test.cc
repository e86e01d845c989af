#include <gtest/gtest.h>

#include "barrier/barrier_fixture.h"
#include "barrier/keyring.h"
#include "barrier/limits.h"
#include "barrier/seal_config.h"
#include "storage/fault_store.h"

namespace apm::barrier {
namespace {

using storage::FaultStore;

TEST_F(BarrierTest, AnyThreeOfFiveSharesUnsealAfterARestart) {
  Shares shares;
  {
    Barrier barrier(store_, clock_);
    shares = init(barrier);
    ASSERT_TRUE(barrier.put("a", bytes("kept")).ok());
  }
  for (std::size_t a = 0; a < 5; ++a) {
    for (std::size_t b = a + 1; b < 5; ++b) {
      for (std::size_t c = b + 1; c < 5; ++c) {
        Barrier barrier(store_, clock_);
        EXPECT_EQ(*barrier.state(), State::kSealed);
        const auto done = unseal(barrier, shares, {c, a, b});
        ASSERT_TRUE(done.ok()) << done.error().message;
        EXPECT_EQ(done->state, State::kUnsealed);
        EXPECT_EQ(**barrier.get("a"), bytes("kept"));
        EXPECT_NE(barrier.seal_config()->value().custody.find("where"), nullptr);
      }
    }
  }
}

TEST_F(BarrierTest, OneShareIsEnoughWhenTheSchemeSaysSo) {
  Barrier barrier(store_, clock_);
  const Shares shares = init(barrier, StoreKind::kProduction, {1, 1});
  barrier.seal();
  EXPECT_EQ(unseal(barrier, shares, {0})->state, State::kUnsealed);
}

TEST_F(BarrierTest, CountsSharesOnceAndStartsAgainAfterAWrongOne) {
  Barrier barrier(store_, clock_);
  const Shares shares = init(barrier);
  barrier.seal();
  EXPECT_EQ(unseal(barrier, shares, {0, 0, 0})->progress, 1U);
  const auto two = unseal(barrier, shares, {1});
  EXPECT_EQ(two->progress, 2U);
  EXPECT_EQ(two->threshold, 3U);
  EXPECT_EQ(two->nonce.size(), 36U);
  crypto::SecretBytes wrong = shares[2].clone();
  wrong.mutable_view()[0] ^= 1;
  const auto failed = barrier.unseal(wrong);
  EXPECT_EQ(code_of(failed), Code::kInvalidArgument);
  EXPECT_EQ(reason_of(failed), "unseal_failed");
  EXPECT_EQ(barrier.unseal_progress()->progress, 0U);
  EXPECT_EQ(barrier.unseal_progress()->nonce, "");
  EXPECT_EQ(reason_of(barrier.unseal(crypto::SecretBytes::zeros(32))), "share_malformed");
  EXPECT_EQ(reason_of(barrier.unseal(crypto::SecretBytes::zeros(33))), "share_malformed");
  EXPECT_EQ(unseal(barrier, shares, {4})->progress, 1U);
  barrier.reset_unseal();
  EXPECT_EQ(unseal(barrier, shares, {4, 3, 2})->state, State::kUnsealed);
  EXPECT_EQ(unseal(barrier, shares, {0})->state, State::kUnsealed);
}

TEST_F(BarrierTest, APlanGoesOnWithTheJournalOfACrash) {
  std::string store_id;
  {
    Barrier barrier(store_, clock_);
    EXPECT_FALSE(barrier.journal_store_id()->has_value());
    store_id = barrier.plan_init(StoreKind::kTest, kThreeOfFive)->config.store_id;
    EXPECT_EQ(*store_.list("core/"), Names{"journal"});
  }
  Barrier barrier(store_, clock_);
  EXPECT_EQ(*barrier.state(), State::kUninitialized);
  EXPECT_EQ(barrier.journal_store_id()->value(), store_id);
  init(barrier);
  EXPECT_EQ(barrier.seal_config()->value().store_id, store_id);
  EXPECT_EQ(*store_.list("core/"), (Names{"keyring", "root-key", "seal-config"}));
  EXPECT_FALSE(barrier.journal_store_id()->has_value());
}

TEST_F(BarrierTest, InitialisesOnlyOnce) {
  Barrier first(store_, clock_);
  Barrier second(store_, clock_);
  auto plan = second.plan_init(StoreKind::kTest, kThreeOfFive);
  const Shares shares = init(first);
  const Bytes keyring = read_raw(store_, "core/keyring");
  const Status late = second.commit_init(std::move(*plan));
  EXPECT_EQ(code_of(late), Code::kConflict);
  EXPECT_EQ(reason_of(late), "already_initialized");
  EXPECT_EQ(reason_of(first.plan_init(StoreKind::kTest, kThreeOfFive)), "already_initialized");
  EXPECT_EQ(read_raw(store_, "core/keyring"), keyring);
  EXPECT_EQ(unseal(second, shares, {0, 1, 2})->state, State::kUnsealed);
}

TEST_F(BarrierTest, ACommitNeedsItsJournal) {
  Barrier barrier(store_, clock_);
  auto plan = barrier.plan_init(StoreKind::kTest, kThreeOfFive);
  storage::Batch batch;
  batch.deletes = {"core/journal"};
  ASSERT_TRUE(store_.commit(batch).ok());
  EXPECT_EQ(reason_of(barrier.commit_init(std::move(*plan))), "journal_changed");
  EXPECT_EQ(*barrier.state(), State::kUninitialized);
}

TEST_F(BarrierTest, AFaultLeavesInitialisingUndoneOrComplete) {
  using Point = FaultStore::Point;
  for (const Point where : {Point::kBeforeCommit, Point::kAfterCommit}) {
    LeasedMemoryStore inner;
    FaultStore faulty(inner, [where](Point point, unsigned nth) -> Status {
      if (nth == 2 && point == where) return Error(Code::kIo, "fault", "fault");
      return {};
    });
    Barrier barrier(faulty, clock_);
    auto plan = barrier.plan_init(StoreKind::kTest, kThreeOfFive);
    ASSERT_TRUE(plan.ok());
    const Shares shares = clones(plan->shares);
    EXPECT_EQ(reason_of(barrier.commit_init(std::move(*plan))), "fault");
    Barrier next(inner, clock_);
    if (where == Point::kBeforeCommit) {
      EXPECT_EQ(*next.state(), State::kUninitialized);
      init(next);
    } else {
      EXPECT_EQ(*next.state(), State::kSealed);
      EXPECT_EQ(unseal(next, shares, {0, 1, 2})->state, State::kUnsealed);
    }
  }
}

TEST_F(BarrierTest, FindsAChangedSealConfigAndStaysSealed) {
  Barrier barrier(store_, clock_);
  const Shares shares = init(barrier, StoreKind::kProduction);
  const std::string store_id = barrier.seal_config()->value().store_id;
  barrier.seal();
  const Bytes good = read_raw(store_, "core/seal-config");
  const std::string other_id = (store_id[0] == '0' ? "1" : "0") + store_id.substr(1);
  const std::pair<std::string, std::string> edits[] = {{"\"production\"", "\"test\""},
                                                       {store_id, other_id},
                                                       {"\"shares\":5", "\"shares\":6"},
                                                       {"1800000000", "1800000001"},
                                                       {"people", "nobody"}};
  for (const auto& [from, to] : edits) {
    edit_config(from, to);
    const auto refused = unseal(barrier, shares, {0, 1, 2});
    EXPECT_EQ(code_of(refused), Code::kCorrupt) << from;
    EXPECT_EQ(reason_of(refused), "seal_config_mismatch") << from;
    EXPECT_EQ(*barrier.state(), State::kSealed);
    EXPECT_EQ(barrier.unseal_progress()->progress, 0U);
    write_raw(store_, "core/seal-config", good);
  }
  edit_config("\"format\":1", "\"format\":2");
  EXPECT_EQ(reason_of(barrier.state()), "seal_config_malformed");
  write_raw(store_, "core/seal-config", good);
  EXPECT_EQ(unseal(barrier, shares, {0, 1, 2})->state, State::kUnsealed);
}

TEST_F(BarrierTest, ADamagedOrMissingKeyringStaysSealed) {
  Barrier barrier(store_, clock_);
  const Shares shares = init(barrier);
  barrier.seal();
  Bytes keyring = read_raw(store_, "core/keyring");
  keyring.back() ^= 1;
  write_raw(store_, "core/keyring", keyring);
  EXPECT_EQ(reason_of(unseal(barrier, shares, {0, 1, 2})), "keyring_corrupt");
  storage::Batch batch;
  batch.deletes = {"core/keyring"};
  ASSERT_TRUE(store_.commit(batch).ok());
  EXPECT_EQ(reason_of(unseal(barrier, shares, {0, 1, 2})), "keys_missing");
}

TEST_F(BarrierTest, ARestartNeverCountsFewerEncryptionsThanWereMade) {
  Barrier barrier(store_, clock_);
  const Shares shares = init(barrier);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(barrier.put("a", {}).ok());
  EXPECT_EQ(barrier.key_status()->encryptions, 3U);
  barrier.seal();
  ASSERT_TRUE(unseal(barrier, shares, {0, 1, 2}).ok());
  EXPECT_EQ(barrier.key_status()->encryptions, kEncryptionsReserved);
}

// The stored reservation is raised to the limit, as 2^31 encryptions would.
TEST_F(BarrierTest, RotatesByItselfLongBeforeNoncesCanRepeat) {
  Barrier barrier(store_, clock_);
  auto plan = barrier.plan_init(StoreKind::kTest, {1, 1});
  const Shares shares = clones(plan->shares);
  const crypto::SecretBytes root_key = plan->root_key.clone();
  ASSERT_TRUE(barrier.commit_init(std::move(*plan)).ok());
  barrier.seal();
  const auto set_reserved = [&](std::uint64_t reserved) {
    auto keyring = open_keyring(root_key, read_raw(store_, "core/keyring"));
    keyring->active().reserved = reserved;
    write_raw(store_, "core/keyring", *seal_keyring(root_key, *keyring));
  };
  set_reserved(kEncryptionsPerTermMax - 1);
  ASSERT_TRUE(unseal(barrier, shares, {0}).ok());
  ASSERT_TRUE(barrier.put("a", {}).ok());
  EXPECT_EQ(barrier.key_status()->term, 1U);
  barrier.seal();
  set_reserved(kEncryptionsPerTermMax);
  ASSERT_TRUE(unseal(barrier, shares, {0}).ok());
  ASSERT_TRUE(barrier.put("a", {}).ok());
  EXPECT_EQ(barrier.key_status()->term, 2U);
  EXPECT_EQ(barrier.key_status()->encryptions, 1U);
}

TEST_F(BarrierTest, AKeyringThatAnotherServerChangedIsNotOverwritten) {
  Barrier first(store_, clock_);
  const Shares shares = init(first);
  Barrier second(store_, clock_);
  ASSERT_TRUE(unseal(second, shares, {0, 1, 2}).ok());
  ASSERT_TRUE(first.rotate().ok());
  EXPECT_EQ(reason_of(second.rotate()), "keyring_changed");
  EXPECT_EQ(reason_of(second.put("a", {})), "keyring_changed");
}

TEST_F(BarrierTest, ReloadingFollowsAKeyringThatAnotherServerChanged) {
  Barrier first(store_, clock_);
  const Shares shares = init(first);
  Barrier second(store_, clock_);
  EXPECT_EQ(reason_of(second.reload()), "sealed");
  ASSERT_TRUE(unseal(second, shares, {0, 1, 2}).ok());
  ASSERT_TRUE(first.rotate().ok());
  ASSERT_TRUE(first.put("a", bytes("of the new term")).ok());
  EXPECT_EQ(reason_of(second.get("a")), "record_term");
  ASSERT_TRUE(second.reload().ok());
  EXPECT_EQ(**second.get("a"), bytes("of the new term"));
  EXPECT_TRUE(second.put("a", {}).ok());
  // What cannot be opened changes nothing.
  Bytes keyring = read_raw(store_, "core/keyring");
  keyring.back() ^= 1;
  write_raw(store_, "core/keyring", keyring);
  EXPECT_EQ(reason_of(second.reload()), "keyring_corrupt");
  EXPECT_TRUE(second.get("a").ok());
  storage::Batch gone;
  gone.deletes = {"core/keyring"};
  ASSERT_TRUE(store_.commit(gone).ok());
  EXPECT_EQ(reason_of(second.reload()), "keys_missing");
}

// A restore that broke off: the keyring may still be ours, and what is around it is no store.
TEST_F(BarrierTest, ReloadingRefusesAStoreWhoseRestoreIsNotFinished) {
  Barrier barrier(store_, clock_);
  init(barrier);
  write_raw(store_, std::string(kIncompletePath), bytes("restoring"));
  EXPECT_EQ(reason_of(barrier.reload()), "store_incomplete");
  storage::Batch done;
  done.deletes = {std::string(kIncompletePath)};
  ASSERT_TRUE(store_.commit(done).ok());
  EXPECT_TRUE(barrier.reload().ok());
}

TEST_F(BarrierTest, ReloadingRefusesASealConfigThatIsNotTheKeyrings) {
  Barrier barrier(store_, clock_);
  init(barrier);
  const Bytes ours = read_raw(store_, std::string(kSealConfigPath));
  LeasedMemoryStore elsewhere;
  Barrier other(elsewhere, clock_);
  init(other);
  write_raw(store_, std::string(kSealConfigPath),
            read_raw(elsewhere, std::string(kSealConfigPath)));
  EXPECT_EQ(reason_of(barrier.reload()), "seal_config_mismatch");
  write_raw(store_, std::string(kSealConfigPath), ours);
  EXPECT_TRUE(barrier.reload().ok());
  storage::Batch gone;
  gone.deletes = {std::string(kSealConfigPath)};
  ASSERT_TRUE(store_.commit(gone).ok());
  EXPECT_EQ(reason_of(barrier.reload()), "keys_missing");
}

}  // namespace
}  // namespace apm::barrier
