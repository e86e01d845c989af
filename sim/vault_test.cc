#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>

#include "base/encoding.h"
#include "sim/deploy.h"
#include "sim/release_policy.h"
#include "sim/tokens.h"

namespace apm::sim {
namespace {

class Vault : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    char path[] = "/tmp/apm-sim-XXXXXX";
    ASSERT_NE(::mkdtemp(path), nullptr);
    settings_.dir = path;
    settings_.create_class_limit = 3;
    auto services = Services::create(settings_, clock_);
    ASSERT_TRUE(services.ok()) << services.error().message;
    services_ = std::move(*services).release();
  }
  static void TearDownTestSuite() {
    delete services_;
    std::filesystem::remove_all(settings_.dir);
  }
  static HttpResponse call(const std::string& method, const std::string& path,
                           const json::Value& body = {}) {
    return call_vault(*services_, clock_, method, path, body);
  }
  static HttpResponse set(const std::string& name, const std::string& value) {
    return call("PUT", "/secrets/" + name, json::Object{{"value", value}});
  }
  static std::string inner_code(const HttpResponse& response) {
    const auto body = json::parse(response.body);
    if (!body.ok()) return "no JSON";
    const json::Value* code = walk(*body, {"error", "innererror", "code"});
    return code == nullptr ? "" : *code->as_string();
  }

  static inline Settings settings_;
  static inline ManualClock clock_{1'790'000'000};
  static inline Services* services_ = nullptr;
};

TEST_F(Vault, ChallengesACallWithoutAToken) {
  HttpRequest request;
  request.method = "PUT";
  request.target = "/secrets/x?api-version=7.4";
  request.headers = {{"host", settings_.vault_host()}};
  split_target(request);
  const HttpResponse out = services_->handle_https(request);
  EXPECT_EQ(out.status, 401);
  EXPECT_EQ(out.headers.front().first, "WWW-Authenticate");
}

TEST_F(Vault, TamperingChangesWhatIsShownAndNotWhatIsKept) {
  ASSERT_EQ(set("shown", "a value").status, 200);
  HttpRequest request;
  request.method = "GET";
  request.target = "/secrets/shown?api-version=7.4";
  const auto token = make_access_token(settings_, services_->hardware(), "https://vault.azure.net",
                                       clock_.unix_s(), 3600);
  request.headers = {{"host", settings_.vault_host()}, {"authorization", "Bearer " + *token}};
  split_target(request);
  EXPECT_EQ(*json::parse(services_->handle_https(request).body)->string_at("value"), "a value");
  request.fault = "tamper";
  EXPECT_EQ(*json::parse(services_->handle_https(request).body)->string_at("value"), "a vAlue");
}

TEST_F(Vault, KeepsVersions) {
  ASSERT_EQ(set("many", "one").status, 200);
  const HttpResponse second = set("MANY", "two");
  ASSERT_EQ(second.status, 200);
  EXPECT_EQ(*json::parse(call("GET", "/secrets/many/").body)->string_at("value"), "two");
  const HttpResponse list = call("GET", "/secrets/many/versions");
  const auto versions = json::parse(list.body);
  ASSERT_EQ(versions->at("value")->as_array()->size(), 2U);
  const std::string id = *(*versions->at("value")->as_array())[0].string_at("id");
  const std::string path = id.substr(settings_.vault_url().size());
  EXPECT_EQ(*json::parse(call("GET", path).body)->string_at("value"), "one");
  EXPECT_EQ(call("GET", "/secrets/many/00000000000000000000000000000000").status, 404);
}

TEST_F(Vault, DeletesSoftly) {
  ASSERT_EQ(set("gone", "v").status, 200);
  ASSERT_EQ(call("DELETE", "/secrets/gone").status, 200);
  EXPECT_EQ(call("GET", "/secrets/gone").status, 404);
  EXPECT_EQ(call("GET", "/deletedsecrets/gone").status, 404);
  EXPECT_EQ(inner_code(set("gone", "w")), "ObjectIsBeingDeleted");
  clock_.advance(Milliseconds(settings_.delete_delay_ms));
  EXPECT_EQ(call("GET", "/deletedsecrets/gone").status, 200);
  EXPECT_EQ(inner_code(set("gone", "w")), "ObjectIsDeletedButRecoverable");
  EXPECT_EQ(call("POST", "/deletedsecrets/gone/recover").status, 200);
  EXPECT_EQ(*json::parse(call("GET", "/secrets/gone").body)->string_at("value"), "v");
  ASSERT_EQ(call("DELETE", "/secrets/gone").status, 200);
  clock_.advance(Milliseconds(settings_.delete_delay_ms));
  EXPECT_EQ(call("DELETE", "/deletedsecrets/gone").status, 204);
  EXPECT_EQ(set("gone", "new").status, 200);
}

TEST_F(Vault, SurvivesARestart) {
  ASSERT_EQ(set("kept", "value").status, 200);
  auto other = Services::create(settings_, clock_);
  ASSERT_TRUE(other.ok());
  const HttpResponse out = call_vault(**other, clock_, "GET", "/secrets/kept", {});
  EXPECT_EQ(*json::parse(out.body)->string_at("value"), "value");
}

TEST_F(Vault, WrapsAndUnwrapsUnderAKeyAndThrottlesCreation) {
  clock_.advance(Milliseconds(60'000));
  const json::Object plain{{"kty", "RSA"}};
  ASSERT_EQ(call("POST", "/keys/k/create", plain).status, 200);
  const HttpResponse sealed =
      call("POST", "/keys/k/encrypt",
           json::Object{{"alg", "RSA-OAEP-256"}, {"value", base64url_encode(as_bytes("hi"))}});
  ASSERT_EQ(sealed.status, 200) << sealed.body;
  const HttpResponse opened =
      call("POST", "/keys/k/decrypt",
           json::Object{{"alg", "RSA-OAEP-256"},
                        {"value", *json::parse(sealed.body)->string_at("value")}});
  EXPECT_EQ(*json::parse(opened.body)->string_at("value"), base64url_encode(as_bytes("hi")));
  const HttpResponse unlawful =
      call("POST", "/keys/e/create",
           json::Object{{"kty", "RSA-HSM"}, {"attributes", json::Object{{"exportable", true}}}});
  EXPECT_EQ(unlawful.status, 400);
  EXPECT_NE(unlawful.body.find("AKV.SKR.1004"), std::string::npos);
  EXPECT_EQ(call("POST", "/keys/k/create", plain).status, 200);
  EXPECT_EQ(call("POST", "/keys/k/create", plain).status, 200);
  EXPECT_EQ(call("POST", "/keys/k/create", plain).status, 429);
}

TEST(ReleasePolicy, IsNormalisedAndEvaluated) {
  const auto text = normalise_policy(
      R"({ "anyOf":[{"allOf":[{"equals":"true","claim":"a.b"}], "authority":"https://m/"}],)"
      R"( "version":"1.0.0" })");
  ASSERT_TRUE(text.ok());
  EXPECT_EQ(*text, R"({"version":"1.0.0","anyOf":[{"authority":"https://m/",)"
                   R"("allOf":[{"claim":"a.b","equals":"true"}]}]})");
  const json::Value policy = *json::parse(*text);
  const auto verdict = [&](const char* issuer, const char* claims) {
    return evaluate_policy(policy, issuer, *json::parse(claims));
  };
  EXPECT_TRUE(verdict("https://m", R"({"a":{"b":true}})").satisfied);
  EXPECT_FALSE(verdict("https://m", R"({"a":{"b":false}})").satisfied);
  EXPECT_FALSE(verdict("https://m", R"({"a":{}})").satisfied);
  EXPECT_FALSE(verdict("https://n", R"({"a":{"b":true}})").authority_known);
  EXPECT_EQ(normalise_policy(R"({"version":"1.0.0","anyOf":[]})").error().reason, "release_policy");
}

TEST(FaultRules, ActOnTheNthMatch) {
  const ManualClock clock(1'790'000'000);
  Faults faults(clock);
  ASSERT_TRUE(
      faults
          .add_fault(*json::parse(
              R"({"match":{"service":"akv","path_contains":"release"},"nth":2,"action":"status:429"})"))
          .ok());
  EXPECT_EQ(faults.add_fault(*json::parse(R"({"action":"nonsense"})")).error().reason,
            "fault_rule");
  HttpRequest request;
  request.service = "akv";
  request.method = "POST";
  request.target = "/keys/k/release?api-version=7.4";
  split_target(request);
  EXPECT_FALSE(faults.begin(request, false).status);
  EXPECT_EQ(faults.begin(request, false).status, 429);
  EXPECT_FALSE(faults.begin(request, false).status);
  EXPECT_EQ(faults.counts().at("release")->as_int(), 3);
}

TEST(FaultRules, LastFromTheNthMatchOn) {
  const ManualClock clock(1'790'000'000);
  Faults faults(clock);
  ASSERT_TRUE(faults.add_fault(*json::parse(R"({"from":2,"action":"status:403"})")).ok());
  HttpRequest request;
  request.service = "akv";
  request.target = "/secrets/s";
  split_target(request);
  EXPECT_FALSE(faults.begin(request, false).status);
  EXPECT_EQ(faults.begin(request, false).status, 403);
  EXPECT_EQ(faults.begin(request, false).status, 403);
}

}  // namespace
}  // namespace apm::sim
