#include "ha/node.h"

#include <gtest/gtest.h>

#include <functional>

#include "ha/advert.h"
#include "storage/memory_store.h"

namespace apm::ha {
namespace {

const crypto::SecretBytes& key() {
  static const crypto::SecretBytes made = crypto::SecretBytes::random(32);
  return made;
}

// Counts what it is told; takes over only while it may.
class FakeDuties final : public Duties {
 public:
  explicit FakeDuties(std::string address) : address_(std::move(address)) {}
  Result<std::string> lease_owner() override { return advert_text({address_, "a test"}, key()); }
  std::optional<std::string> address_in(const std::string& owner) override {
    const auto advert = read_advert(owner, key());
    if (!advert) return std::nullopt;
    return advert->api_addr;
  }
  Status take_over() override {
    ++taken;
    if (during_take_over) during_take_over();
    if (refuse) return Error(Code::kCorrupt, "planned", "planned");
    return {};
  }
  void step_back() override { ++dropped; }

  std::atomic<bool> refuse{false};
  std::atomic<int> taken{0};
  std::atomic<int> dropped{0};
  std::function<void()> during_take_over;

 private:
  std::string address_;
};

constexpr Timing kQuick{Milliseconds(5), Milliseconds(300), Milliseconds(20), Milliseconds(160)};
Deadline soon() { return Deadline::after(Milliseconds(5000)); }

template <class Condition>
bool eventually(Condition condition) {
  const Deadline deadline = soon();
  while (!condition()) {
    if (deadline.passed()) return false;
    std::this_thread::sleep_for(Milliseconds(2));
  }
  return true;
}

class NodeTest : public ::testing::Test {
 protected:
  std::shared_ptr<storage::MemoryContent> content_ = std::make_shared<storage::MemoryContent>();
  storage::MemoryStore one_store_{content_};
  storage::MemoryStore two_store_{content_};
  NullLog log_;
  FakeDuties one_duties_{"https://one:8200"};
  FakeDuties two_duties_{"https://two:8200"};
  Node one_{one_store_, one_duties_, log_, kQuick};
  Node two_{two_store_, two_duties_, log_, kQuick};
};

TEST_F(NodeTest, OneIsActiveAndTheOtherKnowsWhere) {
  EXPECT_EQ(one_.role(), Role::kIdle);
  EXPECT_FALSE(one_.gate().enter());
  EXPECT_EQ(*one_.stand(soon()), Role::kActive);
  EXPECT_EQ(*two_.stand(soon()), Role::kStandby);
  EXPECT_EQ(one_duties_.taken, 1);
  EXPECT_EQ(two_duties_.taken, 0);
  const auto pass = one_.gate().enter();
  ASSERT_TRUE(pass);
  EXPECT_TRUE(pass->valid());
  EXPECT_FALSE(two_.gate().enter());
  ASSERT_TRUE(two_.leader());
  EXPECT_EQ(two_.leader()->api_addr, "https://one:8200");
  EXPECT_FALSE(two_.leader()->self);
  EXPECT_TRUE(one_.leader()->self);
  EXPECT_EQ(two_.step_down().error().reason, "not_active");
}

TEST_F(NodeTest, SteppingDownLetsRequestsFinishAndTheOtherTakesOver) {
  ASSERT_TRUE(one_.stand(soon()).ok());
  ASSERT_TRUE(two_.stand(soon()).ok());
  std::optional<Gate::Pass> pass = one_.gate().enter();
  ASSERT_TRUE(one_.step_down().ok());
  EXPECT_FALSE(one_.gate().enter());  // nobody else comes in
  EXPECT_EQ(one_.role(), Role::kStandby);
  EXPECT_EQ(one_.step_down().error().reason, "not_active");  // once is enough
  std::this_thread::sleep_for(Milliseconds(100));
  EXPECT_TRUE(pass->valid());
  EXPECT_EQ(two_.role(), Role::kStandby);
  EXPECT_EQ(one_duties_.dropped, 0);
  pass.reset();
  EXPECT_TRUE(eventually([this] { return two_.role() == Role::kActive; }));
  EXPECT_EQ(one_duties_.dropped, 1);
  EXPECT_EQ(one_.role(), Role::kStandby);
  // It comes back when the other one goes.
  two_.withdraw();
  EXPECT_TRUE(eventually([this] { return one_.role() == Role::kActive; }));
  EXPECT_EQ(one_duties_.taken, 2);
}

TEST_F(NodeTest, ALostLeaseEndsTheTermAndRequestsOfItAreNotAnswered) {
  ASSERT_TRUE(one_.stand(soon()).ok());
  const auto pass = one_.gate().enter();
  ASSERT_TRUE(pass);
  const std::uint64_t epoch = pass->epoch();
  content_->expire_lease();
  // At once, and not when its thread has looked: it may have been asleep until now.
  EXPECT_EQ(one_.role(), Role::kStandby);
  EXPECT_FALSE(one_.leader());
  EXPECT_EQ(one_.active_since(), 0);
  ASSERT_EQ(*two_.stand(soon()), Role::kActive);
  EXPECT_FALSE(pass->valid());
  EXPECT_FALSE(one_.gate().enter());
  EXPECT_TRUE(eventually([this] { return one_.role() == Role::kStandby; }));
  EXPECT_TRUE(eventually([this] { return one_duties_.dropped == 1; }));
  EXPECT_GT(two_.leader()->epoch, epoch);
  // A request of the old term still runs: the node does not compete before it has ended.
  two_.stop();
  std::this_thread::sleep_for(Milliseconds(100));
  EXPECT_EQ(one_.role(), Role::kStandby);
}

TEST_F(NodeTest, ATakeoverThatFailsGivesTheLeaseUp) {
  one_duties_.refuse = true;
  EXPECT_EQ(one_.stand(soon()).error().reason, "planned");
  EXPECT_EQ(one_duties_.dropped, 1);
  EXPECT_FALSE(one_.gate().enter());
  EXPECT_EQ(*two_.stand(soon()), Role::kActive);
}

// 20, 40, 80, 160, 160 ms: the lease is free most of the time, and the one that can takes it.
TEST_F(NodeTest, ATakeoverThatGoesOnFailingIsTriedLessAndLessOften) {
  one_duties_.refuse = true;
  EXPECT_FALSE(one_.stand(soon()).ok());
  std::this_thread::sleep_for(Milliseconds(620));
  EXPECT_GE(one_duties_.taken, 4);
  EXPECT_LE(one_duties_.taken, 7);
  one_duties_.refuse = false;
  EXPECT_TRUE(eventually([this] { return one_.role() == Role::kActive; }));
}

TEST_F(NodeTest, SealedWhileItLoadsItDoesNotBecomeActive) {
  one_duties_.during_take_over = [this] { one_.withdraw(); };
  EXPECT_EQ(one_.stand(soon()).error().reason, "ha_withdrawn");
  EXPECT_TRUE(eventually([this] { return one_.role() == Role::kIdle; }));
  EXPECT_FALSE(one_.gate().enter());
  EXPECT_EQ(one_duties_.dropped, 1);
  EXPECT_FALSE(two_store_.holder()->has_value());
}

TEST_F(NodeTest, AfterWithdrawingItCanStandAgain) {
  ASSERT_TRUE(one_.stand(soon()).ok());
  one_.withdraw();
  EXPECT_FALSE(one_.gate().enter());
  EXPECT_EQ(*one_.stand(soon()), Role::kActive);
  EXPECT_EQ(one_duties_.taken, 2);
  one_.stop();
  EXPECT_FALSE(one_store_.holder()->has_value());
}

TEST(AdvertTest, AnAddressNeedsItsMac) {
  const Advert advert{"https://one:8200", "host, process 7"};
  const std::string text = advert_text(advert, key());
  ASSERT_TRUE(read_advert(text, key()));
  EXPECT_EQ(read_advert(text, key())->api_addr, "https://one:8200");
  EXPECT_EQ(read_advert(text, key())->node, "host, process 7");
  std::string changed = text;
  changed.replace(changed.find("one"), 3, "two");
  EXPECT_FALSE(read_advert(changed, key()));
  changed = text;
  changed.replace(changed.find("process 7"), 9, "process 8");
  EXPECT_FALSE(read_advert(changed, key()));
  EXPECT_FALSE(read_advert(text, crypto::SecretBytes::random(32)));
  EXPECT_FALSE(read_advert("anjuna-policy-manager-server, process 7", key()));
  EXPECT_FALSE(read_advert(R"({"api_addr":"https://one:8200","node":"n"})", key()));
}

TEST(AdvertTest, OnlyAnOriginIsAnAddress) {
  for (const char* good : {"https://a:8200", "http://127.0.0.1:1", "https://[fd00::1]:8200"}) {
    EXPECT_TRUE(is_api_address(good)) << good;
  }
  for (const char* bad : {"", "https://", "a:8200", "https://a/b", "https://u@a",
                          "https://a\r\nX:", "ftp://a", "https://a?x"}) {
    EXPECT_FALSE(is_api_address(bad)) << bad;
  }
}

}  // namespace
}  // namespace apm::ha
