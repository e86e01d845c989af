#include "boot/custody.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <utility>

#include "base/text.h"
#include "skr/envelope.h"
#include "storage/fault_store.h"
#include "storage/leased_memory_store.h"

namespace apm::boot {
namespace {

using storage::FaultStore;

// A key vault in memory: every set makes a version; from `fail_from` on, every call fails.
class FakeVault final : public SecretVault {
 public:
  Result<std::optional<std::string>> get(const std::string& name,
                                         const std::string& version) override {
    APM_CHECK_OK(call());
    const auto found = secrets_.find(name);
    if (found == secrets_.end()) return std::optional<std::string>();
    if (version.empty()) return std::optional<std::string>(found->second.back().value);
    for (const Kept& one : found->second) {
      if (one.id == version) return std::optional<std::string>(one.value);
    }
    return std::optional<std::string>();
  }
  Result<std::string> set(const std::string& name, const std::string& value) override {
    APM_CHECK_OK(call());
    if (const auto hook = std::exchange(before_set, nullptr)) hook();
    const std::string id = concat("v", second >= 0 ? 1000 - ++count_ : ++count_);
    secrets_[name].push_back({id, second >= 0 ? second : std::int64_t{count_}, value});
    if (after_set) after_set();
    return id;
  }
  Result<std::string> set_until(const std::string& name, const std::string& value,
                                std::int64_t /*expires_unix_s*/) override {
    return set(name, value);
  }
  Result<std::vector<Version>> versions(const std::string& name) override {
    APM_CHECK_OK(call());
    std::vector<Version> out;
    for (const Kept& one : secrets_[name]) out.push_back({one.id, one.created});
    return out;
  }
  [[nodiscard]] std::string name() const override { return "apmkv"; }

  struct Kept {
    std::string id;
    std::int64_t created;
    std::string value;
  };
  std::map<std::string, std::vector<Kept>> secrets_;
  std::function<void()> after_set;
  std::function<void()> before_set;  // once
  std::int64_t second = -1;          // -1: every version has a date of its own, in order
  Error failure{Code::kUnavailable, "vault_gone", "planned"};
  unsigned calls = 0;
  unsigned fail_from = 0;  // 0: never; else the call from which on everything fails

 private:
  Status call() {
    ++calls;
    if (fail_from != 0 && calls >= fail_from) return failure;
    return {};
  }
  unsigned count_ = 0;
};

class CustodyTest : public ::testing::Test {
 protected:
  // One boot over `store`, with a barrier of its own.
  Result<Opened> boot(storage::Store& store, const std::string& replaced = "") {
    barrier::Barrier barrier(store, clock_);
    const CustodyInput input{.barrier = barrier,
                             .vault = vault_,
                             .master_key = key(),
                             .master_key_version = "1",
                             .kind = barrier::StoreKind::kTest,
                             .replaced_store_id = replaced,
                             .store_description = "memory",
                             .log = log_,
                             .sleep = [this](Milliseconds span) {
                               if (vault_.second >= 0 && span.count() > 1000) ++vault_.second;
                             }};
    auto opened = open_store(input);
    if (opened.ok()) {
      EXPECT_EQ(*barrier.state(), barrier::State::kUnsealed);
      EXPECT_TRUE(barrier.put("probe", as_bytes("x")).ok());
    }
    return opened;
  }
  static const crypto::PrivateKey& key() {
    static const crypto::PrivateKey made = *crypto::PrivateKey::generate_rsa(2048);
    return made;
  }
  std::string store_id(storage::Store& store) {
    return (*barrier::Barrier(store, clock_).seal_config())->store_id;
  }

  ManualClock clock_{1'790'000'000};
  NullLog log_;
  FakeVault vault_;
  storage::LeasedMemoryStore store_;
};

TEST_F(CustodyTest, FirstBootInitialisesAndLaterBootsUnseal) {
  EXPECT_EQ(*boot(store_), Opened::kInitialised);
  const auto kept = vault_.secrets_;
  EXPECT_EQ(kept.size(), 5U);
  EXPECT_EQ(*boot(store_), Opened::kUnsealed);
  EXPECT_EQ(*boot(store_), Opened::kUnsealed);
  EXPECT_EQ(vault_.secrets_["apm-unseal-key-0"].size(), 1U);  // nothing is overwritten
}

TEST_F(CustodyTest, AnEmptyStoreBesideAnotherStoresKeysStopsTheBoot) {
  ASSERT_TRUE(boot(store_).ok());
  storage::LeasedMemoryStore empty;  // a wrong account's name, or an emptied container
  const auto refused = boot(empty);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().reason, "foreign_unseal_keys");
  EXPECT_NE(refused.error().message.find(store_id(store_)), std::string::npos);
  EXPECT_EQ(vault_.secrets_["apm-unseal-key-0"].size(), 1U);
  EXPECT_EQ(*empty.get("core/journal"), std::nullopt);
  // Only who names the old id may go on; the old store then still opens with its own versions.
  EXPECT_EQ(boot(empty, "00000000000000000000000000000000").error().reason, "foreign_unseal_keys");
  EXPECT_EQ(*boot(empty, store_id(store_)), Opened::kInitialised);
  EXPECT_EQ(*boot(store_), Opened::kUnsealed);
}

TEST_F(CustodyTest, AValueThatIsNoEnvelopeOfOursIsForeignToo) {
  ASSERT_TRUE(vault_.set("apm-unseal-key-0", "cGxhaW4gT0FFUA==").ok());
  EXPECT_EQ(boot(store_).error().reason, "foreign_unseal_keys");
}

TEST_F(CustodyTest, OfTwoFirstBootsTheOlderKeysWin) {
  storage::LeasedMemoryStore other;
  bool raced = false;
  vault_.after_set = [&] {
    if (raced) return;
    raced = true;  // after our first key: the other store's boot runs whole, and must stop
    EXPECT_EQ(boot(other).error().reason, "foreign_unseal_keys");
  };
  EXPECT_EQ(*boot(store_), Opened::kInitialised);
  vault_.after_set = nullptr;
  EXPECT_EQ(*boot(store_), Opened::kUnsealed);
}

// Both stores begin when the vault is empty; one is done before the other stores its first key, all
// in one second, and the later version's id happens to sort first.
TEST_F(CustodyTest, OfTwoFirstBootsInOneSecondOnlyOneInitialises) {
  storage::LeasedMemoryStore other;
  vault_.second = 100;
  vault_.before_set = [&] { EXPECT_EQ(*boot(store_), Opened::kInitialised); };
  const auto late = boot(other);
  ASSERT_FALSE(late.ok());
  EXPECT_EQ(late.error().reason, "foreign_unseal_keys");
  EXPECT_EQ(*other.get("core/seal-config"), std::nullopt);
  EXPECT_EQ(*boot(store_), Opened::kUnsealed);
}

TEST_F(CustodyTest, AThrottlingVaultIsNoDamagedKey) {
  ASSERT_TRUE(boot(store_).ok());
  vault_.failure = Error(Code::kRateLimited, "key_vault_throttled", "planned");
  vault_.fail_from = vault_.calls + 1;
  EXPECT_EQ(boot(store_).error().reason, "key_vault_throttled");
  // One key that may not be read is one of five.
  vault_.failure = Error(Code::kPermissionDenied, "key_vault_disabled", "planned");
  EXPECT_EQ(boot(store_).error().reason, "unseal_keys_insufficient");
}

TEST_F(CustodyTest, SwappedReplayedAndDamagedKeysAreRefused) {
  ASSERT_TRUE(boot(store_).ok());
  auto& secrets = vault_.secrets_;
  const auto good = secrets;
  std::swap(secrets["apm-unseal-key-0"].back().value, secrets["apm-unseal-key-1"].back().value);
  EXPECT_EQ(*boot(store_), Opened::kUnsealed);  // three others are enough
  std::swap(secrets["apm-unseal-key-2"].back().value, secrets["apm-unseal-key-3"].back().value);
  EXPECT_EQ(boot(store_).error().reason, "unseal_keys_insufficient");
  secrets = good;
  for (const char* name : {"apm-unseal-key-0", "apm-unseal-key-1", "apm-unseal-key-2"}) {
    std::string& value = secrets[name].back().value;
    value[value.size() / 2] = value[value.size() / 2] == 'A' ? 'B' : 'A';
  }
  EXPECT_EQ(boot(store_).error().reason, "unseal_keys_insufficient");
  secrets = good;
  secrets.erase("apm-unseal-key-4");
  EXPECT_EQ(*boot(store_), Opened::kUnsealed);
  // A newer version that somebody else stored is not even read: versions are pinned.
  for (auto& [name, versions] : secrets) versions.push_back({"evil", 99, "evil"});
  EXPECT_EQ(*boot(store_), Opened::kUnsealed);
}

TEST_F(CustodyTest, ACrashBeforeAnyCallOrCommitIsFinishedByTheNextBoot) {
  storage::LeasedMemoryStore probe;
  ASSERT_TRUE(boot(probe).ok());
  const unsigned calls = vault_.calls;
  ASSERT_GT(calls, 10U);
  for (unsigned dead = 1; dead <= calls; ++dead) {
    vault_.secrets_.clear();
    vault_.calls = 0;
    vault_.fail_from = dead;
    storage::LeasedMemoryStore store;
    EXPECT_EQ(boot(store).error().reason, "vault_gone") << dead;
    vault_.fail_from = 0;
    EXPECT_TRUE(boot(store).ok()) << "the boot after a crash at call " << dead;
    EXPECT_EQ(*boot(store), Opened::kUnsealed);
  }
  for (const auto point : {FaultStore::Point::kBeforeCommit, FaultStore::Point::kAfterCommit}) {
    for (unsigned nth = 1; nth <= 2; ++nth) {  // the journal, then the initialising commit
      vault_.secrets_.clear();
      storage::LeasedMemoryStore store;
      FaultStore faulty(store, [&](FaultStore::Point at, unsigned n) -> Status {
        if (at == point && n == nth) return Error(Code::kIo, "planned");
        return {};
      });
      EXPECT_FALSE(boot(faulty).ok());
      EXPECT_TRUE(boot(store).ok()) << "after a fault at commit " << nth;
    }
  }
}

TEST_F(CustodyTest, AStoreInitialisedByHandSaysSo) {
  {
    barrier::Barrier barrier(store_, clock_);
    auto plan = barrier.plan_init(barrier::StoreKind::kTest, {.shares = 5, .threshold = 3});
    ASSERT_TRUE(barrier.commit_init(std::move(*plan)).ok());
  }
  EXPECT_EQ(boot(store_).error().reason, "no_custody");
}

}  // namespace
}  // namespace apm::boot
