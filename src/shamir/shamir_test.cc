#include "shamir/shamir.h"

#include <gtest/gtest.h>

#include <set>

#include "base/encoding.h"

namespace apm::shamir {
namespace {

using crypto::SecretBytes;

TEST(Shamir, AnyThresholdOfTheSharesOpens) {
  const SecretBytes secret = SecretBytes::random(32);
  const auto shares = split(secret, {.shares = 5, .threshold = 3});
  ASSERT_TRUE(shares.ok());
  for (unsigned mask = 0; mask < 32; ++mask) {
    std::vector<SecretBytes> some;
    for (unsigned i = 0; i < 5; ++i) {
      if ((mask >> i & 1) != 0) some.push_back((*shares)[i].clone());
    }
    if (some.size() < 2) continue;
    EXPECT_EQ(combine(some)->equals(secret), some.size() >= 3);
  }
}

TEST(Shamir, VaultsShareFormat) {
  const auto shares = split(SecretBytes::random(32), {.shares = 255, .threshold = 2});
  ASSERT_TRUE(shares.ok());
  std::set<std::uint8_t> xs;
  for (const SecretBytes& share : *shares) {
    EXPECT_EQ(share.size(), 33U);
    xs.insert(share.view().back());
  }
  EXPECT_EQ(xs.size(), 255U);
  EXPECT_FALSE(xs.contains(0));
}

// y = 0x53*x + 0x41 over GF(2^8)/0x11B, worked by hand: f(1) = 0x12, f(2) = 0xa6^0x41 = 0xe7.
TEST(Shamir, ALineWorkedByHand) {
  std::vector<SecretBytes> shares;
  shares.push_back(SecretBytes::copy_of(ByteView(Bytes{0x12, 1})));
  shares.push_back(SecretBytes::copy_of(ByteView(Bytes{0xe7, 2})));
  EXPECT_EQ(hex_encode(combine(shares)->view()), "41");
}

TEST(Shamir, RepeatsUnequalLengthsAndZeroAreRefused) {
  const auto shares = split(SecretBytes::random(8), {.shares = 3, .threshold = 2});
  std::vector<SecretBytes> twice;
  twice.push_back((*shares)[0].clone());
  twice.push_back((*shares)[0].clone());
  EXPECT_EQ(combine(twice).error().code, Code::kInvalidArgument);
  std::vector<SecretBytes> uneven;
  uneven.push_back((*shares)[0].clone());
  uneven.push_back(SecretBytes::zeros(5));
  EXPECT_EQ(combine(uneven).error().code, Code::kInvalidArgument);
}

TEST(Shamir, SchemesAtTheLimitsAndOneBeyond) {
  EXPECT_TRUE(check({.shares = 1, .threshold = 1}).ok());
  EXPECT_TRUE(check({.shares = 255, .threshold = 255}).ok());
  EXPECT_FALSE(check({.shares = 256, .threshold = 2}).ok());
  EXPECT_FALSE(check({.shares = 2, .threshold = 1}).ok());
  EXPECT_FALSE(check({.shares = 2, .threshold = 3}).ok());
  EXPECT_FALSE(check({.shares = 0, .threshold = 0}).ok());
}

}  // namespace
}  // namespace apm::shamir
