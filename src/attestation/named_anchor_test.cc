#include "attestation/named_anchor.h"

#include <gtest/gtest.h>

#include "attestation/snp/anchors.h"
#include "crypto/x509_build.h"

namespace apm::attestation {
namespace {

TEST(NamedAnchor, NoVendorsNameInAnyFamilyAndOnlyRoots) {
  const auto key = *crypto::PrivateKey::generate_ec(crypto::Curve::kP256);
  const auto other = *crypto::PrivateKey::generate_ec(crypto::Curve::kP256);
  crypto::CertificateSpec spec;
  spec.common_name = "root";
  spec.not_after_s = 2'000'000'000;
  spec.is_ca = true;
  const auto root = *crypto::build_certificate(spec, *key.public_key(), nullptr, key);
  const auto below = *crypto::build_certificate(spec, *other.public_key(), &root, key);
  const auto reason = [](std::string_view name, const std::string& pem) {
    const auto read = read_named_anchor(name, pem);
    return read.ok() ? "" : read.error().reason;
  };
  EXPECT_EQ(reason("laboratory", root.pem()), "");
  for (const char* name : {"", "amd", "intel", "aws", "Intel"}) {
    EXPECT_EQ(reason(name, root.pem()), "anchor_name") << name;
  }
  EXPECT_EQ(reason("laboratory", below.pem()), "anchor_not_self_signed");
  EXPECT_EQ(reason("laboratory", "no certificate"), "certificate_malformed");
  snp::Anchors anchors = snp::Anchors::none();
  EXPECT_EQ(anchors.add_named("intel", root.pem()).error().reason, "anchor_name");
}

}  // namespace
}  // namespace apm::attestation
