#include "base/text.h"

#include <gtest/gtest.h>

#include "base/byte_reader.h"
#include "base/clock.h"

namespace apm {
namespace {

TEST(Duration, GoFormsAndSeconds) {
  EXPECT_EQ(parse_duration_s("90"), 90U);
  EXPECT_EQ(parse_duration_s("0s"), 0U);
  EXPECT_EQ(parse_duration_s("1h30m"), 5400U);
  EXPECT_EQ(parse_duration_s("72h"), 259200U);
  EXPECT_EQ(parse_duration_s("1500ms"), 1U);
  for (const char* bad : {"", "h", "-1s", "1x", "1h30", "1.5h", "99999999999999999h"}) {
    EXPECT_FALSE(parse_duration_s(bad).has_value()) << bad;
  }
}

TEST(Utf8, RefusesOverlongSurrogatesAndStrays) {
  EXPECT_TRUE(is_utf8("aé€😀"));
  for (const char* bad :
       {"\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\x80", "\xe2\x82", "\xff"}) {
    EXPECT_FALSE(is_utf8(bad));
  }
}

TEST(Durations, ArePrintedAsGoDoesAndReadBack) {
  for (const auto& [seconds, text] : {std::pair<std::uint64_t, const char*>{0, "0s"},
                                      {59, "59s"},
                                      {60, "1m0s"},
                                      {90, "1m30s"},
                                      {3600, "1h0m0s"},
                                      {12'319, "3h25m19s"},
                                      {2'764'800, "768h0m0s"}}) {
    EXPECT_EQ(duration_text(seconds), text);
    EXPECT_EQ(parse_duration_s(text), seconds);
  }
}

TEST(Rfc3339, RoundTripsAndRefuses) {
  EXPECT_EQ(rfc3339(0), "1970-01-01T00:00:00Z");
  EXPECT_EQ(rfc3339_ns(1'000'000'001), "1970-01-01T00:00:01.000000001Z");
  EXPECT_EQ(parse_rfc3339_s("2026-11-24T00:15:10.5Z"), 1795479310);
  EXPECT_EQ(parse_rfc3339_s("2026-11-24T01:15:10+01:00"), 1795479310);
  for (const char* bad : {"2026-02-30T00:00:00Z", "2026-11-24", "2026-11-24T00:15:10", "x"}) {
    EXPECT_FALSE(parse_rfc3339_s(bad).has_value()) << bad;
  }
}

TEST(ByteReader, FailsForGoodBeyondTheEnd) {
  const Bytes data{1, 2, 3};
  ByteReader reader(data);
  EXPECT_EQ(reader.u16_be(), 0x0102);
  EXPECT_EQ(reader.u16_le(), 0);
  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(reader.u8(), 0);
  EXPECT_FALSE(reader.finish());
}

// What split() gives are views: a text that ends before them does not compile.
template <class T>
concept Splittable = requires(T text) { split(std::forward<T>(text), ','); };
static_assert(Splittable<std::string&> && Splittable<std::string_view>);
static_assert(!Splittable<std::string>);

}  // namespace
}  // namespace apm
