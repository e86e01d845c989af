#include "policy/acl.h"

#include <gtest/gtest.h>

#include <map>

namespace apm::policy {
namespace {

using logical::Operation;

AclPolicy policy(std::string_view text, std::string_view name = "p") {
  auto parsed = parse_acl(name, text);
  EXPECT_TRUE(parsed.ok()) << (parsed.ok() ? "" : parsed.error().message);
  return parsed.ok() ? *parsed : AclPolicy{};
}

bool allows(std::string_view text, const std::string& path, Operation operation) {
  const AclPolicy one = policy(text);
  return Acl({&one}, false).decide(path, operation, nullptr).allowed;
}

TEST(Acl, ExactBeatsPatternAndTheLongerPatternBeatsTheShorter) {
  const char* text = R"(
path "s/*" { capabilities = ["read"] }
path "s/secret" { capabilities = ["deny"] }
path "s/a/*" { capabilities = ["list"] }
path "s/+/b" { capabilities = ["update"] }
)";
  EXPECT_TRUE(allows(text, "s/x", Operation::kRead));
  EXPECT_FALSE(allows(text, "s/secret", Operation::kRead));
  EXPECT_FALSE(allows(text, "s/a/x", Operation::kRead));
  EXPECT_TRUE(allows(text, "s/a/x", Operation::kList));
  EXPECT_TRUE(allows(text, "s/q/b", Operation::kUpdate));
  EXPECT_FALSE(allows(text, "t/x", Operation::kRead));
}

TEST(Acl, DenyWinsOverEveryOtherPolicy) {
  const AclPolicy one = policy(R"(path "a" { capabilities = ["read", "sudo"] })", "one");
  const AclPolicy two = policy(R"(path "a" { policy = "deny" })", "two");
  for (const auto& order : {std::vector{&one, &two}, std::vector{&two, &one}}) {
    EXPECT_FALSE(Acl(order, false).decide("a", Operation::kRead, nullptr).allowed);
    EXPECT_EQ(Acl(order, false).capabilities("a"), std::vector<std::string>{"deny"});
  }
  EXPECT_EQ(Acl({&one}, false).capabilities("a"), (std::vector<std::string>{"read", "sudo"}));
  EXPECT_EQ(Acl({}, true).capabilities("a"), std::vector<std::string>{"root"});
}

TEST(Acl, PathConfusionAListIsBoundByADenyWithoutItsSlash) {
  const char* text = R"(
path "s/*" { capabilities = ["list", "read"] }
path "s/hidden" { capabilities = ["deny"] }
path "s/+/x" { capabilities = ["deny"] }
)";
  EXPECT_FALSE(allows(text, "s/hidden/", Operation::kList));
  EXPECT_FALSE(allows(text, "s/q/x/", Operation::kList));
  EXPECT_TRUE(allows(text, "s/open/", Operation::kList));
}

TEST(Acl, NameNormalisationRootInAnyDressIsRoot) {
  EXPECT_EQ(normalise_name("  RoOt\t"), "root");
  EXPECT_EQ(policy("", " MiXed ").name, "mixed");
}

TEST(Acl, ParametersAllowedDeniedRequired) {
  const AclPolicy one = policy(R"(
path "x" {
  capabilities = ["update"]
  allowed_parameters = { "a" = ["1", "v*"], "b" = [] }
  denied_parameters = { "b" = ["evil"] }
  required_parameters = ["a"]
})");
  const Acl acl({&one}, false);
  const auto may = [&acl](const json::Object& parameters) {
    return acl.decide("x", Operation::kUpdate, &parameters).allowed;
  };
  EXPECT_TRUE(may({{"a", "1"}}));
  EXPECT_TRUE(may({{"A", "value"}, {"b", "good"}}));
  EXPECT_FALSE(may({{"a", "2"}}));
  EXPECT_FALSE(may({{"a", "1"}, {"b", "evil"}}));
  EXPECT_FALSE(may({{"a", "1"}, {"c", "x"}}));
  EXPECT_FALSE(may({}));
}

TEST(Acl, ParameterListsOfOnePolicyBindTheMergedRule) {
  const AclPolicy reader = policy(R"(path "x" { capabilities = ["read"] })", "reader");
  const AclPolicy writer = policy(R"(path "x" { capabilities = ["update"]
    allowed_parameters = { "a" = ["1"] } })",
                                  "writer");
  const AclPolicy other = policy(R"(path "x" { capabilities = ["update"]
    allowed_parameters = { "a" = ["2"], "b" = [] } })",
                                 "other");
  const json::Object one{{"a", "1"}};
  const json::Object two{{"a", "2"}};
  for (const auto& order : {std::vector{&reader, &writer}, std::vector{&writer, &reader}}) {
    const Acl acl(order, false);
    EXPECT_TRUE(acl.decide("x", Operation::kUpdate, &one).allowed);
    EXPECT_EQ(acl.decide("x", Operation::kUpdate, &two).reason, "parameter_refused");
    EXPECT_EQ(acl.decide("x", Operation::kUpdate, &one).granting_policies,
              std::vector<std::string>{"writer"});
    EXPECT_EQ(acl.decide("x", Operation::kRead, nullptr).granting_policies,
              std::vector<std::string>{"reader"});
  }
  EXPECT_TRUE(Acl({&writer, &other}, false).decide("x", Operation::kUpdate, &two).allowed);
}

TEST(Acl, ParameterEvasionADeniedValueIsDeniedInEverySpelling) {
  const AclPolicy one = policy(R"(path "x" { capabilities = ["update"]
    denied_parameters = { "ttl" = [5], "role" = ["adm*"], "flag" = [true] } })");
  const Acl acl({&one}, false);
  const auto may = [&acl](const json::Object& parameters) {
    return acl.decide("x", Operation::kUpdate, &parameters).allowed;
  };
  EXPECT_FALSE(may({{"ttl", 5}}));
  EXPECT_FALSE(may({{"TTL", "5"}}));
  EXPECT_FALSE(may({{"ttl", json::Number{"5.0"}}}));
  EXPECT_FALSE(may({{"ttl", json::Number{"0.5e1"}}}));
  EXPECT_FALSE(may({{"role", "admin"}}));
  EXPECT_FALSE(may({{"role", json::Array{"user", "admin"}}}));
  EXPECT_FALSE(may({{"flag", "true"}}));
  EXPECT_TRUE(may({{"ttl", 6}, {"role", "user"}, {"flag", false}}));
  const AclPolicy all = policy(R"(path "x" { capabilities = ["update"]
    denied_parameters = { "*" = [] } })");
  const json::Object some{{"a", "1"}};
  EXPECT_FALSE(Acl({&all}, false).decide("x", Operation::kUpdate, &some).allowed);
  const json::Object none;
  EXPECT_TRUE(Acl({&all}, false).decide("x", Operation::kUpdate, &none).allowed);
}

TEST(Acl, WrappingBoundsRefuseAnAnswerThatIsNotWrapped) {
  const AclPolicy one = policy(R"(path "x" { capabilities = ["read"]
    min_wrapping_ttl = "1m" max_wrapping_ttl = 3600 })");
  const AclPolicy two = policy(R"(path "x" { capabilities = ["read"] max_wrapping_ttl = "10m" })");
  const auto may = [](const Acl& acl, std::uint64_t ttl) {
    return acl.decide("x", Operation::kRead, nullptr, ttl).allowed;
  };
  const Acl acl({&one}, false);
  EXPECT_EQ(acl.decide("x", Operation::kRead, nullptr).reason, "wrapping_out_of_bounds");
  EXPECT_FALSE(may(acl, 59));
  EXPECT_TRUE(may(acl, 60));
  EXPECT_TRUE(may(acl, 3600));
  EXPECT_FALSE(may(acl, 3601));
  const Acl both({&one, &two}, false);
  EXPECT_TRUE(may(both, 600));
  EXPECT_FALSE(may(both, 601));
}

TEST(Acl, ARefusalTellsItsReason) {
  const AclPolicy one =
      policy(R"(path "a" { capabilities = ["read"] } path "b" { policy = "deny" })");
  const Acl acl({&one}, false);
  EXPECT_EQ(acl.decide("a", Operation::kRead, nullptr).reason, "granted");
  EXPECT_EQ(acl.decide("a", Operation::kDelete, nullptr).reason, "capability_missing");
  EXPECT_EQ(acl.decide("b", Operation::kRead, nullptr).reason, "denied_by_rule");
  EXPECT_EQ(acl.decide("c", Operation::kRead, nullptr).reason, "no_rule");
  EXPECT_EQ(Acl({}, true).decide("c", Operation::kRead, nullptr).reason, "root");
}

TEST(Acl, WildcardOneSegmentOrAPrefixAndNothingElse) {
  const char* text =
      R"(path "a/+/c" { capabilities = ["read"] } path "p*" { capabilities = ["read"] }
path "q+/x" { capabilities = ["read"] } path "e/+/f*" { capabilities = ["read"] })";
  for (const char* path : {"a/b/c", "p", "pq/r", "q+/x", "e/1/f", "e/1/fg/h", "a//c"}) {
    EXPECT_TRUE(allows(text, path, Operation::kRead)) << path;
  }
  for (const char* path :
       {"a/c", "a/b/b/c", "a/b/cc", "a/b/c/", "qz/x", "q/x", "e/f", "e/1/2/f", "P"}) {
    EXPECT_FALSE(allows(text, path, Operation::kRead)) << path;
  }
}

TEST(Acl, WhatWeWouldNotEnforceIsNotAccepted) {
  for (const auto& [text, part] : std::map<std::string, std::string>{
           {"path \"a\" { capabilities = [\"fly\"] }", "\"fly\" is not a capability"},
           {"path \"a\" { max_ttl = 1 }", "line 1, column 12: \"max_ttl\" is not known"},
           {"path \"a*b\" { }", "may only be the last"},
           {"path \"a/+*\" { }", "\"+*\" is not allowed"},
           {"path \"a+*\" { }", "\"+*\" is not allowed"},
           {"path \"a**\" { }", "may only be the last"},
           {"path \"s/{{identity.entity.id}}/x\" { }", "templates"},
           {"path \"a\" { control_group = {} }",
            "line 1, column 12: \"control_group\" is not known"},
           {"path \"a\" { denied_parameters \"x\" { \"b\" = [] } }", "must be a map of lists"},
           {"path \"a\" {\n denied_parameters { \"a\" = [] }\n denied_parameters { \"b\" = [] } }",
            "line 3, column 2: \"denied_parameters\" was already set at line 2, column 2"},
           {"path \"a\" { denied_parameters = { \"A\" = []  \"a\" = [\"x\"] } }", "is there twice"},
           {"path \"a\" { min_wrapping_ttl = \"soon\" }", "must be a duration"},
           {"path \"a\" { min_wrapping_ttl = \"2h\" max_wrapping_ttl = \"1h\" }", "is less than"},
           {"paths \"a\" { }", "\"paths\" is not known in a policy"}}) {
    const auto parsed = parse_acl("p", text);
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_NE(parsed.error().message.find(part), std::string::npos) << parsed.error().message;
  }
}

TEST(Acl, TouchesTellsWhetherAMountIsWorthShowing) {
  const AclPolicy one = policy(
      R"(path "anjuna/dek" { capabilities = ["read"] } path "kv/+/x" { capabilities = ["read"] })");
  const Acl acl({&one}, false);
  EXPECT_TRUE(acl.touches("anjuna/"));
  EXPECT_TRUE(acl.touches("kv/"));
  EXPECT_FALSE(acl.touches("other/"));
}

TEST(Acl, TheDefaultPolicyParses) { EXPECT_TRUE(parse_acl("default", default_policy_text()).ok()); }

}  // namespace
}  // namespace apm::policy
