#include "api/api_fixture.h"
#include "expiry/limits.h"

namespace apm::api {
namespace {

logical::AttestedIdentity enclave(char digit) {
  logical::AttestedIdentity identity;
  identity.enclave_id = std::string(64, digit);
  identity.signer_id = std::string(64, 'a');
  identity.family = "azure-snp-vtpm";
  identity.trust_anchor = "amd";
  return identity;
}

TEST_F(ApiTest, RevokingAParentEndsTheTree) {
  const std::string parent = server.make_token(R"({"policies":["default","root"],"ttl":"1h"})");
  const std::string child = server.make_token(R"({"policies":["default"],"ttl":"2h"})", parent);
  const std::string orphan =
      server.make_token(R"({"no_parent":true,"policies":["default"]})", parent);
  EXPECT_EQ(server.ask("GET", "auth/token/lookup-self", "", child).status, 200);
  ASSERT_EQ(server.ask("PUT", "auth/token/revoke", R"({"token":")" + parent + "\"}").status, 204);
  for (const std::string& gone : {parent, child}) {
    const Reply refused = server.ask("GET", "auth/token/lookup-self", "", gone);
    EXPECT_EQ(refused.status, 403);
    EXPECT_EQ(refused.error(), "permission denied");
  }
  EXPECT_EQ(server.ask("GET", "auth/token/lookup-self", "", orphan).status, 200);
  EXPECT_EQ(server.tokens.size(), 2U);
}

TEST_F(ApiTest, RevokingATreeOfManyBatchesLeavesNoRecord) {
  expiry::TokenSpec spec;
  spec.policies = {"default"};
  const auto top = server.tokens.create(spec);
  ASSERT_TRUE(top.ok());
  spec.parent = top->entry.id;
  for (int i = 0; i < 150; ++i) ASSERT_TRUE(server.tokens.create(spec).ok());
  ASSERT_EQ(server.tokens.size(), 152U);
  ASSERT_TRUE(server.tokens.revoke(top->entry.id).ok());
  EXPECT_EQ(server.tokens.size(), 1U);
  for (const char* prefix : {"sys/token/id/", "sys/token/accessor/"}) {
    EXPECT_EQ(server.barrier.list(prefix)->size(), 1U) << prefix;
  }
  EXPECT_TRUE(server.barrier.list("sys/token/parent/")->empty());
}

TEST_F(ApiTest, TokenTreesHaveAGreatestDepth) {
  expiry::TokenSpec spec;
  spec.policies = {"default"};
  std::size_t depth = 0;
  for (;; ++depth) {
    const auto made = server.tokens.create(spec);
    if (!made.ok()) {
      EXPECT_EQ(made.error().reason, "token_depth");
      break;
    }
    ASSERT_TRUE(server.tokens.lookup(made->token).ok()) << depth;
    spec.parent = made->entry.id;
  }
  EXPECT_EQ(depth, expiry::kTreeDepthMax);
}

TEST_F(ApiTest, RevokeOrphanKeepsChildrenAcrossASeal) {
  const std::string parent = server.make_token(R"({"policies":["root"]})");
  const std::string child = server.make_token(R"({"policies":["default"]})", parent);
  ASSERT_EQ(server.ask("PUT", "auth/token/revoke-orphan", R"({"token":")" + parent + "\"}").status,
            204);
  ASSERT_EQ(server.ask("PUT", "sys/seal").status, 204);
  server.unseal();
  EXPECT_EQ(server.ask("GET", "sys/mounts", "", parent).status, 403);
  const Reply self = server.ask("GET", "auth/token/lookup-self", "", child);
  ASSERT_EQ(self.status, 200);
  EXPECT_TRUE(*self.data("orphan")->as_bool());
}

TEST_F(ApiTest, TokensEndByTimeAndTheirTreeWithThem) {
  const std::string parent = server.make_token(R"({"policies":["root"],"ttl":"60s"})");
  const std::string child = server.make_token(R"({"policies":["default"],"ttl":"1h"})", parent);
  clock.advance(Milliseconds(59'000));
  EXPECT_EQ(server.ask("PUT", "auth/token/renew-self", R"({"increment":"90s"})", parent).status,
            200);
  clock.advance(Milliseconds(89'000));
  EXPECT_EQ(server.ask("GET", "auth/token/lookup-self", "", child).status, 200);
  clock.advance(Milliseconds(1'000));
  EXPECT_EQ(server.ask("GET", "auth/token/lookup-self", "", parent).status, 403);
  EXPECT_EQ(server.ask("GET", "auth/token/lookup-self", "", child).status, 403);
  ASSERT_TRUE(server.core.maintain().ok());
  EXPECT_EQ(server.tokens.size(), 1U);
}

TEST_F(ApiTest, RenewalStopsAtTheExplicitMaximum) {
  const std::string token =
      server.make_token(R"({"policies":["default"],"ttl":"60s","explicit_max_ttl":"100s"})");
  clock.advance(Milliseconds(50'000));
  const Reply renewed = server.ask("PUT", "auth/token/renew-self", R"({"increment":"1h"})", token);
  ASSERT_EQ(renewed.status, 200);
  EXPECT_EQ(*renewed.body.at("auth")->at("lease_duration")->as_int(), 50);
  clock.advance(Milliseconds(50'000));
  EXPECT_EQ(server.ask("PUT", "auth/token/renew-self", "", token).status, 403);
}

TEST_F(ApiTest, LimitedUsesRunOut) {
  const std::string token = server.make_token(R"({"policies":["default"],"num_uses":2})");
  EXPECT_EQ(server.ask("PUT", "cubbyhole/a", R"({"x":1})", token).status, 204);
  EXPECT_EQ(server.ask("GET", "cubbyhole/a", "", token).status, 200) << "the last use still works";
  EXPECT_EQ(server.ask("GET", "cubbyhole/a", "", token).status, 403);
  EXPECT_EQ(server.tokens.size(), 1U);
}

TEST_F(ApiTest, ChildrenGetNoMoreThanTheirParent) {
  ASSERT_EQ(server
                .ask("PUT", "sys/policy/maker", R"json({"rules":
    "path \"auth/token/create\" { capabilities = [\"update\", \"create\"] }"})json")
                .status,
            204);
  const std::string maker = server.make_token(R"({"policies":["maker"]})");
  const auto create = [&](const char* body) {
    return server.ask("POST", "auth/token/create", body, maker).error();
  };
  EXPECT_EQ(create(R"({"policies":["maker"]})"), "");
  EXPECT_EQ(create(R"({"policies":["other"]})"), "child policies must be subset of parent");
  for (const char* body : {R"({"policies":["root"]})", R"({"policies":[" Root "]})"}) {
    EXPECT_EQ(create(body), "root tokens may not be created without parent token being root");
  }
  EXPECT_TRUE(create(R"({"id":"mine"})").starts_with("root or sudo privileges required"));
  EXPECT_TRUE(create(R"({"period":"1h"})").starts_with("root or sudo privileges required"));
}

TEST_F(ApiTest, AccessorsFindAndRevoke) {
  const std::string token = server.make_token(R"({"policies":["default"]})");
  const Reply self = server.ask("GET", "auth/token/lookup-self", "", token);
  const std::string body = R"({"accessor":")" + *self.data("accessor")->as_string() + "\"}";
  EXPECT_EQ(server.ask("POST", "auth/token/lookup-accessor", body).data("id")->as_string()->size(),
            0U);
  EXPECT_EQ(server.ask("LIST", "auth/token/accessors").data("keys")->as_array()->size(), 2U);
  EXPECT_EQ(server.ask("POST", "auth/token/revoke-accessor", body).status, 204);
  EXPECT_EQ(server.ask("GET", "auth/token/lookup-self", "", token).status, 403);
  EXPECT_EQ(server.ask("POST", "auth/token/lookup-accessor", body).error(), "invalid accessor");
}

TEST_F(ApiTest, CubbyholesAreIsolatedAndDieWithTheirToken) {
  const std::string one = server.make_token(R"({"policies":["default"],"id":"one"})");
  const std::string two = server.make_token(R"({"policies":["default"]})");
  ASSERT_EQ(server.ask("PUT", "cubbyhole/a", R"({"x":1})", one).status, 204);
  EXPECT_EQ(server.ask("GET", "cubbyhole/a", "", one).status, 200);
  EXPECT_EQ(server.ask("GET", "cubbyhole/a", "", two).status, 404);
  EXPECT_EQ(server.ask("GET", "cubbyhole/a").status, 404) << "not even root";
  ASSERT_EQ(server.ask("PUT", "auth/token/revoke-self", "", one).status, 204);
  const auto entry = server.table.find(mounts::Kind::kSecret, "cubbyhole");
  const auto left = server.table.view_of(mounts::Kind::kSecret, *entry).list("");
  ASSERT_TRUE(left.ok());
  EXPECT_TRUE(left->empty());
}

TEST_F(ApiTest, AttestedTokensReadWhatTheirMethodAuthorises) {
  ASSERT_EQ(server.ask("POST", "sys/mounts/anjuna", R"({"type":"kv"})").status, 204);
  ASSERT_EQ(server.ask("PUT", "anjuna/dek", R"({"x":1})").status, 204);
  ASSERT_EQ(server.ask("PUT", "anjuna/other", R"({"x":1})").status, 204);
  ASSERT_EQ(server.ask("POST", "sys/auth/apm", R"({"type":"apm","description":""})").status, 204);
  const std::int64_t now = clock.unix_s();
  const std::string token = *server.batch.issue(enclave('e'), now, 60, "acc", "auth/apm/");
  EXPECT_EQ(token, *server.batch.issue(enclave('e'), now, 60, "acc", "auth/apm/"));
  const std::string other = *server.batch.issue(enclave('f'), now, 60, "acc", "auth/apm/");

  EXPECT_EQ(server.ask("GET", "anjuna/dek", "", token).status, 200);
  EXPECT_EQ(server.ask("GET", "anjuna/other", "", token).status, 403);
  EXPECT_EQ(server.ask("PUT", "anjuna/dek", R"({"x":2})", token).status, 403);
  EXPECT_EQ(server.ask("GET", "anjuna/dek", "", other).status, 403);
  EXPECT_EQ(server.ask("GET", "sys/internal/ui/mounts/anjuna/dek", "", token).status, 200);
  EXPECT_EQ(*server.ask("GET", "auth/token/lookup-self", "", token).data("type")->as_string(),
            "batch");
  EXPECT_EQ(server.ask("PUT", "auth/apm/login", "{}", "").status, 204) << "needs no token";
  EXPECT_EQ(server.ask("PUT", "auth/apm/config", "{}", "").status, 403);
  ASSERT_EQ(server.ask("DELETE", "sys/auth/apm").status, 204);
  EXPECT_EQ(server.ask("GET", "anjuna/dek", "", token).status, 403) << "the method is gone";
}

// The refusal names the rule and the caller's own ids, in the same words whether the item exists.
TEST_F(ApiTest, AttestedTokensLearnWhichAuthorizationIsMissing) {
  ASSERT_EQ(server.ask("POST", "sys/mounts/anjuna", R"({"type":"kv"})").status, 204);
  ASSERT_EQ(server.ask("PUT", "anjuna/dek", R"({"x":1})").status, 204);
  ASSERT_EQ(server.ask("POST", "sys/auth/apm", R"({"type":"apm","description":""})").status, 204);
  const std::string token =
      *server.batch.issue(enclave('f'), clock.unix_s(), 60, "acc", "auth/apm/");
  const std::string who =
      concat("enclave ", std::string(64, 'f'), " of signer ", std::string(64, 'a'), " for ");
  for (const auto& [method, doing] : std::vector<std::pair<std::string, std::string>>{
           {"GET", "reading"}, {"PUT", "writing"}, {"DELETE", "deleting"}}) {
    for (const std::string path : {"anjuna/dek", "anjuna/none", "nowhere/at/all"}) {
      const Reply refused = server.ask(method, path, method == "PUT" ? "{\"x\":1}" : "", token);
      EXPECT_EQ(refused.status, 403);
      EXPECT_EQ(*refused.body.string_at("reason"), "not_authorised");
      EXPECT_EQ(refused.error(), "1 error occurred:\n\t* permission denied\n\n");
      EXPECT_EQ(*refused.body.at("errors")->as_array()->at(1).as_string(),
                concat("no authorization names ", who, doing, " ", path));
    }
  }
  const Reply ordinary =
      server.ask("GET", "anjuna/dek", "", server.make_token(R"({"policies":["default"]})"));
  EXPECT_EQ(ordinary.status, 403);
  EXPECT_EQ(ordinary.body.at("reason"), nullptr);
  EXPECT_EQ(ordinary.body.at("errors")->as_array()->size(), 1U);
}

TEST(BatchTokens, RefuseChangesTimeAndOtherBoots) {
  ManualClock clock{1'800'000'000};
  const expiry::BatchTokens tokens(clock);
  const std::string token = *tokens.issue(enclave('e'), clock.unix_s(), 60, "acc", "auth/apm/");
  ASSERT_TRUE(tokens.open(token).ok());
  EXPECT_EQ(tokens.open(token)->caller.identity->enclave_id, std::string(64, 'e'));
  for (std::size_t at = 4; at + 1 < token.size(); at += 7) {
    std::string changed = token;
    changed[at] = changed[at] == 'A' ? 'B' : 'A';
    ASSERT_FALSE(tokens.open(changed).ok()) << at;
    EXPECT_EQ(tokens.open(changed).error().reason, "token_invalid");
  }
  EXPECT_FALSE(tokens.open(token + "A").ok());
  EXPECT_FALSE(expiry::BatchTokens(clock).open(token).ok());
  clock.advance(Milliseconds(60'000));
  EXPECT_EQ(tokens.open(token).error().code, Code::kUnauthenticated);
}

}  // namespace
}  // namespace apm::api
