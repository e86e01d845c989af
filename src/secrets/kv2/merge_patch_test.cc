#include "secrets/kv2/merge_patch.h"

#include <gtest/gtest.h>

namespace apm::secrets::kv2 {
namespace {

json::Object object(const char* text) {
  auto value = json::parse(std::string_view(text));
  EXPECT_TRUE(value.ok()) << text;
  return *value->as_object();
}

// RFC 7396, appendix A, where target and patch are objects.
TEST(MergePatch, TheExamplesOfTheRfc) {
  constexpr struct {
    const char* target;
    const char* patch;
    const char* result;
  } kExamples[] = {
      {R"({"a":"b"})", R"({"a":"c"})", R"({"a":"c"})"},
      {R"({"a":"b"})", R"({"b":"c"})", R"({"a":"b","b":"c"})"},
      {R"({"a":"b"})", R"({"a":null})", R"({})"},
      {R"({"a":"b","b":"c"})", R"({"a":null})", R"({"b":"c"})"},
      {R"({"a":["b"]})", R"({"a":"c"})", R"({"a":"c"})"},
      {R"({"a":"c"})", R"({"a":["b"]})", R"({"a":["b"]})"},
      {R"({"a":{"b":"c"}})", R"({"a":{"b":"d","c":null}})", R"({"a":{"b":"d"}})"},
      {R"({"a":[{"b":"c"}]})", R"({"a":[1]})", R"({"a":[1]})"},
      {R"({"e":null})", R"({"a":1})", R"({"e":null,"a":1})"},
      {R"({})", R"({"a":{"bb":{"ccc":null}}})", R"({"a":{"bb":{}}})"},
  };
  for (const auto& example : kExamples) {
    json::Object target = object(example.target);
    merge_patch(target, object(example.patch));
    EXPECT_EQ(json::write(target), example.result) << example.target << example.patch;
  }
}

TEST(MergePatch, CountsEveryValue) {
  EXPECT_EQ(count_values(json::Value(1)), 1U);
  EXPECT_EQ(count_values(object("{}")), 1U);
  EXPECT_EQ(count_values(object(R"({"a":[1,[2]],"b":{"c":null}})")), 7U);
}

}  // namespace
}  // namespace apm::secrets::kv2
