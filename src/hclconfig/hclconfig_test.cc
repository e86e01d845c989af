#include "hclconfig/hclconfig.h"

#include <gtest/gtest.h>

#include "hclconfig/limits.h"

namespace apm::hclconfig {
namespace {

TEST(Hcl, BlocksAttributesListsHeredocsAndComments) {
  const auto body = parse(R"(
# one
api_addr = "https://h:8200" // two
disable_mlock = true
listener "tcp" {
  address = "0.0.0.0:8200" /* three
  */ n = -1.5
}
listener "unix" "x" {}
list = ["a", "b",]
text = <<-EOF
    one
      two
    EOF
)");
  ASSERT_TRUE(body.ok()) << body.error().message;
  EXPECT_EQ(*string_of(*body->find("api_addr")), "https://h:8200");
  EXPECT_TRUE(*bool_of(*body->find("disable_mlock")));
  const auto listeners = body->all("listener");
  ASSERT_EQ(listeners.size(), 2U);
  EXPECT_EQ(listeners[0]->labels, std::vector<std::string>{"tcp"});
  EXPECT_EQ(*string_of(*listeners[0]->value.as_object()->find("n")), "-1.5");
  EXPECT_EQ(listeners[1]->labels.size(), 2U);
  EXPECT_EQ(*strings_of(*body->find("list")), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(*string_of(*body->find("text")), "one\n  two\n");
}

TEST(Hcl, JsonReadsAsTheSameTree) {
  const auto body = parse(R"({"path": {"a/*": {"capabilities": ["read"]}, "b": {"capabilities": []}}, "x": 1})");
  ASSERT_TRUE(body.ok()) << body.error().message;
  const auto paths = body->all("path");
  ASSERT_EQ(paths.size(), 2U);
  EXPECT_EQ(paths[0]->labels, std::vector<std::string>{"a/*"});
  EXPECT_EQ(strings_of(*paths[0]->value.as_object()->find("capabilities"))->at(0), "read");
}

TEST(Hcl, ErrorsNameTheLineAndTheColumn) {
  const std::pair<const char*, const char*> cases[] = {
      {"a = \"x\"\nb = ", "line 2, column 5"},
      {"a = \"x\"\n  a = 1", "line 2, column 3"},
      {"a = [1 2]", "line 1, column 8"},
      {"a {\n b = 1\n", "line 1, column 4"},
      {"a = \"x\ny\"", "line 1, column 5"},
      {"a = yes", "line 1, column 5"},
      {"a = \"\\q\"", "line 1, column 7"},
      {"/* never", "line 1, column 1"},
      {"a = <<EOF\nx", "line 1, column 5"},
      {"= 1", "line 1, column 1"},
      {"{\"a\" 1}", "line 1, column 6"},
      {"{\"a\": 1} x", "line 1, column 10"},
  };
  for (const auto& [text, place] : cases) {
    const auto body = parse(text);
    ASSERT_FALSE(body.ok()) << text;
    EXPECT_EQ(body.error().reason, "config_syntax") << text;
    EXPECT_TRUE(body.error().message.starts_with(place)) << text << " -> " << body.error().message;
  }
}

TEST(Hcl, DepthAtTheLimitAndOneBeyond) {
  const auto nested = [](std::size_t n) { return "a = " + std::string(n, '[') + std::string(n, ']'); };
  EXPECT_TRUE(parse(nested(kDepthMax - 1)).ok());
  EXPECT_FALSE(parse(nested(kDepthMax)).ok());
}

}  // namespace
}  // namespace apm::hclconfig
