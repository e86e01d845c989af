// Which rule decides, what rules of several policies become together, and what is read of a rule:
// each case here is the one in which a single comparison matters.

#include <gtest/gtest.h>

#include "base/text.h"
#include "policy/acl.h"
#include "policy/limits.h"

namespace apm::policy {
namespace {

using logical::Operation;

constexpr auto kDenyBit = static_cast<unsigned>(Capability::kDeny);

AclPolicy policy(std::string_view text, std::string_view name = "p") {
  auto parsed = parse_acl(name, text);
  EXPECT_TRUE(parsed.ok()) << (parsed.ok() ? "" : parsed.error().message);
  return parsed.ok() ? *parsed : AclPolicy{};
}

bool allows(std::string_view text, const std::string& path, Operation operation) {
  const AclPolicy one = policy(text);
  return Acl({&one}, false).decide(path, operation, nullptr).allowed;
}

TEST(AclRules, TheLaterWildcardTheLongerThenTheGreaterTextDecides) {
  const auto reads = [](std::string_view winner, std::string_view loser, const std::string& path) {
    const std::string text = concat("path \"", winner, "\" { capabilities = [\"read\"] }\npath \"",
                                    loser, "\" { capabilities = [\"list\"] }");
    return allows(text, path, Operation::kRead);
  };
  EXPECT_TRUE(reads("s/$x*", "s/*", "s/$x/1"));
  EXPECT_TRUE(reads("s/x*", "s/*", "s/x/1"));
  EXPECT_TRUE(reads("a/+/b$c*", "a/+/b*", "a/1/b$cd"));
  EXPECT_TRUE(reads("a/+/bc*", "a/+/b*", "a/1/bcd"));
  EXPECT_TRUE(reads("a/+/c/+", "a/+/+/b", "a/x/c/b"));
}

TEST(AclRules, AListIsBoundByARuleWithoutItsSlashAndByNoShorterOne) {
  const char* text = R"(
path "s/*" { capabilities = ["list"] }
path "s/hidden" { capabilities = ["deny"] }
path "s/+/x" { capabilities = ["deny"] })";
  EXPECT_FALSE(allows(text, "s/hidden/", Operation::kList));
  EXPECT_TRUE(allows(text, "s/hiddenx", Operation::kList));
  EXPECT_FALSE(allows(text, "s/q/x/", Operation::kList));
  EXPECT_TRUE(allows(text, "s/q/xy", Operation::kList));
}

TEST(AclRules, ADenialLeavesNothingOfTheOthers) {
  const AclPolicy grants = policy(R"(path "a" { capabilities = ["read", "sudo"] })", "grants");
  const AclPolicy denies = policy(R"(path "a" { capabilities = ["deny", "update"] })", "denies");
  for (const auto& order : {std::vector{&grants, &denies}, std::vector{&denies, &grants}}) {
    const Decision decision = Acl(order, false).decide("a", Operation::kRead, nullptr);
    EXPECT_EQ(decision.reason, "denied_by_rule");
    EXPECT_EQ(decision.capabilities, kDenyBit);
  }
}

TEST(AclRules, AnyValueOfOnePolicySwallowsTheListOfTheOther) {
  const AclPolicy any = policy(R"(path "x" { capabilities = ["update"]
    allowed_parameters = { "a" = [] } })");
  const AclPolicy one = policy(R"(path "x" { capabilities = ["update"]
    allowed_parameters = { "a" = ["1"] } })");
  const json::Object two{{"a", "2"}};
  EXPECT_FALSE(Acl({&one}, false).decide("x", Operation::kUpdate, &two).allowed);
  EXPECT_TRUE(Acl({&any, &one}, false).decide("x", Operation::kUpdate, &two).allowed);
  EXPECT_TRUE(Acl({&one, &any}, false).decide("x", Operation::kUpdate, &two).allowed);
}

TEST(AclRules, TheLesserWrappingBoundCountsAndNoneIsNoBound) {
  const auto rule = [](std::string_view bounds) {
    return policy(concat(R"(path "x" { capabilities = ["read"] )", bounds, " }"));
  };
  const AclPolicy none = rule("");
  const AclPolicy short_max = rule(R"(max_wrapping_ttl = "10m")");
  const AclPolicy long_max = rule(R"(max_wrapping_ttl = "1h")");
  const AclPolicy min = rule(R"(min_wrapping_ttl = "1m")");
  const auto may = [](const std::vector<const AclPolicy*>& policies, std::uint64_t ttl) {
    return Acl(policies, false).decide("x", Operation::kRead, nullptr, ttl).allowed;
  };
  EXPECT_TRUE(may({&none}, 0));
  for (const auto& both :
       {std::vector{&none, &short_max}, std::vector{&short_max, &none},
        std::vector{&short_max, &long_max}, std::vector{&long_max, &short_max}}) {
    EXPECT_TRUE(may(both, 600));
    EXPECT_FALSE(may(both, 601));
    EXPECT_FALSE(may(both, 0)) << "a bound asks for a wrapped answer";
  }
  EXPECT_FALSE(may({&min}, 0));
  EXPECT_FALSE(may({&min}, 59));
  EXPECT_TRUE(may({&min}, 1'000'000));
}

TEST(AclRules, CapabilitiesWhereNothingIsAllowed) {
  const AclPolicy one = policy(R"(path "empty" { } path "s/+/x" { capabilities = ["list"] }
path "b*" { capabilities = ["read"] })");
  const Acl acl({&one}, false);
  EXPECT_EQ(acl.capabilities("unknown"), std::vector<std::string>{"deny"});
  EXPECT_EQ(acl.capabilities("empty"), std::vector<std::string>{"deny"});
  EXPECT_EQ(acl.capabilities("s/1/x/"), std::vector<std::string>{"list"});
  EXPECT_EQ(acl.capabilities("s/1/xy"), std::vector<std::string>{"deny"});
}

TEST(AclRules, WhatMakesAMountWorthShowing) {
  const auto touches = [](std::string_view path, std::string_view member, const char* prefix) {
    const AclPolicy one = policy(concat("path \"", path, "\" { ", member, " }"));
    return Acl({&one}, false).touches(prefix);
  };
  constexpr std::string_view kRead = R"(capabilities = ["read"])";
  EXPECT_TRUE(Acl({}, true).touches("kv/"));
  EXPECT_FALSE(touches("kv/a", R"(policy = "deny")", "kv/"));
  EXPECT_FALSE(touches("kv/a", "", "kv/"));
  EXPECT_TRUE(touches("kv/a", kRead, "kv/"));
  EXPECT_TRUE(touches("*", kRead, "kv/"));
  EXPECT_TRUE(touches("k*", kRead, "kv/"));
  EXPECT_FALSE(touches("k", kRead, "kv/"));
  EXPECT_TRUE(touches("+/a", kRead, "kv/"));
  EXPECT_TRUE(touches("kv", kRead, "kv/"));
  EXPECT_FALSE(touches("kw", kRead, "kv/"));
}

TEST(AclRules, TheOldOneWordForm) {
  const auto words = [](std::string_view word) {
    const AclPolicy one = policy(concat(R"(path "a" { policy = ")", word, "\" }"));
    return Acl({&one}, false).capabilities("a");
  };
  using Words = std::vector<std::string>;
  EXPECT_EQ(words("deny"), (Words{"deny"}));
  EXPECT_EQ(words("read"), (Words{"list", "read"}));
  EXPECT_EQ(words("write"), (Words{"create", "delete", "list", "patch", "read", "update"}));
  EXPECT_EQ(words("sudo"), (Words{"create", "delete", "list", "patch", "read", "sudo", "update"}));
}

TEST(AclRules, WhatARuleMayHoldBesides) {
  EXPECT_EQ(policy(R"(name = "x" path "/a" { comment = "why" })").rules.at(0).pattern, "a");
  EXPECT_EQ(policy(R"(path "a" { min_wrapping_ttl = "1m" })").rules.at(0).min_wrapping_ttl_s, 60U);
  const PathRule denied = policy(R"(path "a" { capabilities = ["deny", "read"]
    allowed_parameters = { "a" = [] } })")
                              .rules.at(0);
  EXPECT_EQ(denied.capabilities, kDenyBit);
  EXPECT_TRUE(denied.allowed.empty());
}

TEST(AclRules, WhatIsNotARuleIsRefused) {
  for (const auto& [text, part] : std::vector<std::pair<std::string, std::string>>{
           {"path \"a\" {", "failed to parse policy"},
           {"path { }", "a rule is written"},
           {"path \"a\" \"b\" { }", "a rule is written"},
           {"path = \"a\"", "a rule is written"},
           {"path \"a\" = 1", "failed to parse policy"},
           {"name { }", "\"name\" is not known in a policy"},
           {"path \"a\" { policy = \"fly\" }", "must be deny, read, write or sudo"},
           {"path \"a\" { allowed_parameters = 1 }", "must be a map of lists"},
           {"path \"a\" { allowed_parameters = { \"b\" = 1 } }", "values must be a list"},
           {"path \"a\" { allowed_parameters = { \"b\" = [[]] } }", "strings, numbers or bool"}}) {
    const auto parsed = parse_acl("p", text);
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_NE(parsed.error().message.find(part), std::string::npos) << parsed.error().message;
  }
}

TEST(AclRules, AsManyRulesAsThereMayBeAndOneBeyond) {
  std::string text;
  for (std::size_t i = 0; i < kRulesMax; ++i) text += concat("path \"", i, "\" { }\n");
  EXPECT_EQ(policy(text).rules.size(), kRulesMax);
  const auto beyond = parse_acl("p", text + "path \"x\" { }");
  ASSERT_FALSE(beyond.ok());
  EXPECT_NE(beyond.error().message.find("at most"), std::string::npos) << beyond.error().message;
}

}  // namespace
}  // namespace apm::policy
