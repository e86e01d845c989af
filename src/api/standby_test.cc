// Two servers on one store, through their pipelines: what a standby answers, and that a node which
// has lost its lease answers nothing.

#include <functional>
#include <thread>

#include "api/snapshot_fixture.h"
#include "ha/advert.h"
#include "ha/node.h"

namespace apm::api {
namespace {

constexpr ha::Timing kQuick{Milliseconds(5), Milliseconds(200), Milliseconds(50),
                            Milliseconds(200)};

// As boot's duties: an authenticated address, and the core's parts loaded and dropped.
class TestDuties final : public ha::Duties {
 public:
  TestDuties(Core& core, std::string address) : core_(core), address_(std::move(address)) {}
  Result<std::string> lease_owner() override {
    APM_TRY(const crypto::SecretBytes key, core_.barrier().derive(ha::kAdvertKeyLabel));
    return ha::advert_text({address_, "a test"}, key);
  }
  std::optional<std::string> address_in(const std::string& owner) override {
    const auto key = core_.barrier().derive(ha::kAdvertKeyLabel);
    if (!key.ok()) return std::nullopt;
    const auto advert = ha::read_advert(owner, *key);
    return advert ? std::optional<std::string>(advert->api_addr) : std::nullopt;
  }
  Status take_over() override { return core_.load(); }
  void step_back() override { core_.unload(); }

 private:
  Core& core_;
  std::string address_;
};

struct TestNode {
  TestNode(const std::shared_ptr<storage::MemoryContent>& content, ManualClock& clock,
           const std::string& address)
      : store(content),
        server(store, clock, Mode::kNetworkOperated, Phase::kServing),
        duties(server.core, address),
        node(store, duties, server.log, kQuick) {
    server.core.set_node(node);
  }
  storage::MemoryStore store;
  Server server;
  TestDuties duties;
  ha::Node node;
};

class StandbyTest : public ::testing::Test {
 protected:
  void SetUp() override {
    one_.server.bring_up();
    two_.server.keys = one_.server.keys;
    two_.server.root = one_.server.root;
    ASSERT_EQ(one_.node.role(), ha::Role::kActive);
    ASSERT_EQ(one_.server.ask("POST", "sys/mounts/anjuna", R"({"type":"kv"})").status, 204);
    ASSERT_EQ(one_.server.ask("PUT", "anjuna/dek", R"({"v":"first"})").status, 204);
    two_.server.unseal();
    ASSERT_EQ(two_.node.role(), ha::Role::kStandby);
  }
  static bool becomes(TestNode& which, ha::Role role) {
    const Deadline deadline = Deadline::after(Milliseconds(5'000));
    while (which.node.role() != role) {
      if (deadline.passed()) return false;
      std::this_thread::sleep_for(Milliseconds(2));
    }
    return true;
  }

  ManualClock clock_{1'800'000'000};
  std::shared_ptr<storage::MemoryContent> content_ = std::make_shared<storage::MemoryContent>();
  TestNode one_{content_, clock_, "https://one:8200"};
  TestNode two_{content_, clock_, "https://two:8200"};
};

TEST_F(StandbyTest, HealthHasACodeForStandbys) {
  Server& two = two_.server;
  const Reply standing = two.ask("GET", "sys/health");
  EXPECT_EQ(standing.status, 429);
  EXPECT_TRUE(*standing.body.at("standby")->as_bool());
  EXPECT_FALSE(*standing.body.at("sealed")->as_bool());
  EXPECT_NE(standing.body.at("cluster_id"), nullptr);
  EXPECT_EQ(two.ask("GET", "sys/health?standbyok").status, 200);
  EXPECT_EQ(two.ask("GET", "sys/health?standbyok=true&activecode=204").status, 204);
  EXPECT_EQ(two.ask("GET", "sys/health?standbyok=false").status, 429);
  EXPECT_EQ(two.ask("GET", "sys/health?standbycode=299").status, 299);
  EXPECT_EQ(two.ask("GET", "sys/health?standbycode=99").status, 400);
  EXPECT_EQ(one_.server.ask("GET", "sys/health?standbycode=299").status, 200);
  EXPECT_FALSE(*one_.server.ask("GET", "sys/health").body.at("standby")->as_bool());
}

TEST_F(StandbyTest, EverythingElseIsSentToTheActiveNode) {
  Server& two = two_.server;
  const Reply read = two.ask("GET", "anjuna/dek?x=%2F");
  EXPECT_EQ(read.status, 307);
  EXPECT_EQ(read.location, "https://one:8200/v1/anjuna/dek?x=%2F");
  EXPECT_TRUE(read.body.is_null());
  EXPECT_EQ(two.ask("PUT", "anjuna/dek", R"({"v":"no"})", "not a token").status, 307);
  EXPECT_EQ(two.ask("LIST", "sys/policies/acl").location, "https://one:8200/v1/sys/policies/acl");
  EXPECT_FALSE(*two.ask("GET", "sys/seal-status").body.at("sealed")->as_bool());
  const Reply leader = two.ask("GET", "sys/leader");
  EXPECT_TRUE(*leader.body.at("ha_enabled")->as_bool());
  EXPECT_FALSE(*leader.body.at("is_self")->as_bool());
  EXPECT_EQ(*leader.body.string_at("leader_address"), "https://one:8200");
  for (const char* path : {"sys/seal", "sys/step-down"}) {
    const Reply refused = two.ask("PUT", path);
    EXPECT_EQ(refused.status, 400) << path;
    EXPECT_EQ(*refused.body.string_at("reason"), "standby") << path;
  }
  EXPECT_EQ(two_.node.role(), ha::Role::kStandby);
}

TEST_F(StandbyTest, AnAddressThatNobodyVouchesForIsNotUsed) {
  two_.server.core.on_seal();
  one_.node.stop();
  const auto forged =
      one_.store.acquire_lease(R"({"api_addr":"https://evil:8200","node":"n","mac":"00"})",
                               Deadline::after(Milliseconds{0}));
  ASSERT_TRUE(forged.ok());
  two_.server.unseal();
  const Reply read = two_.server.ask("GET", "anjuna/dek");
  EXPECT_EQ(read.status, 503);
  EXPECT_EQ(read.location, "");
  EXPECT_NE(read.error().find("no active node"), std::string::npos);
}

TEST_F(StandbyTest, SteppingDownNeedsSudoAndHandsOver) {
  Server& one = one_.server;
  ASSERT_EQ(one.ask("PUT", "sys/policies/acl/weak",
                    R"({"policy":"path \"sys/step-down\" { capabilities = [\"update\"] }"})")
                .status,
            204);
  const std::string weak = one.make_token(R"({"policies":["weak"]})");
  EXPECT_EQ(one.ask("PUT", "sys/step-down", "", weak).status, 403);
  EXPECT_EQ(one.ask("GET", "sys/step-down").status, 405);
  EXPECT_EQ(one_.node.role(), ha::Role::kActive);
  EXPECT_EQ(one.ask("PUT", "sys/step-down").status, 204);
  ASSERT_TRUE(becomes(two_, ha::Role::kActive));
  EXPECT_EQ(*two_.server.ask("GET", "anjuna/dek").data("v")->as_string(), "first");
  // Tokens and policies of the store are there; the former active node serves nobody.
  EXPECT_EQ(two_.server.ask("GET", "auth/token/lookup-self", "", weak).status, 200);
  EXPECT_NE(one.ask("GET", "anjuna/dek").status, 200);
}

// A process that was paused and goes on is asked before its own thread has looked at the lease.
TEST_F(StandbyTest, WhoLostTheLeaseDoesNotSayThatHeIsActive) {
  Server& one = one_.server;
  EXPECT_TRUE(*one.ask("GET", "sys/leader").body.at("is_self")->as_bool());
  content_->expire_lease();
  EXPECT_EQ(one.ask("GET", "sys/health").status, 429);
  const Reply leader = one.ask("GET", "sys/leader");
  EXPECT_FALSE(*leader.body.at("is_self")->as_bool());
  EXPECT_NE(*leader.body.string_at("leader_address"), "https://one:8200");
  EXPECT_EQ(*leader.body.string_at("active_time"), "0001-01-01T00:00:00Z");
}

TEST_F(StandbyTest, WhoLostTheLeaseAnswersNothingFromMemoryAndWritesNothing) {
  Server& one = one_.server;
  content_->expire_lease();
  ASSERT_TRUE(becomes(two_, ha::Role::kActive));
  ASSERT_EQ(two_.server
                .ask("PUT", "sys/policies/acl/new",
                     R"({"policy":"path \"x\" { capabilities = [\"read\"] }"})")
                .status,
            204);
  for (const char* path : {"anjuna/dek", "sys/policies/acl/new", "auth/token/lookup-self"}) {
    const Reply read = one.ask("GET", path);
    EXPECT_TRUE(read.status == 503 || read.status == 307) << path << " " << read.status;
  }
  EXPECT_NE(one.ask("PUT", "anjuna/dek", R"({"v":"late"})").status, 204);
  EXPECT_EQ(*two_.server.ask("GET", "anjuna/dek").data("v")->as_string(), "first");
  EXPECT_TRUE(becomes(one_, ha::Role::kStandby));
}

// Does something between a request's admission and its work.
class InBetween final : public audit::Device {
 public:
  explicit InBetween(std::function<void()> action) : action_(std::move(action)) {}
  [[nodiscard]] Status write(const json::Object& record) override {
    types.push_back(*record.find("type")->as_string());
    if (types.size() == 1) action_();
    return {};
  }
  [[nodiscard]] Status reopen() override { return {}; }
  [[nodiscard]] std::string name() const override { return "between"; }
  std::vector<std::string> types;

 private:
  std::function<void()> action_;
};

// The request passed the gate and was admitted; then another node took over and wrote. What is read
// now, or refused, is not told.
TEST_F(StandbyTest, ALeaseLostUnderARequestWithholdsItsAnswer) {
  auto device = std::make_unique<InBetween>([this] {
    content_->expire_lease();
    ASSERT_TRUE(becomes(two_, ha::Role::kActive));
    ASSERT_EQ(two_.server.ask("PUT", "anjuna/dek", R"({"v":"newer"})").status, 204);
  });
  const InBetween& seen = *device;
  one_.server.broker.add(std::move(device));
  const Reply read = one_.server.ask("GET", "anjuna/dek");
  EXPECT_EQ(read.status, 503);
  EXPECT_NE(read.error().find("stopped being the active one"), std::string::npos) << read.error();
  EXPECT_EQ(seen.types, (std::vector<std::string>{"request", "response"}));
}

TEST_F(StandbyTest, ARefusalIsWithheldToo) {
  one_.server.broker.add(std::make_unique<InBetween>([this] {
    content_->expire_lease();
    ASSERT_TRUE(becomes(two_, ha::Role::kActive));
  }));
  const Reply read = one_.server.ask("GET", "anjuna/dek", "", "hvs.nobodys");
  EXPECT_EQ(read.status, 503);
  EXPECT_NE(read.error().find("stopped being the active one"), std::string::npos) << read.error();
}

TEST_F(StandbyTest, SealingTheActiveNodeLetsTheOtherTakeOver) {
  EXPECT_EQ(one_.server.ask("PUT", "sys/seal").status, 204);
  EXPECT_EQ(one_.server.ask("GET", "sys/health").status, 503);
  EXPECT_EQ(one_.server.ask("GET", "sys/leader").status, 503);
  ASSERT_TRUE(becomes(two_, ha::Role::kActive));
  one_.server.unseal();
  EXPECT_EQ(one_.server.ask("GET", "sys/health").status, 429);
}

// The store was replaced by another one, a restored snapshot perhaps: the standby's keys do not
// open it, and it must not keep the lease from whoever has the right ones.
TEST_F(StandbyTest, AStandbyWhoseKeysDoNotFitSealsItself) {
  const auto keyring = *one_.store.get("core/keyring");
  storage::Batch damage;
  damage.puts.push_back({"core/keyring", *keyring});
  damage.puts.back().value.back() ^= 1;
  ASSERT_TRUE(one_.store.commit(damage).ok());
  one_.node.stop();
  ASSERT_TRUE(becomes(two_, ha::Role::kIdle));
  EXPECT_EQ(two_.server.ask("GET", "sys/health").status, 503);
  EXPECT_EQ(two_.server.ask("GET", "anjuna/dek").status, 503);
  EXPECT_FALSE(one_.store.holder()->has_value());
}

TEST_F(StandbyTest, ARestoreOnTheActiveNodeIsWhatTheNextOneServes) {
  Server& one = one_.server;
  const Bytes file = save(one);
  ASSERT_EQ(one.ask("PUT", "anjuna/dek", R"({"v":"after"})").status, 204);
  const std::string late = one.make_token(R"({"policies":["default"]})");
  const Reply done =
      one.ask("POST", "sys/apm/snapshot/restore/" + upload_to(one, file) + "/commit", "{}");
  ASSERT_EQ(done.status, 200) << done.error();
  EXPECT_EQ(one.ask("GET", "sys/health").status, 503);
  ASSERT_TRUE(becomes(two_, ha::Role::kActive));
  EXPECT_EQ(*two_.server.ask("GET", "anjuna/dek").data("v")->as_string(), "first");
  EXPECT_EQ(two_.server.ask("GET", "auth/token/lookup-self", "", late).status, 403);
  one.unseal();
  EXPECT_EQ(one.ask("GET", "sys/health").status, 429);
}

TEST_F(StandbyTest, AnotherStoresSnapshotSealsWhoStoodBy) {
  storage::LeasedMemoryStore elsewhere;
  Server other(elsewhere, clock_, Mode::kNetworkOperated, Phase::kServing);
  other.bring_up();
  const Bytes file = save(other);
  Server& one = one_.server;
  const Reply done = one.ask("POST", "sys/apm/snapshot/restore/" + upload_to(one, file) + "/commit",
                             R"({"force":true})");
  ASSERT_EQ(done.status, 200) << done.error();
  ASSERT_TRUE(becomes(two_, ha::Role::kIdle));
  EXPECT_EQ(two_.server.ask("GET", "sys/health").status, 503);
  EXPECT_TRUE(*two_.server.ask("GET", "sys/seal-status").body.at("sealed")->as_bool());
  // The new store's own shares open it, on whichever node.
  two_.server.keys = other.keys;
  two_.server.root = other.root;
  two_.server.unseal();
  EXPECT_EQ(two_.server.ask("GET", "sys/health").status, 200);
}

// A restore from outside that broke off: whoever stands by may not serve what is half there, keeps
// his keys, and goes on when the restore was repeated.
TEST_F(StandbyTest, NobodyTakesOverAStoreWhoseRestoreIsNotFinished) {
  storage::Batch begin;
  begin.puts.push_back({"core/incomplete", to_bytes(std::string_view("restoring"))});
  ASSERT_TRUE(one_.store.commit(begin).ok());
  one_.node.stop();
  std::this_thread::sleep_for(Milliseconds(100));
  EXPECT_NE(two_.node.role(), ha::Role::kActive);
  EXPECT_EQ(two_.server.ask("GET", "anjuna/dek").status, 503);
  auto lease = one_.store.acquire_lease("a restore", Deadline::after(Milliseconds(3'000)));
  ASSERT_TRUE(lease.ok()) << lease.error().message;
  storage::Batch end;
  end.deletes.emplace_back("core/incomplete");
  ASSERT_TRUE(one_.store.commit(end).ok());
  lease->reset();
  ASSERT_TRUE(becomes(two_, ha::Role::kActive));
  EXPECT_EQ(*two_.server.ask("GET", "anjuna/dek").data("v")->as_string(), "first");
}

TEST_F(StandbyTest, ASnapshotOnItsWayEndsWithTheTerm) {
  const std::string id = text(one_.server.ask("POST", "sys/apm/snapshot/save"), "id");
  ASSERT_NE(id, "");
  content_->expire_lease();
  ASSERT_TRUE(becomes(two_, ha::Role::kActive));
  two_.node.stop();
  ASSERT_TRUE(becomes(one_, ha::Role::kActive));
  EXPECT_EQ(one_.server.ask("POST", "sys/apm/snapshot/save/" + id, R"({"piece":0})").status, 404);
}

// What another node changed while this one stood by is there when it takes over: a term's keyring,
// a mount, a policy and a token are loaded, not remembered.
TEST_F(StandbyTest, ATermBeginsWithWhatIsInTheStore) {
  ASSERT_EQ(one_.server.ask("PUT", "sys/step-down").status, 204);
  ASSERT_TRUE(becomes(two_, ha::Role::kActive));
  Server& two = two_.server;
  ASSERT_TRUE(two.barrier.rotate().ok());
  ASSERT_EQ(two.ask("POST", "sys/mounts/later", R"({"type":"kv"})").status, 204);
  ASSERT_EQ(two.ask("PUT", "later/x", R"({"v":"second"})").status, 204);
  const std::string token = two.make_token(R"({"policies":["default"]})");
  two_.node.stop();
  ASSERT_TRUE(becomes(one_, ha::Role::kActive));
  EXPECT_EQ(*one_.server.ask("GET", "later/x").data("v")->as_string(), "second");
  EXPECT_EQ(one_.server.ask("GET", "auth/token/lookup-self", "", token).status, 200);
}

}  // namespace
}  // namespace apm::api
