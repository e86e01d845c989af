#include "skr/policy_floor.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "skr/limits.h"

namespace apm::skr {
namespace {

constexpr std::string_view kType =
    R"({"claim":"x-ms-isolation-tee.x-ms-attestation-type","equals":"sevsnpvm"})";
constexpr std::string_view kCompliance =
    R"({"claim":"x-ms-isolation-tee.x-ms-compliance-status","equals":"azure-compliant-cvm"})";
constexpr std::string_view kAuthority = R"("authority":"https://a.b.attest.azure.net")";

// "" when the policy is accepted.
std::string refusal(std::string_view text) {
  const auto policy = json::parse(text);
  EXPECT_TRUE(policy.ok()) << text;
  const Status status = check_policy_floor(*policy);
  return status.ok() ? "" : status.error().reason;
}

// A policy of one authority with these members.
std::string of(std::string_view members, std::string_view authority = kAuthority) {
  return refusal(concat(R"({"version":"1.0.0","anyOf":[{)", authority, ",", members, "}]}"));
}

std::string all_of(std::string_view type, std::string_view compliance) {
  return concat(R"("allOf":[)", type, ",", compliance, "]");
}

std::string nested(std::size_t depth) {
  std::string members = all_of(kType, kCompliance);
  for (std::size_t i = 0; i < depth; ++i) members = concat(R"("allOf":[{)", members, "}]");
  return members;
}

TEST(PolicyFloor, BothDemandsOfEveryAuthority) {
  EXPECT_EQ(of(all_of(kType, kCompliance)), "");
  EXPECT_EQ(of(concat(R"("allOf":[)", kType, "]")), "release_policy_floor");
  EXPECT_EQ(of(concat(R"("allOf":[)", kCompliance, "]")), "release_policy_floor");
  EXPECT_EQ(of(concat(R"("anyOf":[)", kType, ",", kCompliance, "]")), "release_policy_floor");
  const std::string good = concat("{", kAuthority, ",", all_of(kType, kCompliance), "}");
  const std::string bad = concat("{", kAuthority, R"(,"allOf":[)", kType, "]}");
  EXPECT_EQ(refusal(concat(R"({"version":"1.0.0","anyOf":[)", good, ",", bad, "]}")),
            "release_policy_floor");
  EXPECT_EQ(refusal(concat(R"({"version":"1.0.0","allOf":[)", good, "]}")), "");
}

TEST(PolicyFloor, EveryBranchOfAnAnyOfMustDemand) {
  const std::string branch = concat("{", all_of(kType, kCompliance), "}");
  EXPECT_EQ(of(concat(R"("anyOf":[)", branch, ",", branch, "]")), "");
  EXPECT_EQ(of(concat(R"("anyOf":[)", branch, ",", kType, "]")), "release_policy_floor");
  EXPECT_EQ(of(R"("anyOf":[])"), "release_policy_floor");
}

TEST(PolicyFloor, AConditionOfAnotherClaimValueOrFormDemandsNothing) {
  for (const char* type :
       {R"({"claim":"x-ms-attestation-type","equals":"sevsnpvm"})",
        R"({"claim":"x-ms-isolation-tee.x-ms-attestation-type","equals":"azurevm"})",
        R"({"claim":"x-ms-isolation-tee.x-ms-attestation-type","equals":1})",
        R"({"claim":"x-ms-isolation-tee.x-ms-attestation-type"})", R"({"equals":"sevsnpvm"})",
        R"({"allOf":1})", R"({"anyOf":1})", "1"}) {
    EXPECT_EQ(of(all_of(type, kCompliance)), "release_policy_floor") << type;
  }
}

TEST(PolicyFloor, NestedAsDeeplyAsIsReadAndOneBeyond) {
  EXPECT_EQ(of(nested(kPolicyDepthMax - 2)), "");
  EXPECT_EQ(of(nested(kPolicyDepthMax - 1)), "release_policy_floor");
}

TEST(PolicyFloor, AuthoritiesAreAzuresAttestationProviders) {
  const std::string members = all_of(kType, kCompliance);
  for (const char* host : {"a.attest.azure.net", "a.attest.azure.us", "a.attest.azure.cn"}) {
    EXPECT_EQ(of(members, concat(R"("authority":"https://)", host, "\"")), "") << host;
  }
  for (const char* authority :
       {R"("authority":"http://a.attest.azure.net")", R"("authority":"a.attest.azure.net")",
        R"("authority":"https://a.attest.azure.net.example")", R"("authority":1)", R"("a":1)"}) {
    EXPECT_EQ(of(members, authority), "release_policy_authority") << authority;
  }
}

TEST(PolicyFloor, VersionOneWithOneListOfAuthorities) {
  const std::string list = concat("[{", kAuthority, ",", all_of(kType, kCompliance), "}]");
  EXPECT_EQ(refusal(concat(R"({"version":"1.0.0","anyOf":)", list, "}")), "");
  for (const std::string& members :
       {concat(R"("anyOf":)", list), concat(R"("version":"2.0.0","anyOf":)", list),
        concat(R"("version":1,"anyOf":)", list),
        concat(R"("version":"1.0.0","anyOf":)", list, R"(,"allOf":)", list),
        std::string(R"("version":"1.0.0","anyOf":1)"), std::string(R"("version":"1.0.0")"),
        std::string(R"("version":"1.0.0","anyOf":[])")}) {
    EXPECT_EQ(refusal(concat("{", members, "}")), "release_policy_malformed") << members;
  }
}

}  // namespace
}  // namespace apm::skr
