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
