#pragma once

// The part of the behaviour suite that is about the lease; included by behaviour_suite.h.

#include "storage/behaviour_suite.h"

namespace apm::storage {

TEST_P(StoreBehaviour, CommitsNeedTheLease) {
  const auto other = open();
  EXPECT_EQ(reason_of(other->commit(put("a", "1"))), "lease_not_held");
  EXPECT_EQ(code_of(other->commit({})), Code::kConflict);
  lease_.reset();
  EXPECT_EQ(reason_of(store_->commit(put("a", "1"))), "lease_not_held");
  EXPECT_EQ(read("a"), std::nullopt);
  lease_ = take(*store_, "node one again");
  write("a", "2");
}

TEST_P(StoreBehaviour, TheLeaseExcludesAndNamesItsHolder) {
  const auto other = open();
  EXPECT_TRUE(lease_->held());
  for (Store* store : {other.get(), store_.get()}) {
    const auto refused = store->acquire_lease("node two", Deadline::after(Milliseconds(1)));
    EXPECT_EQ(code_of(refused), Code::kConflict);
    EXPECT_EQ(reason_of(refused), "lease_held");
    EXPECT_NE(refused.error().message.find("node one"), std::string::npos);
    const auto holder = store->holder();
    ASSERT_TRUE(holder.ok()) << holder.error().message;
    ASSERT_TRUE(holder->has_value());
    EXPECT_EQ((*holder)->owner, "node one");
    EXPECT_EQ((*holder)->epoch, lease_->epoch());
  }
  write("a", "still the holder");
  const std::uint64_t before = lease_->epoch();
  EXPECT_GT(before, 0U);
  lease_.reset();
  EXPECT_FALSE(store_->holder()->has_value());
  const auto next = take(*other, "node two");
  EXPECT_GT(next->epoch(), before);
  EXPECT_EQ((*store_->holder())->owner, "node two");
  EXPECT_EQ(reason_of(store_->acquire_lease("", Deadline::after(Milliseconds(0)))), "lease_owner");
  EXPECT_EQ(reason_of(store_->acquire_lease(std::string(kLeaseOwnerBytesMax + 1, 'x'),
                                            Deadline::after(Milliseconds(0)))),
            "lease_owner");
}

TEST_P(StoreBehaviour, TheLeasesOwnerMayBeALongText) {
  lease_.reset();
  const std::string owner =
      R"({"api_addr":"https://[fd00::1]:8200","name":"\u00e4"})" + std::string(1900, ' ') + "ä";
  lease_ = take(*store_, owner);
  EXPECT_EQ((*store_->holder())->owner, owner);
}

TEST_P(StoreBehaviour, AcquiringWaitsForTheHolderToEnd) {
  const auto other = open();
  std::thread ends([this] {
    std::this_thread::sleep_for(Milliseconds(100));
    lease_.reset();
  });
  const auto next = take(*other, "node two");
  ends.join();
  ASSERT_NE(next, nullptr);
  EXPECT_TRUE(other->commit(put("a", "")).ok());
}

TEST_P(StoreBehaviour, WhoWasTakenOverCannotWriteAnyMore) {
  write("a", "first");
  const auto other = open();
  backend_->expire_lease();
  auto next = take(*other, "node two");
  ASSERT_NE(next, nullptr);
  EXPECT_GT(next->epoch(), lease_->epoch());
  Batch batch = put("a", "late");
  EXPECT_EQ(reason_of(store_->commit(batch)), "lease_lost");
  batch.preconditions = {{"a", text("first")}};
  EXPECT_EQ(reason_of(store_->commit(batch)), "lease_lost");
  EXPECT_EQ(code_of(store_->commit({})), Code::kConflict);
  EXPECT_FALSE(lease_->held());
  EXPECT_TRUE(next->held());
  EXPECT_TRUE(other->commit(put("b", "second")).ok());
  EXPECT_EQ(read("a"), "first");
  // Also when the successor has gone, and its own end does not disturb the successor's lease.
  next.reset();
  EXPECT_EQ(reason_of(store_->commit(batch)), "lease_lost");
  next = take(*other, "node two again");
  lease_.reset();
  EXPECT_TRUE(next->held());
  EXPECT_EQ((*store_->holder())->owner, "node two again");
  EXPECT_TRUE(other->commit(put("b", "third")).ok());
  EXPECT_EQ(reason_of(store_->commit(batch)), "lease_not_held");
}

// The old holder writes as fast as it can while another takes over: whatever it was told "ok" is
// there, and nothing of it appears after the successor's first look.
TEST_P(StoreBehaviour, ATakeoverUnderLoadLosesAndMixesNothing) {
  std::vector<std::string> acknowledged;
  std::string refused;
  std::atomic<int> count{0};
  std::thread writer([&] {
    for (int i = 0; i < 100'000; ++i) {
      const std::string key = concat("old/", i);
      const Status done = store_->commit(put(key, "x"));
      if (!done.ok()) {
        refused = done.error().reason;
        return;
      }
      acknowledged.push_back(key.substr(4));
      ++count;
    }
  });
  while (count < 10) std::this_thread::yield();
  const auto other = open();
  backend_->expire_lease();
  const auto next = take(*other, "node two");
  const auto seen = other->list("old/");
  writer.join();
  EXPECT_EQ(refused, "lease_lost");
  std::sort(acknowledged.begin(), acknowledged.end());
  ASSERT_TRUE(seen.ok());
  EXPECT_EQ(*seen, acknowledged);
  EXPECT_EQ(*other->list("old/"), acknowledged);
}

}  // namespace apm::storage
