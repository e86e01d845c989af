#include "base/encoding.h"

#include <gtest/gtest.h>

namespace apm {
namespace {

TEST(Base64, Rfc4648Vectors) {
  const std::pair<const char*, const char*> cases[] = {
      {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, encoded] : cases) {
    EXPECT_EQ(base64_encode(as_bytes(plain)), encoded);
    EXPECT_EQ(*base64_decode(encoded), to_bytes(std::string_view(plain)));
  }
}

TEST(Base64, StrictFormsRefuseWhatIsNotCanonical) {
  for (const char* text : {"Zg", "Zg=", "Zh==", "Zm9v\n", "Zm9 ", "Zg==Zg==", "=", "Z"}) {
    EXPECT_FALSE(base64_decode(text).ok()) << text;
  }
  for (const char* text : {"Zg==", "Zh", "Zm9v+", "a/bc"}) {
    EXPECT_FALSE(base64url_decode(text).ok()) << text;
  }
}

TEST(Base64, EveryLengthRoundTrips) {
  Bytes data;
  for (int i = 0; i < 70; ++i) {
    EXPECT_EQ(*base64_decode(base64_encode(data)), data);
    EXPECT_EQ(*base64url_decode(base64url_encode(data)), data);
    EXPECT_EQ(*base64_decode_any(base64url_encode(data)), data);
    EXPECT_EQ(*base64_decode_any(base64_encode(data)), data);
    EXPECT_EQ(*hex_decode(hex_encode(data)), data);
    data.push_back(static_cast<std::uint8_t>(i * 37 + 251));
  }
}

TEST(Hex, RefusesOddAndForeign) {
  EXPECT_FALSE(hex_decode("abc").ok());
  EXPECT_FALSE(hex_decode("zz").ok());
  EXPECT_TRUE(hex_decode("aBcD").ok());
}

}  // namespace
}  // namespace apm
