#include "base/json.h"

#include <gtest/gtest.h>

namespace apm::json {
namespace {

TEST(Json, KeepsNumbersOrderAndText) {
  const std::string text =
      R"({"b":18446744073709551616,"a":[1.50,-0,true,null,"x\n\u0001é"],"c":{}})";
  const auto value = parse(text);
  ASSERT_TRUE(value.ok()) << value.error().message;
  EXPECT_EQ(write(*value), text);
}

TEST(Json, RefusesWhatIsAmbiguous) {
  for (const char* text : {R"({"a":1,"a":2})", "{} {}", "{}x", "", "[1,]", "{'a':1}", "nul",
                           "\"\xff\"", "[1 2]", "// c\n1", R"({"a":1,"\u0061":2})"}) {
    EXPECT_FALSE(parse(text).ok()) << text;
  }
}

TEST(Json, DepthIsRefusedOneBeyondTheLimit) {
  const Limits limits{.depth_max = 3};
  EXPECT_TRUE(parse("[[[1]]]", limits).ok());
  EXPECT_FALSE(parse("[[[[1]]]]", limits).ok());
}

TEST(Json, SizeAndCountAreRefusedOneBeyondTheLimit) {
  EXPECT_TRUE(parse("[1,2]", {.bytes_max = 5}).ok());
  const auto big = parse("[1,23]", {.bytes_max = 5});
  ASSERT_FALSE(big.ok());
  EXPECT_EQ(big.error().code, Code::kTooLarge);
  EXPECT_TRUE(parse("[1,2]", {.values_max = 3}).ok());
  EXPECT_FALSE(parse("[1,2,3]", {.values_max = 3}).ok());
}

TEST(Json, WholeNumbersOnly) {
  EXPECT_EQ(parse("-9223372036854775808")->as_int(), INT64_MIN);
  EXPECT_EQ(parse("9223372036854775808")->as_int(), std::nullopt);
  EXPECT_EQ(parse("1.0")->as_int(), std::nullopt);
  EXPECT_EQ(parse("-1")->as_uint(), std::nullopt);
}

}  // namespace
}  // namespace apm::json
