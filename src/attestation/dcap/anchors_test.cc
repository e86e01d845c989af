#include "attestation/dcap/anchors.h"

#include <gtest/gtest.h>

#include "attestation/testing/synthetic_intel.h"
#include "attestation/testing/vector_cases.h"

namespace apm::attestation::dcap {
namespace {

TEST(DcapAnchors, BuiltInIsIntelsRootKey) {
  const auto anchors = Anchors::vendor();
  ASSERT_TRUE(anchors.ok());
  ASSERT_EQ(anchors->list().size(), 1U);
  const crypto::Certificate& root = anchors->list().front().root;
  EXPECT_EQ(anchors->list().front().name, kVendorAnchorName);
  EXPECT_EQ(hex_encode(crypto::sha256(root.public_key()->spki_der())),
            "a0af031289f5d5d4132f9186068a7fc13628633ba235777472e29b6b6c67a49e");
  EXPECT_TRUE(root.signed_by(*root.public_key()));
}

TEST(DcapAnchors, EarlierCertificateIsOfTheSameKey) {
  const auto old = testing::vector_file("roots/intel-sgx-root-ca-old2033.der");
  if (!old.ok()) GTEST_SKIP() << "no hardware vectors at " << testing::vectors_directory();
  const auto anchors = Anchors::vendor();
  EXPECT_TRUE(crypto::Certificate::from_der(*old)->public_key()->same_as(
      *anchors->list().front().root.public_key()));
}

TEST(DcapAnchors, OthersNeedANameOfTheirOwn) {
  testing::SyntheticIntel platform(4, Tee::kTdx, BodyType::kTd10);
  const std::string root = platform.certificates().root.pem();
  Anchors anchors = Anchors::none();
  EXPECT_EQ(anchors.add_named("", root).error().reason, "anchor_name");
  EXPECT_EQ(anchors.add_named("intel", root).error().reason, "anchor_name");
  EXPECT_EQ(anchors.add_named("test", platform.certificates().leaf.pem()).error().reason,
            "anchor_not_self_signed");
  EXPECT_EQ(anchors.add_named("test", "").error().reason, "certificate_malformed");
  EXPECT_TRUE(anchors.add_named("test", root).ok());
}

}  // namespace
}  // namespace apm::attestation::dcap
