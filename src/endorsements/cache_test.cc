#include "endorsements/cache.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "base/text.h"

namespace apm::endorsements {
namespace {

constexpr std::int64_t kNow = 1'790'000'000;

class CacheTest : public ::testing::Test {
 protected:
  // Gives a document that is due after 100 s and ends after 1000, and counts.
  [[nodiscard]] Cache::Fetch giving(const std::string& body) {
    return [this, body](const Deadline&) -> Result<Document> {
      ++fetches_;
      const std::int64_t now = clock_.unix_s();
      return Document{body, "", now, now + 100, now + 1000};
    };
  }
  [[nodiscard]] Cache::Fetch failing(const std::string& reason) {
    return [this, reason](const Deadline&) -> Result<Document> {
      ++fetches_;
      return Error(Code::kUnavailable, reason, "no");
    };
  }
  [[nodiscard]] std::string body(const Cache::Fetch& fetch, const std::string& key = "amd a",
                                 std::int64_t not_before_s = 0) {
    const auto got = cache_.get(key, fetch, kSoon, {not_before_s, ""});
    return got.ok() ? (*got)->body : got.error().reason;
  }
  void pass(std::int64_t seconds) { clock_.advance(Milliseconds(seconds * 1000)); }

  const Deadline kSoon = Deadline::after(Milliseconds(20'000));
  ManualClock clock_{kNow};
  std::atomic<int> fetches_ = 0;
  CacheLimits limits_{.documents_max = 2,
                      .refusals_max = 2,
                      .flights_max = 2,
                      .fetches_per_minute_max = 100,
                      .fetches_per_asker_max = 2,
                      .callers_max = 8};
  Cache cache_{clock_, limits_};
};

TEST_F(CacheTest, OneFetchUntilADocumentIsDue) {
  EXPECT_EQ(body(giving("1")), "1");
  pass(99);
  EXPECT_EQ(body(giving("2")), "1");
  EXPECT_EQ(fetches_, 1);
  pass(1);
  EXPECT_EQ(body(giving("2")), "2");
}

TEST_F(CacheTest, ADocumentThatIsDueServesWhileTheSourceFailsAndNeverPastItsEnd) {
  EXPECT_EQ(body(giving("1")), "1");
  pass(999);
  EXPECT_EQ(body(failing("endorsement_unreachable")), "1");
  EXPECT_EQ(fetches_, 2);
  EXPECT_EQ(body(failing("endorsement_unreachable")), "1");
  EXPECT_EQ(fetches_, 2) << "the failure is remembered";
  pass(1);
  EXPECT_EQ(body(failing("endorsement_unreachable")), "endorsement_unreachable");
}

TEST_F(CacheTest, FailuresAreRememberedForAWhile) {
  struct {
    const char* reason;
    std::int64_t keep_s;
  } const kCases[] = {{"endorsement_not_found", kNotFoundKeepS},
                      {"endorsement_malformed", kUnusableKeepS},
                      {"endorsement_throttled", kUnreachableKeepS},
                      {"endorsement_deadline", kDeadlineKeepS}};
  for (const auto& [reason, keep_s] : kCases) {
    fetches_ = 0;
    EXPECT_EQ(body(failing(reason), reason), reason);
    pass(keep_s - 1);
    EXPECT_EQ(body(giving("x"), reason), reason);
    EXPECT_EQ(fetches_, 1) << reason;
    pass(1);
    EXPECT_EQ(body(giving("x"), reason), "x") << reason;
  }
}

TEST_F(CacheTest, ACallerMayAskForOneThatIsNotOlderThan) {
  EXPECT_EQ(body(giving("1")), "1");
  pass(10);
  EXPECT_EQ(body(giving("2"), "amd a", kNow), "1");
  EXPECT_EQ(body(giving("2"), "amd a", kNow + 1), "2");
}

TEST_F(CacheTest, TheLeastUsedDocumentMakesRoom) {
  EXPECT_EQ(body(giving("a"), "amd a"), "a");
  EXPECT_EQ(body(giving("b"), "amd b"), "b");
  EXPECT_EQ(body(giving("-"), "amd a"), "a");
  EXPECT_EQ(body(giving("c"), "amd c"), "c");
  EXPECT_EQ(body(giving("-"), "amd a"), "a");
  EXPECT_EQ(body(giving("new b"), "amd b"), "new b");
}

TEST_F(CacheTest, FailuresPushNoDocumentOut) {
  EXPECT_EQ(body(giving("a"), "amd a"), "a");
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(body(failing("endorsement_not_found"), concat("amd no ", i)),
              "endorsement_not_found");
  }
  EXPECT_EQ(body(giving("-"), "amd a"), "a");
  EXPECT_EQ(body(giving("forgotten"), "amd no 0"), "forgotten") << "two failures are kept";
}

TEST_F(CacheTest, TheFetchesOfAMinuteAreBoundedForEachSource) {
  Cache cache(clock_, {.documents_max = 9, .fetches_per_minute_max = 3});
  const auto reason = [&](const std::string& key) {
    const auto got = cache.get(key, giving("x"), kSoon);
    return got.ok() ? (*got)->body : got.error().reason;
  };
  for (const char* key : {"amd 1", "amd 2", "amd 3"}) EXPECT_EQ(reason(key), "x");
  EXPECT_EQ(reason("amd 4"), "endorsement_budget");
  EXPECT_EQ(reason("amd 1"), "x") << "what is there needs no fetch";
  EXPECT_EQ(reason("intel 1"), "x");
  pass(60);
  EXPECT_EQ(reason("amd 4"), "x");
}

TEST_F(CacheTest, ARefreshHoldsNobodyUpForLong) {
  std::vector<Milliseconds> spans;
  const auto noting = [&](const Deadline& until) -> Result<Document> {
    spans.push_back(until.left());
    return giving("x")(until);
  };
  static_cast<void>(cache_.get("amd a", noting, Deadline::after(Milliseconds(60'000))));
  pass(100);
  static_cast<void>(cache_.get("amd a", noting, Deadline::after(Milliseconds(60'000))));
  pass(100);
  static_cast<void>(cache_.get("amd a", noting, Deadline::after(Milliseconds(50))));
  ASSERT_EQ(spans.size(), 3U);
  EXPECT_LE(spans[0], kFetchDeadline);
  EXPECT_GT(spans[0], kRefreshDeadline);
  EXPECT_LE(spans[1], kRefreshDeadline);
  EXPECT_LE(spans[2], Milliseconds(50));
}

// A fetch that ends when the test says so.
class Gate {
 public:
  void open() {
    const MutexLock lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void pass() {
    const MutexLock lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    while (!open_) changed_.wait(mutex_);
  }
  void wait_for(int waiting) {
    const MutexLock lock(mutex_);
    while (waiting_ < waiting) changed_.wait(mutex_);
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  bool open_ APM_GUARDED_BY(mutex_) = false;
  int waiting_ APM_GUARDED_BY(mutex_) = 0;
};

TEST_F(CacheTest, WhoeverAsksMeanwhileSharesTheOneFetch) {
  Gate gate;
  const auto slow = [&](const Deadline& until) {
    gate.pass();
    return giving("shared")(until);
  };
  std::vector<std::jthread> callers;
  callers.reserve(8);
  std::atomic<int> right = 0;
  for (int i = 0; i < 8; ++i) {
    callers.emplace_back([&] { right += body(slow) == "shared" ? 1 : 0; });
  }
  gate.wait_for(1);
  gate.open();
  callers.clear();
  EXPECT_EQ(right, 8);
  EXPECT_EQ(fetches_, 1);
}

TEST_F(CacheTest, AWaiterHasItsOwnDeadlineAndFlightsAreBounded) {
  Gate gate;
  const auto slow = [&](const Deadline& until) {
    gate.pass();
    return giving("late")(until);
  };
  std::jthread first([&] { EXPECT_EQ(body(slow, "amd a"), "late"); });
  std::jthread second([&] { EXPECT_EQ(body(slow, "amd b"), "late"); });
  gate.wait_for(2);
  const auto waited = cache_.get("amd a", giving("x"), Deadline::after(Milliseconds(20)));
  ASSERT_FALSE(waited.ok());
  EXPECT_EQ(waited.error().reason, "endorsement_deadline");
  EXPECT_EQ(body(giving("x"), "amd c"), "endorsement_busy");
  gate.open();
  first.join();
  second.join();
  EXPECT_EQ(body(giving("x"), "amd c"), "x");
}

// What a fetch may hold up is bounded, per source; what is here is given to anybody meanwhile.
TEST_F(CacheTest, CallersOfOneSourceAreBoundedAndNoOtherIsHeldUp) {
  limits_.callers_max = 2;
  limits_.flights_max = 3;
  Cache cache(clock_, limits_);
  const auto ask = [&](const Cache::Fetch& fetch, const std::string& key) {
    const auto got = cache.get(key, fetch, kSoon);
    return got.ok() ? (*got)->body : got.error().reason;
  };
  EXPECT_EQ(ask(giving("here"), "amd here"), "here");
  Gate gate;
  const auto slow = [&](const Deadline& until) {
    gate.pass();
    return giving("late")(until);
  };
  std::jthread first([&] { EXPECT_EQ(ask(slow, "amd a"), "late"); });
  std::jthread second([&] { EXPECT_EQ(ask(slow, "amd b"), "late"); });
  gate.wait_for(2);
  EXPECT_EQ(ask(giving("x"), "amd here"), "here") << "no fetch, nobody to wait for";
  EXPECT_EQ(ask(giving("x"), "amd a"), "endorsement_busy") << "it would wait";
  EXPECT_EQ(ask(giving("x"), "amd c"), "endorsement_busy") << "it would fetch";
  EXPECT_EQ(ask(giving("x"), "intel a"), "x") << "another source";
  gate.open();
  first.join();
  second.join();
  EXPECT_EQ(ask(giving("c"), "amd c"), "c") << "both are free again";
}

TEST_F(CacheTest, OneAskerHoldsHalfOfThePlacesAtMost) {
  limits_.callers_max = 3;
  limits_.fetches_per_asker_max = 8;
  Cache cache(clock_, limits_);
  const auto ask = [&](const Cache::Fetch& fetch, const std::string& key, const char* asker) {
    const auto got = cache.get(key, fetch, kSoon, {0, asker});
    return got.ok() ? (*got)->body : got.error().reason;
  };
  Gate gate;
  const auto slow = [&](const Deadline& until) {
    gate.pass();
    return giving("late")(until);
  };
  std::jthread first([&] { EXPECT_EQ(ask(slow, "amd a", "192.0.2.1"), "late"); });
  gate.wait_for(1);
  EXPECT_EQ(ask(giving("x"), "amd b", "192.0.2.1"), "endorsement_busy");
  EXPECT_EQ(ask(giving("x"), "amd c", "192.0.2.2"), "x");
  EXPECT_EQ(ask(giving("x"), "amd d", ""), "x") << "proved";
  EXPECT_EQ(ask(giving("x"), "intel a", "192.0.2.1"), "x") << "another source";
  gate.open();
  first.join();
  EXPECT_EQ(ask(giving("b"), "amd b", "192.0.2.1"), "b") << "it is free again";
}

TEST_F(CacheTest, ADocumentThatIsDueServesWhenNoMoreCallersMayWait) {
  limits_.callers_max = 0;
  Cache none(clock_, limits_);
  EXPECT_EQ(none.get("amd a", giving("1"), kSoon).error().reason, "endorsement_busy");
  limits_.callers_max = 1;
  Cache cache(clock_, limits_);
  ASSERT_TRUE(cache.get("amd a", giving("1"), kSoon).ok());
  pass(100);
  Gate gate;
  const auto slow = [&](const Deadline& until) {
    gate.pass();
    return giving("2")(until);
  };
  std::jthread flying([&] { ASSERT_TRUE(cache.get("amd b", slow, kSoon).ok()); });
  gate.wait_for(1);
  const auto due = cache.get("amd a", giving("2"), kSoon);
  ASSERT_TRUE(due.ok()) << due.error().reason;
  EXPECT_EQ((*due)->body, "1");
  gate.open();
}

// Whoever proved nothing has a share of his own, so that he cannot use up everybody's.
TEST_F(CacheTest, OneAskerHasAShareOfTheFetches) {
  const auto ask = [this](const std::string& key, const std::string& asker) {
    const auto got = cache_.get(key, giving("x"), kSoon, {0, asker});
    return got.ok() ? "x" : got.error().reason;
  };
  EXPECT_EQ(ask("amd 1", "192.0.2.1"), "x");
  EXPECT_EQ(ask("amd 2", "192.0.2.1"), "x");
  EXPECT_EQ(ask("amd 3", "192.0.2.1"), "endorsement_budget");
  EXPECT_EQ(ask("amd 2", "192.0.2.1"), "x") << "it is here";
  EXPECT_EQ(ask("amd 3", "192.0.2.2"), "x");
  EXPECT_EQ(ask("amd 4", ""), "x") << "proved";
  EXPECT_EQ(fetches_, 4);
  pass(59);
  EXPECT_EQ(ask("amd 5", "192.0.2.1"), "endorsement_budget");
  pass(1);
  EXPECT_EQ(ask("amd 5", "192.0.2.1"), "x");
}

TEST_F(CacheTest, AskersThatAreRememberedAreBounded) {
  limits_.fetches_per_minute_max = kAskersMax * 4;
  limits_.fetches_per_asker_max = 1;
  Cache cache(clock_, limits_);
  const auto ask = [&](std::size_t number) {
    const auto got = cache.get(concat("amd ", fetches_.load()), giving("x"), kSoon,
                               {0, concat("asker ", number)});
    return got.ok() ? "x" : got.error().reason;
  };
  for (std::size_t i = 0; i < kAskersMax; ++i) {
    ASSERT_EQ(ask(i), "x");
    clock_.advance(Milliseconds(1));
  }
  EXPECT_EQ(ask(0), "endorsement_budget") << "the first is remembered";
  EXPECT_EQ(ask(kAskersMax), "x") << "the oldest makes room";
  EXPECT_EQ(ask(1), "endorsement_budget");
  EXPECT_EQ(ask(0), "x") << "it is asked as if for the first time";
}

TEST_F(CacheTest, AFetchThatThrowsLeavesNobodyWaiting) {
  const auto throwing = [](const Deadline&) -> Result<Document> { throw std::bad_alloc(); };
  limits_.callers_max = 1;
  Cache cache(clock_, limits_);
  EXPECT_THROW(static_cast<void>(cache.get("amd a", throwing, kSoon)), std::bad_alloc);
  EXPECT_TRUE(cache.get("amd a", giving("x"), kSoon).ok());
}

}  // namespace
}  // namespace apm::endorsements
