#include "policy/acl.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

#include "base/text.h"

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

TEST(Acl, NameNormalisation) {
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
  const auto may = [&acl](json::Object parameters) {
    return acl.decide("x", Operation::kUpdate, &parameters).allowed;
  };
  EXPECT_TRUE(may({{"a", "1"}}));
  EXPECT_TRUE(may({{"A", "value"}, {"b", "good"}}));
  EXPECT_FALSE(may({{"a", "2"}}));
  EXPECT_FALSE(may({{"a", "1"}, {"b", "evil"}}));
  EXPECT_FALSE(may({{"a", "1"}, {"c", "x"}}));
  EXPECT_FALSE(may({}));
}

TEST(Acl, WhatWeWouldNotEnforceIsNotAccepted) {
  for (const auto& [text, part] : std::map<std::string, std::string>{
           {"path \"a\" { capabilities = [\"fly\"] }", "\"fly\" is not a capability"},
           {"path \"a\" { max_ttl = 1 }", "line 1, column 12: \"max_ttl\" is not known"},
           {"path \"a*b\" { }", "may only be the last"},
           {"path \"a/+*\" { }", "\"+*\" is not allowed"},
           {"paths \"a\" { }", "\"paths\" is not known in a policy"}}) {
    const auto parsed = parse_acl("p", text);
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_NE(parsed.error().message.find(part), std::string::npos) << parsed.error().message;
  }
}

TEST(Acl, TouchesTellsWhetherAMountIsWorthShowing) {
  const AclPolicy one = policy(R"(path "anjuna/dek" { capabilities = ["read"] } path "kv/+/x" { capabilities = ["read"] })");
  const Acl acl({&one}, false);
  EXPECT_TRUE(acl.touches("anjuna/"));
  EXPECT_TRUE(acl.touches("kv/"));
  EXPECT_FALSE(acl.touches("other/"));
}

TEST(Acl, TheDefaultPolicyParses) { EXPECT_TRUE(parse_acl("default", default_policy_text()).ok()); }

// The rules again, as slowly and plainly as they can be said.
bool oracle(const std::vector<AclPolicy>& policies, const std::string& path, bool list) {
  const auto hits = [](const std::string& pattern, bool prefix, const std::string& p) {
    const auto want = split(pattern, '/');
    const auto have = split(p, '/');
    if (!prefix && want.size() != have.size()) return false;
    if (prefix && have.size() < want.size()) return false;
    for (std::size_t i = 0; i < want.size(); ++i) {
      const bool last = prefix && i + 1 == want.size();
      if (want[i] == "+") continue;
      if (last ? have[i].substr(0, want[i].size()) != want[i] : want[i] != have[i]) return false;
    }
    return true;
  };
  // Key of a candidate: bigger is more specific.
  using Key = std::tuple<bool, std::size_t, bool, int, std::size_t, std::string>;
  std::map<Key, unsigned> best;
  for (const AclPolicy& one : policies) {
    for (const PathRule& rule : one.rules) {
      const bool exact = !rule.is_prefix && !rule.has_segment_wildcard;
      const std::string text = rule.pattern + (rule.is_prefix ? "*" : "");
      bool hit = exact ? rule.pattern == path : hits(rule.pattern, rule.is_prefix, path);
      const bool without_slash = list && path.ends_with('/') && !rule.is_prefix;
      const std::string shorter = path.substr(0, path.size() - 1);
      int slash_rank = 1;
      if (!hit && without_slash) {
        hit = exact ? rule.pattern == shorter : hits(rule.pattern, false, shorter);
        slash_rank = exact ? 0 : 1;
      }
      if (!hit) continue;
      std::size_t wild = text.size();
      std::size_t at = 0;
      int plus = 0;
      for (const auto segment : split(text, '/')) {
        if (segment == "+") wild = std::min(wild, at), ++plus;
        if (segment.ends_with('*')) wild = std::min(wild, at + segment.size() - 1);
        at += segment.size() + 1;
      }
      const Key key = exact ? Key{true, static_cast<std::size_t>(slash_rank), true, 0, 0, ""}
                            : Key{false, wild, !rule.is_prefix, -plus, text.size(), text};
      best[key] |= rule.capabilities;
    }
  }
  if (best.empty()) return false;
  const unsigned bits = best.rbegin()->second;
  const unsigned wanted = static_cast<unsigned>(list ? Capability::kList : Capability::kRead);
  return (bits & static_cast<unsigned>(Capability::kDeny)) == 0 && (bits & wanted) != 0;
}

TEST(Acl, AgreesWithASlowOracleOnRandomCases) {
  const char* wanted = std::getenv("APM_ACL_CASES");
  const int cases = wanted != nullptr ? std::atoi(wanted) : 20'000;
  const unsigned seed = std::random_device{}();
  std::mt19937 random(seed);
  const auto pick = [&random](auto n) { return std::uniform_int_distribution<int>(0, n - 1)(random); };
  const std::vector<std::string> segments{"a", "b", "ab", "+"};
  for (int i = 0; i < cases; ++i) {
    std::vector<AclPolicy> policies;
    for (int p = 0; p <= pick(2); ++p) {
      std::string text;
      for (int r = 0; r <= pick(4); ++r) {
        std::string path = segments[static_cast<std::size_t>(pick(4))];
        for (int s = 0; s < pick(3); ++s) path += "/" + segments[static_cast<std::size_t>(pick(4))];
        if (pick(4) == 0) path += "/";
        if (pick(3) == 0 && !path.ends_with("+")) path += "*";
        const char* word = std::vector{"\"read\"", "\"list\"", "\"read\",\"list\"", "\"deny\""}[static_cast<std::size_t>(pick(4))];
        text += "path \"" + path + "\" { capabilities = [" + word + "] }\n";
      }
      policies.push_back(policy(text, concat("p", p)));
    }
    std::string path = segments[static_cast<std::size_t>(pick(3))];
    for (int s = 0; s < pick(3); ++s) path += "/" + segments[static_cast<std::size_t>(pick(3))];
    const bool list = pick(2) == 0;
    if (list) path += "/";
    std::vector<const AclPolicy*> pointers;
    for (const AclPolicy& one : policies) pointers.push_back(&one);
    const bool got = Acl(pointers, false).decide(path, list ? Operation::kList : Operation::kRead, nullptr).allowed;
    ASSERT_EQ(got, oracle(policies, path, list)) << "seed " << seed << " case " << i << " path " << path;
  }
}

}  // namespace
}  // namespace apm::policy
