// The attested login as a client meets it: challenge, evidence of every family, the sealed answer,
// and a secret read with the token in it, until the authorisation is revoked.

#include "api/api_fixture.h"
#include "api/envelope.h"
#include "api/limits.h"
#include "api/status.h"
#include "auth/apm/testing/family_logins.h"

namespace apm::api {
namespace {

namespace login = auth_apm::testing;

// A server whose method trusts the roots of the tests and issues real tokens.
struct AttestingServer {
  explicit AttestingServer(std::int64_t now) : clock(now) {}

  mounts::Factories factories() {
    mounts::Factories made = Server::factories(clock);
    made.auth = [this](const mounts::Entry&,
                       barrier::View view) -> Result<std::unique_ptr<logical::Backend>> {
      auth_apm::Dependencies needs;
      needs.clock = &clock;
      needs.anchors = login::amd_anchors();
      needs.intel_anchors = login::intel_anchors();
      needs.aws_anchors = login::aws_anchors();
      needs.cluster_id = "cluster-1";
      needs.server_key_sha256 = [] { return Result<Bytes>(Bytes(32, 0x5e)); };
      needs.issue_token = [this](const logical::AttestedIdentity& identity, std::int64_t issued_s,
                                 std::uint64_t ttl_s, const std::string& accessor) {
        return server.batch.issue(identity, issued_s, ttl_s, accessor, "auth/apm/");
      };
      APM_TRY(std::unique_ptr<auth_apm::Method> method,
              auth_apm::Method::open(std::move(view), std::move(needs)));
      return std::unique_ptr<logical::Backend>(std::move(method));
    };
    return made;
  }

  storage::LeasedMemoryStore memory;
  ManualClock clock;
  Server server{memory, clock, Mode::kNetworkOperated, Phase::kServing, factories()};
};

std::string text_of(json::Object object) { return json::write(json::Value(std::move(object))); }

TEST(AttestedLogin, EveryFamilyReadsItsSecretUntilItIsRevoked) {
  for (const login::FamilyLogin& family : login::family_logins()) {
    SCOPED_TRACE(family.name);
    AttestingServer attesting(family.now);
    Server& server = attesting.server;
    server.bring_up();
    ASSERT_EQ(server.ask("POST", "sys/auth/apm", R"({"type":"apm"})").status, 204);
    ASSERT_EQ(server.ask("POST", "sys/mounts/anjuna", R"({"type":"kv"})").status, 204);
    ASSERT_EQ(server.ask("PUT", "anjuna/dek", R"({"value":"s3cret"})").status, 204);

    const Reply challenge = server.ask("POST", "auth/apm/challenge", "{}", "");
    ASSERT_EQ(challenge.status, 200);
    const login::Login made = family.login(*challenge.body.at("data"));
    const Reply answer = server.ask("POST", "auth/apm/login", text_of(made.body), "");
    ASSERT_EQ(answer.status, 200) << answer.error();
    const json::Value opened = login::open_sealed(*answer.body.at("data"), made);
    const std::string token = *opened.string_at("client_token");

    const auto read = [&] { return server.ask("GET", "anjuna/dek", "", token); };
    EXPECT_EQ(read().status, 403);
    EXPECT_EQ(*read().body.string_at("reason"), "not_authorised");
    json::Object grant{{"enclave", *opened.string_at("enclave_id")}, {"secret", "dek"}};
    const std::string signer = *opened.string_at("signer_id");
    if (!signer.empty()) grant.set("signer", signer);
    ASSERT_EQ(server.ask("POST", "auth/apm/authorizations/enclave", text_of(grant)).status, 200);
    const Reply secret = read();
    ASSERT_EQ(secret.status, 200);
    EXPECT_EQ(*secret.data("value")->as_string(), "s3cret");
    EXPECT_EQ(server.ask("PUT", "anjuna/dek", R"({"value":"x"})", token).status, 403);
    ASSERT_EQ(server.ask("POST", "auth/apm/authorizations/revoke", text_of(grant)).status, 204);
    EXPECT_EQ(read().status, 403);
  }
}

TEST(AttestedLogin, ARefusalHasItsReasonAndNothingOfTheAnswer) {
  for (const login::FamilyLogin& family : login::family_logins()) {
    SCOPED_TRACE(family.name);
    AttestingServer attesting(family.now);
    Server& server = attesting.server;
    server.bring_up();
    ASSERT_EQ(server.ask("POST", "sys/auth/apm", R"({"type":"apm"})").status, 204);
    const Reply challenge = server.ask("POST", "auth/apm/challenge", "{}", "");
    json::Object body = family.login(*challenge.body.at("data")).body;
    const Reply other = server.ask("POST", "auth/apm/challenge", "{}", "");
    body.set("nonce", *other.data("nonce")->as_string());
    const Reply refused = server.ask("POST", "auth/apm/login", text_of(std::move(body)), "");
    EXPECT_EQ(refused.status, 403);
    EXPECT_FALSE(refused.body.string_at("reason")->empty());
    EXPECT_EQ(refused.body.at("data"), nullptr);
  }
}

// What a caller is told when collateral cannot be had: the reason, when to come again, no detail.
TEST(AttestedLogin, AFailureToFetchIsUnavailableWithItsReason) {
  struct {
    const char* reason;
    std::string retry_after;
  } const kCases[] = {{"endorsement_busy", std::to_string(kRetryAfterBusyS)},
                      {"endorsement_budget", std::to_string(kRetryAfterBudgetS)},
                      {"endorsement_unreachable", ""}};
  for (const auto& [reason, retry_after] : kCases) {
    const Error error(Code::kUnavailable, reason, "https://mirror.example is away");
    const http::Response response = failure(error);
    EXPECT_EQ(response.status, 503);
    EXPECT_EQ(response.body.find("mirror.example"), std::string::npos) << response.body;
    EXPECT_NE(response.body.find(reason), std::string::npos) << response.body;
    std::string told;
    for (const http::Header& header : response.headers) {
      if (header.name == "Retry-After") told = header.value;
    }
    EXPECT_EQ(told, retry_after) << reason;
  }
  // Other services' failures say nothing, as ever.
  const http::Response other = failure(Error(Code::kUnavailable, "deadline", "secret detail"));
  EXPECT_EQ(other.body.find("reason"), std::string::npos) << other.body;
  EXPECT_EQ(retry_after_s(Error(Code::kRefused, "endorsement_busy", "")), 0);
}

}  // namespace
}  // namespace apm::api
