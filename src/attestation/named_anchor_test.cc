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

// Behind a named ARK: at most one certificate of each kind that AMD's own anchors have built in.
TEST(NamedAnchor, AnArkMayBringWhatStandsBelowIt) {
  const auto key = *crypto::PrivateKey::generate_ec(crypto::Curve::kP256);
  const auto pem = [&key](const std::string& name) {
    crypto::CertificateSpec spec;
    spec.common_name = name;
    spec.not_after_s = 2'000'000'000;
    spec.is_ca = true;
    return crypto::build_certificate(spec, *key.public_key(), nullptr, key)->pem();
  };
  const std::string ark = pem("ARK-Milan"), ask = pem("SEV-Milan"), asvk = pem("SEV-VLEK-Milan");
  const auto reason = [](const std::string& text) {
    snp::Anchors anchors = snp::Anchors::none();
    const Status added = anchors.add_named("laboratory", text);
    EXPECT_EQ(anchors.list().size(), added.ok() ? 1U : 0U);
    return added.ok() ? "" : added.error().reason;
  };
  snp::Anchors anchors = snp::Anchors::none();
  ASSERT_TRUE(anchors.add_named("laboratory", ark + asvk + ask).ok());
  EXPECT_EQ(anchors.list()[0].ark.subject_common_name(), "ARK-Milan");
  EXPECT_EQ(anchors.list()[0].ask->subject_common_name(), "SEV-Milan");
  EXPECT_EQ(anchors.list()[0].asvk->subject_common_name(), "SEV-VLEK-Milan");
  EXPECT_FALSE(anchors.list()[0].is_vendor());
  EXPECT_EQ(reason(ark), "");
  for (const std::string& more : {ask + ask, asvk + asvk, ark, pem("a root")}) {
    EXPECT_EQ(reason(ark + more), "anchor_intermediate");
  }
}

}  // namespace
}  // namespace apm::attestation
