#include "policy/parameters.h"

#include <gtest/gtest.h>

namespace apm::policy {
namespace {

using Values = std::vector<json::Value>;

bool denied(const Values& wanted, const json::Value& given) {
  PathRule rule;
  rule.denied["p"] = wanted;
  return !parameters_pass(rule, {{"p", given}});
}

bool allowed(const Values& wanted, const json::Value& given) {
  PathRule rule;
  rule.allowed["p"] = wanted;
  return parameters_pass(rule, {{"p", given}});
}

TEST(Parameters, AStarAtEitherEndStandsForAnythingThere) {
  for (const auto& [pattern, good, bad] :
       std::vector<std::tuple<const char*, const char*, const char*>>{{"ab", "ab", "abc"},
                                                                      {"ab", "ab", "xab"},
                                                                      {"ab*", "abc", "xab"},
                                                                      {"*ab", "xab", "abc"},
                                                                      {"*ab*", "xabc", "xacb"},
                                                                      {"*", "", nullptr}}) {
    EXPECT_TRUE(allowed({pattern}, good)) << pattern << " " << good;
    EXPECT_FALSE(bad != nullptr && allowed({pattern}, bad)) << pattern;
  }
}

TEST(Parameters, WhatIsAllowedMustHaveTheWantedType) {
  EXPECT_TRUE(allowed({5}, 5));
  EXPECT_FALSE(allowed({5}, "5"));
  EXPECT_FALSE(allowed({"5"}, 5));
  EXPECT_FALSE(allowed({5}, 6));
}

TEST(Parameters, AStarAllowsEveryOtherNameToo) {
  PathRule rule;
  rule.allowed["p"] = {"1"};
  EXPECT_FALSE(parameters_pass(rule, {{"q", "2"}}));
  rule.allowed["*"] = {};
  EXPECT_TRUE(parameters_pass(rule, {{"q", "2"}}));
  EXPECT_FALSE(parameters_pass(rule, {{"p", "2"}}));
}

TEST(Parameters, ADeniedNumberIsDeniedInEverySpellingAndNoOtherNumberIs) {
  EXPECT_TRUE(denied({5}, "5.0"));
  EXPECT_TRUE(denied({5}, "+5"));
  EXPECT_FALSE(denied({5}, "5 apples"));
  EXPECT_FALSE(denied({5}, "4"));
  EXPECT_FALSE(denied({5}, "6"));
  EXPECT_FALSE(denied({0}, ""));
  EXPECT_FALSE(denied({json::Number{""}}, "0"));
  EXPECT_FALSE(denied({json::Number{"5 apples"}}, "5"));
}

TEST(Parameters, ADeniedTextIsNoNumber) {
  EXPECT_TRUE(denied({"5"}, 5));
  EXPECT_FALSE(denied({"5"}, "5.0"));
}

TEST(Parameters, AListIsDeniedForOneOfItsElementsAndAnObjectForItself) {
  EXPECT_TRUE(denied({"a"}, json::Array{"b", "a"}));
  EXPECT_FALSE(denied({"a"}, json::Array{"b", "c"}));
  EXPECT_FALSE(denied({"a"}, json::Object{{"a", "a"}}));
  EXPECT_FALSE(denied({json::Object{{"a", 1}}}, "a"));
  EXPECT_FALSE(denied({json::Object{{"a", 1}}}, json::Object{{"a", 2}}));
  EXPECT_TRUE(denied({json::Object{{"a", 1}}}, json::Object{{"a", 1}}));
}

}  // namespace
}  // namespace apm::policy
