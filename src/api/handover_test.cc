#include "api/handover.h"

#include "api/api_fixture.h"

namespace apm::api {
namespace {

constexpr const char* kConfirm = "sys/apm/handover/confirm";

// A server whose boot delivered a root token that lives an hour, and an administrator beside it.
class HandoverTest : public ApiTest {
 protected:
  void SetUp() override {
    ApiTest::SetUp();
    const auto made = server.tokens.create_root(3600);
    ASSERT_TRUE(made.ok());
    handed_ = made->token;
    record_.stage = HandoverStage::kDelivered;
    record_.accessor = made->entry.accessor;
    record_.secret_name = "apm-root-token";
    record_.secret_version = "v1";
    record_.minted_unix_s = clock.unix_s();
    record_.expires_unix_s = made->entry.expires_unix_s;
    ASSERT_TRUE(write_handover(server.barrier, record_).ok());
    const char* policy =
        R"json({"policy":"path \"sys/policies/acl/*\" { capabilities = [\"update\"] }\n)json"
        R"json(path \"auth/token/create\" { capabilities = [\"update\"] }\n)json"
        R"json(path \"sys/apm/handover/confirm\" { capabilities = [\"update\", \"sudo\"] }\n)json"
        R"json(path \"sys/apm/*\" { capabilities = [\"read\"] }"})json";
    ASSERT_EQ(server.ask("PUT", "sys/policies/acl/admin", policy).status, 204);
  }
  std::string make_admin(const std::string& by) {
    return server.make_token(R"({"policies":["admin"],"no_parent":true})", by);
  }
  std::string state(const std::string& token) {
    const Reply reply = server.ask("GET", "sys/apm/handover", "", token);
    EXPECT_EQ(reply.status, 200) << reply.error();
    const json::Value* text = reply.data("state");
    return text == nullptr ? "" : *text->as_string();
  }
  bool alive(const std::string& token) {
    return server.ask("GET", "auth/token/lookup-self", "", token).status == 200;
  }

  std::string handed_;
  Handover record_;
};

TEST_F(HandoverTest, AnotherAdministratorConfirmsAndTheTokenDiesWithItsChildren) {
  const std::string admin = make_admin(handed_);
  const std::string child = server.make_token(R"({"policies":["default"]})", handed_);
  EXPECT_EQ(state(admin), "delivered");
  const Reply done = server.ask("PUT", kConfirm, "{}", admin);
  ASSERT_EQ(done.status, 200) << done.error();
  EXPECT_EQ(*done.data("state")->as_string(), "confirmed");
  EXPECT_FALSE(alive(handed_));
  EXPECT_FALSE(alive(child));
  EXPECT_EQ(state(admin), "confirmed");
  clock.advance(Milliseconds(5000));
  const Reply again = server.ask("PUT", kConfirm, "{}", admin);
  EXPECT_EQ(again.status, 200) << "saying it twice changes nothing";
  EXPECT_EQ(read_handover(server.barrier)->confirmed_unix_s, clock.unix_s() - 5);
}

TEST_F(HandoverTest, NobodyLocksHimselfOutWithoutSayingSo) {
  const std::string child = server.make_token(R"({"policies":["root"]})", handed_);
  const std::string grandchild = server.make_token(R"({"policies":["root"]})", child);
  for (const std::string& token : {handed_, child, grandchild}) {
    const Reply refused = server.ask("PUT", kConfirm, "{}", token);
    EXPECT_EQ(refused.status, 400);
    EXPECT_TRUE(refused.error().starts_with("this token is the one that was handed over"));
    EXPECT_EQ(*refused.body.string_at("reason"), "handover_own_token");
  }
  EXPECT_TRUE(alive(handed_));
  EXPECT_EQ(state(handed_), "delivered");
  const Reply forced = server.ask("PUT", kConfirm, R"({"force":true})", handed_);
  ASSERT_EQ(forced.status, 200) << forced.error();
  EXPECT_FALSE(alive(handed_));
  EXPECT_FALSE(alive(grandchild));
}

TEST_F(HandoverTest, WhoConfirmsMustBeAbleToMakeAdministrators) {
  ASSERT_EQ(
      server
          .ask(
              "PUT", "sys/policies/acl/clerk",
              R"json({"policy":"path \"sys/apm/handover/confirm\" { capabilities = [\"update\", \"sudo\"] }"})json")
          .status,
      204);
  const std::string clerk = server.make_token(R"({"policies":["clerk"],"no_parent":true})");
  const Reply refused = server.ask("PUT", kConfirm, "{}", clerk);
  EXPECT_EQ(refused.status, 400);
  EXPECT_TRUE(refused.error().starts_with("this token may not write policies and create tokens"));
  const std::string once =
      server.make_token(R"({"policies":["admin"],"no_parent":true,"num_uses":5})");
  EXPECT_EQ(*server.ask("PUT", kConfirm, "{}", once).body.string_at("reason"),
            "handover_no_administrator");
  EXPECT_TRUE(alive(handed_));
  // Without sudo not even that is told.
  const std::string nobody = server.make_token(R"({"policies":["default"],"no_parent":true})");
  EXPECT_EQ(server.ask("PUT", kConfirm, "{}", nobody).status, 403);
  EXPECT_EQ(server.ask("GET", "sys/apm/handover", "", nobody).status, 403);
  EXPECT_EQ(server.ask("GET", "sys/apm/status", "", nobody).status, 403);
}

TEST_F(HandoverTest, ExpiredAndRevokedTokensCanBeConfirmedTo) {
  const std::string admin = server.make_token(R"({"policies":["admin"],"no_parent":true})");
  clock.advance(Milliseconds(3'600'000));
  EXPECT_EQ(state(admin), "expired");
  EXPECT_EQ(server.ask("PUT", kConfirm, "{}", admin).status, 200);
  EXPECT_EQ(state(admin), "confirmed");
}

TEST_F(HandoverTest, AWordOnARevokedTokenAndOnAnUnfinishedDelivery) {
  const std::string admin = server.make_token(R"({"policies":["admin"],"no_parent":true})");
  ASSERT_EQ(server.ask("PUT", "auth/token/revoke-self", "", handed_).status, 204);
  EXPECT_EQ(state(admin), "revoked");
  record_.stage = HandoverStage::kMinted;
  ASSERT_TRUE(write_handover(server.barrier, record_).ok());
  EXPECT_EQ(confirm_handover(server.core, {}).error().reason, "handover_unfinished");
  ASSERT_TRUE(server.barrier.erase(kHandoverPath).ok());
  EXPECT_EQ(state(admin), "none");
  EXPECT_EQ(confirm_handover(server.core, {}).error().reason, "handover_none");
}

TEST_F(HandoverTest, ReasonsOfRefusals) {
  const auto entry = server.tokens.lookup(handed_);
  ASSERT_TRUE(entry.ok());
  Confirmation by{entry->caller(), entry->id, false};
  EXPECT_EQ(confirm_handover(server.core, by).error().reason, "handover_own_token");
  by.token_id.clear();  // a token that no store knows, whatever its policies
  EXPECT_EQ(confirm_handover(server.core, by).error().reason, "handover_no_administrator");
  ASSERT_TRUE(server.barrier.put(kHandoverPath, as_bytes(R"({"state":"lost"})")).ok());
  EXPECT_EQ(read_handover(server.barrier).error().reason, "handover_record");
}

TEST_F(HandoverTest, StatusShowsWhatMattersAndNags) {
  Settings settings;
  settings.storage_description = "memory";
  settings.trust_anchors = {"simulator"};
  settings.test_settings = {"amd_root_file"};
  server.core.set_settings(settings);
  server.core.set_master_key({"kid2", "bb", "kid1", "aa", 1'800'000'000});
  const Reply reply = server.ask("GET", "sys/apm/status");
  ASSERT_EQ(reply.status, 200) << reply.error();
  EXPECT_EQ(*reply.data("store_kind")->as_string(), "test");
  EXPECT_EQ(*reply.data("storage")->as_string(), "memory");
  EXPECT_FALSE(*reply.data("memory_locked")->as_bool());
  EXPECT_EQ(*reply.data("master_key")->string_at("release_policy_sha256"), "bb");
  EXPECT_EQ(*reply.data("handover")->string_at("state"), "delivered");
  std::string warnings;
  for (const json::Value& one : *reply.data("warnings")->as_array()) {
    warnings += *one.as_string() + "\n";
  }
  for (const char* part : {"TEST STORE", "simulator", "not locked", "no audit device",
                           "from aa to bb", "still lives, until 2027-01-15T09:00:00Z"}) {
    EXPECT_NE(warnings.find(part), std::string::npos) << part << " in\n" << warnings;
  }
  EXPECT_EQ(*server.ask("GET", "sys/seal-status", "", "").body.string_at("store_kind"), "test");
  EXPECT_EQ(server.ask("GET", "sys/apm/status", "", "").status, 403);
}

TEST_F(ApiTest, AStoreOfTheOtherKindIsNotServed) {
  Core production(CoreParts{server.barrier, server.tokens, server.batch, server.table,
                            server.policies, server.broker, clock, server.log},
                  ServerInfo{"inmem", "test", ""}, Mode::kNetworkOperated, Phase::kServing,
                  barrier::StoreKind::kProduction);
  const Status refused = production.on_unseal();
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().reason, "store_kind");
  EXPECT_EQ(*server.barrier.state(), barrier::State::kSealed);
}

}  // namespace
}  // namespace apm::api
