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
  const auto body =
      parse(R"({"path": {"a/*": {"capabilities": ["read"]}, "b": {"capabilities": []}}, "x": 1})");
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
      {"{\"a\": 1 \"b\": 2}", "line 1, column 9"},
      {"{\"a\": 1,}", "line 1, column 9"},
      {"{\"a\": [1,]}", "line 1, column 10"},
      {"{\"a\": 1, \"a\": 2}", "line 1, column 10"},
      {"{\"a\": null}", "line 1, column 7"},
      {"# \xc3\xa9\na = \"\xc3\xa9\xff\"", "line 2, column 7"},
      {"a = \"\xed\xa0\x80\"", "line 1, column 6"},
      {"a = \"\x01\"", "line 1, column 6"},
      {"a = 0755", "line 1, column 5"},
      {"a = 0x10", "line 1, column 5"},
      {"a = 1.2.3", "line 1, column 5"},
      {"a = 1e", "line 1, column 5"},
      {"a = 1h", "line 1, column 5"},
      {"a = \"\\ud800\"", "line 1, column 7"},
      {"a \"1\" \"2\" \"3\" \"4\" \"5\" {}", "line 1, column 19"},
  };
  for (const auto& [text, place] : cases) {
    const auto body = parse(text);
    ASSERT_FALSE(body.ok()) << text;
    EXPECT_EQ(body.error().reason, "config_syntax") << text;
    EXPECT_TRUE(body.error().message.starts_with(place)) << text << " -> " << body.error().message;
  }
}

TEST(Hcl, DepthAtTheLimitAndOneBeyond) {
  const auto nested = [](std::size_t n) {
    return "a = " + std::string(n, '[') + std::string(n, ']');
  };
  EXPECT_TRUE(parse(nested(kDepthMax - 1)).ok());
  EXPECT_FALSE(parse(nested(kDepthMax)).ok());
}

TEST(Hcl, ARepeatedAttributeNamesBothPlaces) {
  for (const char* text : {"x = 1\n\n  x = 2", "x = 1\n\n  x { }", "x { }\n\n  x = 2"}) {
    const auto body = parse(text);
    ASSERT_FALSE(body.ok()) << text;
    EXPECT_EQ(body.error().message, "line 3, column 3: \"x\" was already set at line 1, column 1");
  }
}

TEST(Hcl, InterpolationIsLiteralText) {
  const auto body = parse("a = \"${file(1)}\"");
  ASSERT_TRUE(body.ok()) << body.error().message;
  EXPECT_EQ(*string_of(*body->find("a")), "${file(1)}");
}

TEST(Hcl, EscapesBecomeUtf8) {
  const auto body = parse(R"(a = "\u00e9\u20ac\ud83d\ude00\t\\")");
  ASSERT_TRUE(body.ok()) << body.error().message;
  EXPECT_EQ(*string_of(*body->find("a")), "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\t\\");
}

TEST(Hcl, AHeredocKeepsItsLinesAndOnlyTheDashedFormItsSharedIndentation) {
  const auto body = parse("a = <<EOF\n  x\r\n# y\nEOF\nb = 1\n");
  ASSERT_TRUE(body.ok()) << body.error().message;
  EXPECT_EQ(*string_of(*body->find("a")), "  x\n# y\n");
  EXPECT_EQ(body->find("b")->at.line, 5U);
}

TEST(Hcl, SizeAndItemsAtTheLimitAndOneBeyond) {
  EXPECT_TRUE(parse(std::string(kTextBytesMax, ' ')).ok());
  EXPECT_EQ(parse(std::string(kTextBytesMax + 1, ' ')).error().reason, "config_too_large");
  std::string many;
  for (std::size_t i = 0; i < kItemsMax; ++i) many += "a" + std::to_string(i) + "=1\n";
  EXPECT_TRUE(parse(many).ok());
  EXPECT_EQ(parse(many + "z=1").error().reason, "config_syntax");
}

// Whatever the text, there is an answer, and a refusal begins with its place.
TEST(Hcl, EveryCutOfAGoodTextIsReadOrRefusedWithItsPlace) {
  const std::string good =
      "# c\npath \"a/*\" { capabilities = [\"read\", 1.5e3] /* x */ }\nt = <<-E\n  y\n  E\n";
  const std::string json =
      R"({"path": {"a": {"capabilities": ["read", true, -1]}}, "x": "\u00e9"})";
  for (const std::string& whole : {good, json}) {
    for (std::size_t i = 0; i <= whole.size(); ++i) {
      for (const char replaced : {'\0', '"', '{', ']', '\\', '\n', '\x80'}) {
        std::string text = whole.substr(0, i);
        if (replaced != '\0' && i < whole.size()) text += replaced + whole.substr(i + 1);
        const auto body = parse(text);
        EXPECT_TRUE(body.ok() || body.error().message.starts_with("line ")) << text;
      }
    }
  }
}

}  // namespace
}  // namespace apm::hclconfig
