#include "policy/claims.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "policy/limits.h"

namespace apm::policy {
namespace {

json::Value doc(std::string_view text) {
  auto parsed = json::parse(text);
  EXPECT_TRUE(parsed.ok()) << text;
  return parsed.ok() ? *parsed : json::Value();
}

bool passes(std::string_view condition, std::string_view claims) {
  const auto parsed = parse_condition(doc(condition), Grammar::kExtended);
  EXPECT_TRUE(parsed.ok()) << condition << ": " << (parsed.ok() ? "" : parsed.error().message);
  return parsed.ok() && evaluate(*parsed, doc(claims)).passed;
}

constexpr std::string_view kSample = R"({
  "version": "1.0.0",
  "anyOf": [
    {"authority": "https://sharedeus.eus.attest.azure.net/",
     "allOf": [
       {"claim": "x-ms-attestation-type", "equals": "sevsnpvm"},
       {"claim": "x-ms-isolation-tee.x-ms-compliance-status", "equals": "azure-compliant-cvm"},
       {"anyOf": [{"claim": "secure", "equals": "true"}, {"claim": "svn", "equals": 0}]}]},
    {"authority": "https://sharedweu.weu.attest.azure.net",
     "anyOf": [{"claim": "secure", "equals": true}]}]})";

constexpr std::string_view kClaims = R"({
  "x-ms-attestation-type": "sevsnpvm",
  "x-ms-isolation-tee": {"x-ms-compliance-status": "azure-compliant-cvm"},
  "secure": true})";

TEST(Claims, APolicyAsAzurePublishesItIsReadAndTested) {
  const auto policy = parse_release_policy(doc(kSample));
  ASSERT_TRUE(policy.ok()) << policy.error().message;
  EXPECT_EQ(policy->version, "1.0.0");
  ASSERT_EQ(policy->authorities.size(), 2U);
  EXPECT_EQ(policy->authorities[0].url, "https://sharedeus.eus.attest.azure.net");
  for (const char* issuer :
       {"https://sharedeus.eus.attest.azure.net", "https://sharedeus.eus.attest.azure.net/",
        "https://sharedweu.weu.attest.azure.net"}) {
    EXPECT_TRUE(evaluate(*policy, issuer, doc(kClaims)).passed) << issuer;
  }
  for (const char* issuer : {"", "/", "https://evil.attest.azure.net",
                             "https://sharedeus.eus.attest.azure.net.evil.example",
                             "https://sharedeus.eus.attest.azure.net//"}) {
    EXPECT_FALSE(evaluate(*policy, issuer, doc(kClaims)).passed) << issuer;
  }
  EXPECT_FALSE(evaluate(*policy, "https://sharedweu.weu.attest.azure.net", doc("{}")).passed);
}

TEST(Claims, EveryRuleTellsWhatItExpectedAndWhatItFound) {
  const auto policy = parse_release_policy(doc(kSample));
  ASSERT_TRUE(policy.ok());
  const Verdict verdict =
      evaluate(*policy, "https://sharedeus.eus.attest.azure.net",
               doc(R"({"x-ms-attestation-type": "tdxvm", "secure": false, "svn": 0})"));
  EXPECT_FALSE(verdict.passed);
  ASSERT_EQ(verdict.rules.size(), 6U);  // issuer, four claims, the other issuer
  EXPECT_EQ(describe(verdict.rules[1]),
            "claim \"x-ms-attestation-type\": equals \"sevsnpvm\", found \"tdxvm\": failed");
  EXPECT_EQ(describe(verdict.rules[2]),
            "claim \"x-ms-isolation-tee.x-ms-compliance-status\": equals \"azure-compliant-cvm\", "
            "found no single value: failed");
  EXPECT_EQ(verdict.rules[3].found, "false");
  EXPECT_TRUE(verdict.rules[4].passed);
  EXPECT_EQ(verdict.rules[5].claim, "iss");
  EXPECT_FALSE(verdict.rules[5].passed);
}

TEST(Claims, ValuesCompareAsTextWithTheirCase) {
  for (const auto& [wanted, found, equal] :
       std::vector<std::tuple<const char*, const char*, bool>>{{"true", "true", true},
                                                               {"\"true\"", "true", true},
                                                               {"true", "\"true\"", true},
                                                               {"0", "\"0\"", true},
                                                               {"\"0\"", "0", true},
                                                               {"\"a\"", "\"A\"", false},
                                                               {"true", "false", false},
                                                               {"1", "10", false},
                                                               {"\"\"", "\"\"", true},
                                                               {"true", "\"True\"", false},
                                                               {"\"a\"", "\"a \"", false},
                                                               {"1", "true", false},
                                                               {"\"\"", "null", false},
                                                               {"\"x\"", "[\"x\"]", false},
                                                               {"\"null\"", "null", false},
                                                               {"\"x\"", "{\"x\":\"x\"}", false}}) {
    const std::string condition = concat(R"({"claim": "c", "equals": )", wanted, "}");
    EXPECT_EQ(passes(condition, concat(R"({"c": )", found, "}")), equal) << condition << found;
  }
}

TEST(Claims, AMissingClaimFailsEveryComparison) {
  for (const char* rule : {R"("equals": "")", R"("notEquals": "x")", R"("in": ["", "x"])",
                           R"("less": 9)", R"("lessOrEquals": 9)", R"("greater": -9)",
                           R"("greaterOrEquals": 0)", R"("exists": true)"}) {
    const std::string condition = concat(R"({"claim": "a.b", )", rule, "}");
    for (const char* claims : {"{}", R"({"a": 1})", R"({"a": {"c": 1}})", R"({"a.b": 1})",
                               R"({"a": {"b": null}})", R"({"a": [{"b": 1}]})", "[]", "1"}) {
      EXPECT_FALSE(passes(condition, claims)) << condition << " " << claims;
    }
  }
  EXPECT_TRUE(passes(R"({"claim": "a.b", "exists": false})", "{}"));
  EXPECT_FALSE(passes(R"({"claim": "a.b", "exists": false})", R"({"a": {"b": []}})"));
  EXPECT_FALSE(passes(R"({"claim": "a", "notEquals": "x"})", R"({"a": ["y"]})"));
}

TEST(Claims, TheExtendedOperators) {
  const auto holds = [](const char* rule, const char* found) {
    return passes(concat(R"({"claim": "c", )", rule, "}"), concat(R"({"c": )", found, "}"));
  };
  EXPECT_TRUE(holds(R"("notEquals": "x")", "\"y\""));
  EXPECT_FALSE(holds(R"("notEquals": true)", "\"true\""));
  EXPECT_TRUE(holds(R"("in": ["a", 7])", "\"7\""));
  EXPECT_FALSE(holds(R"("in": ["a", 7])", "8"));
  EXPECT_TRUE(holds(R"("exists": true)", "0"));
  EXPECT_TRUE(holds(R"("less": 10)", "9"));  // not as text, where "9" is greater
  EXPECT_FALSE(holds(R"("less": 10)", "10"));
  EXPECT_TRUE(holds(R"("lessOrEquals": "10")", "10"));
  EXPECT_TRUE(holds(R"("greater": 18446744073709551615)", "\"18446744073709551616\""));
  EXPECT_FALSE(holds(R"("greater": 18446744073709551615)", "18446744073709551615"));
  EXPECT_TRUE(holds(R"("greaterOrEquals": -5)", "-4"));
  EXPECT_FALSE(holds(R"("greaterOrEquals": -5)", "-6"));
  for (const char* found : {"\"\"", "\"abc\"", "1.5", "1e9", "\"09\"", "true", "\" 9\"", "\"-\""}) {
    EXPECT_FALSE(holds(R"("greaterOrEquals": 0)", found)) << found;
    EXPECT_FALSE(holds(R"("less": 100)", found)) << found;
  }
}

TEST(Claims, WholeNumbersComparedByTheirValue) {
  const auto holds = [](std::string_view op, std::string_view found, std::string_view expected) {
    return passes(concat(R"({"claim": "c", ")", op, "\": ", expected, "}"),
                  concat(R"({"c": )", found, "}"));
  };
  // Ascending: each is less than all that follow.
  const std::vector<std::string> numbers{"-100", "-20", "-3", "0", "3", "20", "100"};
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    for (std::size_t k = 0; k < numbers.size(); ++k) {
      const std::string said = concat(numbers[i], " and ", numbers[k]);
      EXPECT_EQ(holds("less", numbers[i], numbers[k]), i < k) << said;
      EXPECT_EQ(holds("lessOrEquals", numbers[i], numbers[k]), i <= k) << said;
      EXPECT_EQ(holds("greater", numbers[i], numbers[k]), i > k) << said;
      EXPECT_EQ(holds("greaterOrEquals", numbers[i], numbers[k]), i >= k) << said;
    }
  }
  EXPECT_TRUE(holds("greaterOrEquals", "\"-0\"", "0"));
  for (const char* op : {"less", "lessOrEquals", "greater", "greaterOrEquals"}) {
    for (const char* expected : {"\"x\"", "\"\"", "\"-\"", "\"01\"", "true"}) {
      const json::Value rule = doc(concat(R"({"claim": "c", ")", op, "\": ", expected, "}"));
      EXPECT_EQ(parse_condition(rule, Grammar::kExtended).error().reason, "policy_syntax")
          << op << " " << expected;
    }
  }
}

// No parser of ours makes these; the evaluation holds by itself.
TEST(Claims, ConditionsThatNoParserMakesFail) {
  Condition order;
  order.kind = Condition::Kind::kClaim;
  order.claim = "c";
  order.op = Operator::kLess;
  order.expected = {"x"};
  EXPECT_FALSE(evaluate(order, doc(R"({"c": 1})")).passed);
  Condition empty;
  empty.kind = Condition::Kind::kAllOf;
  const Verdict verdict = evaluate(empty, doc("{}"));
  EXPECT_FALSE(verdict.passed);
  EXPECT_EQ(verdict.decisive(), nullptr);
  ReleasePolicy nobody;
  nobody.kind = Condition::Kind::kAllOf;
  EXPECT_FALSE(evaluate(nobody, "https://a", doc("{}")).passed);
  nobody.authorities = {{"", order}};
  nobody.authorities[0].conditions.op = Operator::kExists;
  nobody.authorities[0].conditions.expected = {"true"};
  EXPECT_FALSE(evaluate(nobody, "", doc(R"({"c": 1})")).passed);
}

TEST(Claims, AllAuthoritiesOrAnyOfThem) {
  const auto policy = [](const char* group) {
    const auto parsed = parse_release_policy(doc(concat(R"({"version": "1.0.0", ")", group, R"(": [
      {"authority": "https://a", "allOf": [{"claim": "c", "equals": 1}]},
      {"authority": "https://b", "allOf": [{"claim": "c", "equals": 1}]}]})")));
    EXPECT_TRUE(parsed.ok());
    return *parsed;
  };
  const Verdict any = evaluate(policy("anyOf"), "https://a", doc(R"({"c": 1})"));
  EXPECT_TRUE(any.passed);
  EXPECT_TRUE(any.rules.back().excused);
  EXPECT_EQ(any.decisive(), nullptr);
  const Verdict all = evaluate(policy("allOf"), "https://a", doc(R"({"c": 1})"));
  EXPECT_FALSE(all.passed);
  EXPECT_FALSE(all.rules.back().excused);
  EXPECT_EQ(all.decisive(), &all.rules.back());
  EXPECT_FALSE(evaluate(policy("allOf"), "https://b", doc(R"({"c": 1})")).passed);
  const auto single = parse_release_policy(doc(R"({"version": "1.0.0", "allOf": [
      {"authority": "https://a", "allOf": [{"claim": "c", "equals": 1}]}]})"));
  ASSERT_TRUE(single.ok());
  EXPECT_TRUE(evaluate(*single, "https://a", doc(R"({"c": 1})")).passed);
}

TEST(Claims, ClaimPathAndListAtTheLimitAndOneBeyond) {
  const auto path = [](std::size_t size) {
    return json::Value(json::Object{{"claim", std::string(size, 'a')}, {"equals", 1}});
  };
  EXPECT_TRUE(parse_condition(path(kClaimPathBytesMax), Grammar::kExtended).ok());
  EXPECT_EQ(parse_condition(path(kClaimPathBytesMax + 1), Grammar::kExtended).error().reason,
            "policy_syntax");
  const auto list = [](std::size_t size) {
    return json::Value(json::Object{{"claim", "a"}, {"in", json::Array(size, json::Value(1))}});
  };
  EXPECT_TRUE(parse_condition(list(kExpectedValuesMax), Grammar::kExtended).ok());
  EXPECT_EQ(parse_condition(list(kExpectedValuesMax + 1), Grammar::kExtended).error().reason,
            "policy_syntax");
  const auto no = parse_condition(doc(R"({"claim": "a", "equals": false})"), Grammar::kExtended);
  ASSERT_TRUE(no.ok());
  EXPECT_EQ(no->expected, std::vector<std::string>{"false"});
}

TEST(Claims, WhatIsNotInTheGrammarIsRefusedWithItsPlace) {
  const auto authority = [](const char* inner) {
    return concat(R"({"version":"1.0.0","anyOf":[{"authority":"https://a",)", inner, "}]}");
  };
  const std::vector<std::pair<std::string, std::string>> cases{
      {"[]", "the policy: must be an object"},
      {"{}", "the policy: needs anyOf or allOf"},
      {R"({"version":"1.0.0","anyOf":[]})", "anyOf: must be a list with something in it"},
      {R"({"version":"0.2","anyOf":[{}]})", "version: must be"},
      {R"({"version":"1.0.0","anyOf":[{"allOf":[]}]})", "anyOf[0]: \"authority\" must be"},
      {R"({"version":"1.0.0","noneOf":[1]})", "the policy: \"noneOf\" is not known here"},
      {R"({"version":"1.0.0"})", "the policy: needs anyOf or allOf"},
      {R"({"anyOf":[{}]})", "version: must be"},
      {R"({"version":"1.0.0","anyOf":[1]})", "anyOf[0]: must be an object"},
      {R"({"version":"1.0.0","anyOf":[{"authority":"http://ab","allOf":[{}]}]})",
       "anyOf[0]: \"authority\" must be"},
      {R"({"version":"1.0.0","anyOf":[{"authority":"https://","allOf":[{}]}]})",
       "anyOf[0]: \"authority\" must be"},
      {R"({"version":"1.0.0","allOf":[{"authority":"https://a","anyOf":{}}]})",
       "allOf[0].anyOf: must be a list"},
      {authority(R"("allOf":[1])"), "anyOf[0].allOf[0]: must be an object"},
      {authority(R"("allOf":[])"), "anyOf[0].allOf: must be a list"},
      {authority(R"("allOf":[1],"anyOf":[1])"), "anyOf[0]: has anyOf and allOf"},
      {authority(R"("allOf":[{"claim":"a"}])"), "anyOf[0].allOf[0]: has no operator"},
      {authority(R"("allOf":[{"claim":"a..b","equals":1}])"),
       "anyOf[0].allOf[0]: \"claim\" has an"},
      {authority(R"("allOf":[{"claim":"a","equals":[1]}])"),
       "anyOf[0].allOf[0]: \"equals\" compares"},
      {authority(R"("allOf":[{"claim":"a","equals":null}])"), "anyOf[0].allOf[0]: \"equals\" comp"},
      {authority(R"("allOf":[{"claim":"a","condition":"equals","value":1}])"),
       "anyOf[0].allOf[0]: \"condition\" is not an operator"},
      {authority(R"("allOf":[{"claim":"a","equals":1},{"anyOf":[{"equals":1}]}])"),
       "anyOf[0].allOf[1].anyOf[0]: \"equals\" is not known here"},
      {authority(R"("allOf":[{"claim":"a","notEquals":1}])"),
       "Key Vault implements \"equals\" alone"}};
  for (const auto& [text, part] : cases) {
    const auto parsed = parse_release_policy(doc(text));
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_EQ(parsed.error().reason, "policy_syntax") << text;
    EXPECT_NE(parsed.error().message.find(part), std::string::npos) << parsed.error().message;
  }
  for (const char* text : {R"({"claim":"a","equals":1,"less":2})", R"({"claim":"a","in":[]})",
                           R"({"claim":"a","in":"x"})", R"({"claim":"a","less":"x"})",
                           R"({"claim":"a","less":1.5})", R"({"claim":"a","exists":"true"})",
                           R"({"claim":1,"equals":1})", R"({"claim":"","equals":1})"}) {
    EXPECT_EQ(parse_condition(doc(text), Grammar::kExtended).error().reason, "policy_syntax")
        << text;
  }
}

TEST(Claims, DepthAndCountAtTheLimitAndOneBeyond) {
  const auto nested = [](std::size_t depth) {
    std::string text = R"({"claim":"a","equals":1})";
    for (std::size_t i = 1; i < depth; ++i) text = concat(R"({"allOf":[)", text, "]}");
    return doc(text);
  };
  EXPECT_TRUE(parse_condition(nested(kConditionDepthMax), Grammar::kExtended).ok());
  EXPECT_FALSE(parse_condition(nested(kConditionDepthMax + 1), Grammar::kExtended).ok());
  const auto wide = [](std::size_t count) {  // with the group itself
    json::Array list(count - 1, json::Value(json::Object{{"claim", "a"}, {"equals", 1}}));
    return json::Value(json::Object{{"allOf", std::move(list)}});
  };
  EXPECT_TRUE(parse_condition(wide(kConditionsMax), Grammar::kExtended).ok());
  EXPECT_FALSE(parse_condition(wide(kConditionsMax + 1), Grammar::kExtended).ok());
}

TEST(Claims, WhatAnotherBranchMadeUpForDecidesNothing) {
  const auto condition = parse_condition(doc(R"({"allOf": [
        {"anyOf": [{"claim": "a", "equals": 1}, {"claim": "b", "equals": 2}]},
        {"claim": "c", "equals": 3}]})"),
                                         Grammar::kExtended);
  ASSERT_TRUE(condition.ok());
  const Verdict refused = evaluate(*condition, doc(R"({"a": 0, "b": 2, "c": 4})"));
  EXPECT_FALSE(refused.passed);
  EXPECT_TRUE(refused.rules[0].excused);
  ASSERT_NE(refused.decisive(), nullptr);
  EXPECT_EQ(refused.decisive()->claim, "c");
  EXPECT_EQ(refused.decisive()->place, "allOf[1]");
  const Verdict accepted = evaluate(*condition, doc(R"({"a": 0, "b": 2, "c": 3})"));
  EXPECT_TRUE(accepted.passed);
  EXPECT_EQ(accepted.decisive(), nullptr);
  EXPECT_FALSE(accepted.rules[1].excused);
  const Verdict neither = evaluate(*condition, doc(R"({"a": 0, "b": 0, "c": 3})"));
  ASSERT_NE(neither.decisive(), nullptr);
  EXPECT_EQ(neither.decisive()->place, "allOf[0].anyOf[0]");
}

TEST(Claims, AClaimThatDoesNotExistIsRefusedWithItsPlace) {
  const auto only_a = [](std::string_view path) { return path == "a"; };
  const json::Value good = doc(R"({"allOf": [{"claim": "a", "exists": true}]})");
  EXPECT_TRUE(parse_condition(good, Grammar::kExtended, only_a).ok());
  const auto bad = parse_condition(
      doc(R"({"allOf": [{"claim": "a", "equals": 1}, {"anyOf": [{"claim": "A", "equals": 1}]}]})"),
      Grammar::kExtended, only_a);
  ASSERT_FALSE(bad.ok());
  EXPECT_EQ(bad.error().reason, "policy_claim_unknown");
  EXPECT_TRUE(bad.error().message.starts_with("allOf[1].anyOf[0]: ")) << bad.error().message;
}

}  // namespace
}  // namespace apm::policy
