#include "api/api_fixture.h"
#include "api/limits.h"
#include "api/request_reader.h"

namespace apm::api {
namespace {

constexpr const char* kDenied = "1 error occurred:\n\t* permission denied\n\n";

TEST_F(ApiTest, InitialisesOnceAndReportsHealth) {
  const Reply again =
      server.ask("PUT", "sys/init", R"({"secret_shares":1,"secret_threshold":1})", "");
  EXPECT_EQ(again.status, 400);
  EXPECT_EQ(again.error(), "Vault is already initialized");
  const Reply health = server.ask("GET", "sys/health", "", "");
  EXPECT_EQ(health.status, 200);
  EXPECT_TRUE(*health.body.at("initialized")->as_bool());
  EXPECT_FALSE(*health.body.at("sealed")->as_bool());
  EXPECT_EQ(*health.body.string_at("version"), kVersion);
  EXPECT_EQ(server.ask("GET", "sys/health?activecode=299", "", "").status, 299);
  EXPECT_EQ(server.ask("GET", "sys/health?activecode=99", "", "").status, 400);
  EXPECT_EQ(server.give(server.keys[1]).status, 200) << "a share for an unsealed server is fine";
}

TEST(Uninitialised, HealthUnsealAndBadSchemes) {
  storage::LeasedMemoryStore memory;
  ManualClock clock{1'800'000'000};
  Server server{memory, clock, Mode::kNetworkOperated, Phase::kServing};
  EXPECT_EQ(server.ask("GET", "sys/health").status, 501);
  EXPECT_EQ(server.give(std::string(66, 'a')).error(), "Vault is not initialized");
  const Reply bad = server.ask("PUT", "sys/init", R"({"secret_shares":3,"secret_threshold":4})");
  EXPECT_EQ(bad.status, 400);
  EXPECT_TRUE(bad.error().starts_with("invalid seal configuration")) << bad.error();
}

TEST_F(ApiTest, SealRefusesEverythingUntilUnsealed) {
  ASSERT_EQ(server.ask("PUT", "sys/seal").status, 204);
  const Reply refused = server.ask("GET", "sys/mounts");
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.error(), "Vault is sealed");
  EXPECT_EQ(server.ask("GET", "sys/health", "", "").status, 503);
  EXPECT_EQ(server.give("zz").status, 400);
  EXPECT_EQ(*server.give(server.keys[1]).body.at("progress")->as_int(), 1);
  EXPECT_EQ(*server.give(server.keys[1]).body.at("progress")->as_int(), 1);
  EXPECT_EQ(*server.ask("PUT", "sys/unseal", R"({"reset":true})", "").body.at("progress")->as_int(),
            0);
  server.unseal();
  EXPECT_EQ(server.ask("GET", "sys/mounts").status, 200) << "the root token outlives a seal";
}

TEST(SelfBooted, RefusesOperatorsAndAnswersHealthAloneWhileBooting) {
  storage::LeasedMemoryStore memory;
  ManualClock clock{1'800'000'000};
  Server server{memory, clock, Mode::kSelfBooted, Phase::kBooting};
  EXPECT_EQ(server.ask("GET", "sys/seal-status").status, 200);
  EXPECT_EQ(server.ask("GET", "sys/init").status, 503);
  EXPECT_EQ(server.ask("PUT", "sys/init", "{}").status, 503);
  auto plan = server.barrier.plan_init(barrier::StoreKind::kTest, {3, 2});
  ASSERT_TRUE(plan.ok());
  ASSERT_TRUE(server.barrier.commit_init(std::move(*plan)).ok());
  ASSERT_TRUE(server.core.on_unseal().ok());
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(server.core.ensure_auth_enabled("apm").ok());
    ASSERT_TRUE(server.core.ensure_mount("anjuna", "kv").ok());
    ASSERT_TRUE(server.core.ensure_policy("p", "path \"a\" { capabilities = [\"read\"] }").ok());
  }
  auto root = server.core.create_root_token(600);
  ASSERT_TRUE(root.ok());
  server.root = *root;
  ASSERT_TRUE(server.core.write("auth/apm/config", {{"k", "v"}}).ok());
  EXPECT_EQ(server.ask("GET", "sys/mounts").status, 503);
  server.core.set_phase(Phase::kServing);
  EXPECT_EQ(server.ask("GET", "sys/mounts").status, 200);
  EXPECT_EQ(server.ask("PUT", "sys/init", "{}").status, 405);
  EXPECT_EQ(server.ask("PUT", "sys/unseal", "{}").status, 405);
  clock.advance(Milliseconds(600'000));
  EXPECT_EQ(server.ask("GET", "sys/mounts").status, 403) << "the boot's root token ends";
}

TEST_F(ApiTest, MountsAndKeyValues) {
  ASSERT_EQ(server.ask("POST", "sys/mounts/anjuna", R"({"type":"kv"})").status, 204);
  const Reply taken = server.ask("POST", "sys/mounts/anjuna/below", R"({"type":"kv"})");
  EXPECT_EQ(taken.status, 400);
  EXPECT_EQ(taken.error(), "path is already in use at anjuna/");
  EXPECT_EQ(server.ask("POST", "sys/mounts/sys", R"({"type":"kv"})").status, 400);
  EXPECT_EQ(server.ask("POST", "sys/mounts/x", R"({"type":"pki"})").error(),
            "plugin not found in the catalog: pki");
  const Reply mounts = server.ask("GET", "sys/mounts");
  EXPECT_NE(mounts.data("anjuna/"), nullptr);
  EXPECT_NE(mounts.body.at("anjuna/"), nullptr) << "also at top level";

  EXPECT_EQ(server.ask("LIST", "anjuna").status, 404);
  EXPECT_EQ(server.ask("GET", "anjuna/dek").status, 404);
  EXPECT_EQ(server.ask("PUT", "anjuna/dek", "{}").error(), "missing data fields");
  ASSERT_EQ(server.ask("PUT", "anjuna/dek", R"({"value":"s3cret","n":1.50})").status, 204);
  ASSERT_EQ(server.ask("PUT", "anjuna/dir/leaf", R"({"a":1,"ttl":"1h"})").status, 204);
  const Reply read = server.ask("GET", "anjuna/dek");
  EXPECT_EQ(*read.data("value")->as_string(), "s3cret");
  EXPECT_EQ(read.data("n")->as_number()->text, "1.50");
  EXPECT_EQ(*read.body.at("lease_duration")->as_int(), 2764800);
  EXPECT_EQ(*read.body.string_at("mount_type"), "kv");
  EXPECT_EQ(*server.ask("GET", "anjuna/dir/leaf").body.at("lease_duration")->as_int(), 3600);
  const Reply list = server.ask("GET", "anjuna?list=true");
  EXPECT_EQ(json::write(*list.data("keys")), R"(["dek","dir/"])");
  EXPECT_EQ(server.ask("PUT", "anjuna/dir/", R"({"a":1})").status, 400);
  EXPECT_EQ(server.ask("DELETE", "anjuna/dek").status, 204);
  EXPECT_EQ(server.ask("GET", "anjuna/dek").status, 404);
  EXPECT_EQ(server.ask("DELETE", "sys/mounts/anjuna").status, 204);
  EXPECT_EQ(server.ask("GET", "anjuna/dir/leaf").status, 404);
  ASSERT_EQ(server.ask("POST", "sys/mounts/anjuna", R"({"type":"kv"})").status, 204);
  EXPECT_EQ(server.ask("GET", "anjuna/dir/leaf").status, 404) << "nothing of the old mount is left";
}

TEST_F(ApiTest, PoliciesDecideAndCapabilitiesTell) {
  ASSERT_EQ(server.ask("POST", "sys/mounts/anjuna", R"({"type":"kv"})").status, 204);
  ASSERT_EQ(server.ask("PUT", "anjuna/a", R"({"x":1})").status, 204);
  ASSERT_EQ(server
                .ask("PUT", "sys/policies/acl/%20Reader",
                     R"({"policy":"path \"anjuna/a\" { capabilities = [\"read\"] }"})")
                .status,
            204);
  EXPECT_EQ(server.ask("PUT", "sys/policies/acl/bad", R"({"policy":"path {"})").status, 400);
  EXPECT_EQ(server.ask("PUT", "sys/policies/acl/ROOT", R"({"policy":"path \"a\" {}"})").status,
            400);
  EXPECT_EQ(server.ask("DELETE", "sys/policy/default").status, 400);
  EXPECT_EQ(*server.ask("GET", "sys/policies/acl/reader").data("name")->as_string(), "reader");
  EXPECT_EQ(server.ask("GET", "sys/policies/acl/root").status, 404);

  const std::string token = server.make_token(R"({"policies":["Reader"]})");
  EXPECT_EQ(server.ask("GET", "anjuna/a", "", token).status, 200);
  const Reply denied = server.ask("PUT", "anjuna/a", R"({"x":2})", token);
  EXPECT_EQ(denied.status, 403);
  EXPECT_EQ(denied.error(), kDenied);
  EXPECT_EQ(server.ask("GET", "anjuna/b", "", token).status, 403);
  EXPECT_EQ(server.ask("PUT", "sys/seal", "", token).status, 403);
  EXPECT_EQ(server.ask("GET", "anjuna/a", "", "").status, 403);
  const Reply told = server.ask("POST", "sys/capabilities-self", R"({"path":"anjuna/a"})", token);
  EXPECT_EQ(json::write(*told.body.at("capabilities")), R"(["read"])");
  EXPECT_EQ(server.ask("GET", "sys/internal/ui/mounts/anjuna/a", "", token).status, 200);
  EXPECT_EQ(server.ask("GET", "sys/internal/ui/mounts/anjuna/a", "", "").status, 403);
  EXPECT_EQ(server.ask("POST", "auth/token/create", R"({"policies":["root"]})", token).status, 403);
  ASSERT_EQ(server.ask("DELETE", "sys/policies/acl/reader").status, 204);
  EXPECT_EQ(server.ask("GET", "anjuna/a", "", token).status, 403);
}

TEST(CanonicalPath, RefusesWhatIsAmbiguous) {
  EXPECT_EQ(*canonical_path("anjuna/a%20b"), "anjuna/a b");
  EXPECT_EQ(*canonical_path("a%252e"), "a%2e") << "decoded once";
  for (const char* path : {"a/../b", "a/%2e%2e/b", "a//b", "./a", "a/..", "", "/a", "a/%2f/b"}) {
    const auto refused = canonical_path(path);
    ASSERT_FALSE(refused.ok()) << path;
    EXPECT_EQ(refused.error().reason, "path_segments") << path;
  }
  EXPECT_EQ(canonical_path("a%0ab").error().reason, "path_characters");
  EXPECT_EQ(canonical_path("a%c3").error().reason, "path_characters");
  EXPECT_EQ(canonical_path("a%2").error().reason, "path_encoding");
  EXPECT_TRUE(canonical_path(std::string(kPathBytesMax, 'a')).ok());
  EXPECT_EQ(canonical_path(std::string(kPathBytesMax + 1, 'a')).error().reason, "path_length");
}

TEST_F(ApiTest, RefusesMalformedAndOversizedBodies) {
  EXPECT_TRUE(server.ask("PUT", "cubbyhole/a", R"({"a":1)")
                  .error()
                  .starts_with("failed to decode JSON input"));
  EXPECT_EQ(server.ask("PUT", "cubbyhole/a", R"({"a":1}{})").status, 400);
  EXPECT_EQ(server.ask("PUT", "cubbyhole/a", R"([1])").status, 400);
  EXPECT_EQ(server.ask("PUT", "cubbyhole/a", std::string(kBodyBytesMax + 1, ' ')).status, 413);
  EXPECT_EQ(server.ask("PATCH", "cubbyhole/a", R"({"a":1})").status, 415);
  EXPECT_EQ(server.ask("BREW", "cubbyhole/a").status, 405);
  EXPECT_EQ(server.ask("GET", "nowhere/a").status, 404);
  http::Request two;
  two.method = "GET";
  two.path = "/v1/sys/mounts";
  two.headers = {{"X-Vault-Token", server.root}, {"Authorization", "Bearer other"}};
  EXPECT_EQ(server.send(two).status, 400);
  two.headers = {{"Authorization", "Bearer " + server.root}};
  EXPECT_EQ(server.send(two).status, 200);
}

TEST_F(ApiTest, AuditFailureMakesTheRequestFail) {
  std::atomic<bool> fail = false;
  server.broker.add(std::make_unique<FailingDevice>(fail));
  ASSERT_EQ(server.ask("PUT", "cubbyhole/a", R"({"a":1})").status, 204);
  fail = true;
  const Reply refused = server.ask("GET", "cubbyhole/a");
  EXPECT_EQ(refused.status, 500);
  EXPECT_EQ(refused.error(), "internal error");
  EXPECT_EQ(server.ask("PUT", "cubbyhole/b", R"({"a":1})").status, 500);
  EXPECT_EQ(server.ask("GET", "sys/health", "", "").status, 200);
  fail = false;
  EXPECT_EQ(server.ask("GET", "cubbyhole/b").status, 404) << "refused before it was written";
}

}  // namespace
}  // namespace apm::api
