#include "cli/arguments.h"

#include <gtest/gtest.h>

namespace apm::cli {
namespace {

const FlagSet kFlags{.with_value = {"format", "path"}, .plain = {"force"}};

TEST(Arguments, OneDashTwoDashesEqualsAndNext) {
  const auto args =
      Arguments::parse({"enable", "--path", "anjuna", "-format=json", "kv", "-force", "-"}, kFlags);
  ASSERT_TRUE(args.ok());
  EXPECT_EQ(args->positional(), (std::vector<std::string>{"enable", "kv", "-"}));
  EXPECT_EQ(args->get("path"), "anjuna");
  EXPECT_EQ(args->get("format"), "json");
  EXPECT_TRUE(args->has("force"));
}

TEST(Arguments, PlainFlagsCanBeSaidBothWaysAndOthersRepeated) {
  const auto args = Arguments::parse({"-path=a", "-force=false", "-path", "b"}, kFlags);
  ASSERT_TRUE(args.ok());
  EXPECT_FALSE(args->has("force"));
  EXPECT_EQ(args->said("force"), std::optional<bool>(false));
  EXPECT_EQ(args->get("path"), "b");
  EXPECT_EQ(args->all("path"), (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(args->all("format").empty());
  EXPECT_EQ(Arguments::parse({"kv"}, kFlags)->said("force"), std::nullopt);
  EXPECT_EQ(Arguments::parse({"-force=maybe"}, kFlags).error().reason, "usage");
}

TEST(Arguments, UnknownFlagAndMissingValueAreUsageErrors) {
  EXPECT_EQ(Arguments::parse({"-nope"}, kFlags).error().reason, "usage");
  EXPECT_EQ(Arguments::parse({"-path"}, kFlags).error().reason, "usage");
}

TEST(Arguments, WordsBehindTwoDashesAreNotFlags) {
  const auto args = Arguments::parse({"run", "--", "prog", "-format"}, kFlags);
  ASSERT_TRUE(args.ok());
  EXPECT_EQ(args->after_dashes(), (std::vector<std::string>{"prog", "-format"}));
}

}  // namespace
}  // namespace apm::cli
