#include <gtest/gtest.h>

#include "base/encoding.h"
#include "crypto/jws.h"
#include "crypto/keys.h"
#include "crypto/x509.h"
#include "crypto/x509_build.h"

namespace apm::crypto {
namespace {

constexpr std::int64_t kNow = 1'790'000'000;
constexpr std::int64_t kYear = 365 * 86400;

const PrivateKey& rsa() {
  static const PrivateKey key = *PrivateKey::generate_rsa(2048);
  return key;
}

TEST(Rsa, OaepBindsHashAndLabel) {
  const PublicKey pub = *rsa().public_key();
  const Bytes label{'l', 0};
  const Bytes sealed = *pub.encrypt_oaep(Hash::kSha256, Hash::kSha256, as_bytes("secret"), label);
  EXPECT_EQ(rsa().decrypt_oaep(Hash::kSha256, Hash::kSha256, sealed, label)->text(), "secret");
  EXPECT_EQ(rsa().decrypt_oaep(Hash::kSha256, Hash::kSha256, sealed).error().reason,
            "oaep_decrypt");
  EXPECT_EQ(rsa().decrypt_oaep(Hash::kSha1, Hash::kSha1, sealed, label).error().reason,
            "oaep_decrypt");
  EXPECT_TRUE(pub.encrypt_oaep(Hash::kSha256, Hash::kSha256, Bytes(190)).ok());
  EXPECT_FALSE(pub.encrypt_oaep(Hash::kSha256, Hash::kSha256, Bytes(191)).ok());
}

TEST(Rsa, SignaturesAndKeysFromNumbers) {
  const PublicKey pub = *rsa().public_key();
  const Bytes signature = *rsa().sign_rsa_pkcs1(Hash::kSha256, as_bytes("m"));
  EXPECT_TRUE(pub.verify_rsa_pkcs1(Hash::kSha256, as_bytes("m"), signature).ok());
  EXPECT_EQ(pub.verify_rsa_pkcs1(Hash::kSha256, as_bytes("n"), signature).error().reason,
            "signature_invalid");
  EXPECT_EQ(pub.verify_rsa_pss(Hash::kSha256, as_bytes("m"), signature).error().reason,
            "signature_invalid");
  Bytes padded{0, 0};
  append(padded, *pub.rsa_exponent());
  EXPECT_TRUE(PublicKey::from_rsa(*pub.rsa_modulus(), padded)->same_as(pub));
  EXPECT_FALSE(PublicKey::from_rsa(Bytes(16, 0xff), padded).ok());
}

TEST(Ec, SignaturesAsTwoNumbers) {
  const PrivateKey key = *PrivateKey::generate_ec(Curve::kP384);
  const PublicKey pub = *key.public_key();
  EXPECT_EQ(pub.curve(), Curve::kP384);
  auto signature = *key.sign_ecdsa(Hash::kSha384, as_bytes("m"));
  EXPECT_EQ(signature.r.size(), 48U);
  EXPECT_TRUE(pub.verify_ecdsa(Hash::kSha384, as_bytes("m"), signature.r, signature.s).ok());
  EXPECT_FALSE(pub.verify_ecdsa(Hash::kSha384, as_bytes("n"), signature.r, signature.s).ok());
  EXPECT_FALSE(pub.verify_ecdsa(Hash::kSha384, as_bytes("m"), Bytes(48), Bytes(48)).ok());
}

struct Chain {
  PrivateKey root_key = *PrivateKey::generate_ec(Curve::kP256);
  PrivateKey leaf_key = *PrivateKey::generate_ec(Curve::kP256);
  Certificate root = *build_certificate({.common_name = "root",
                                         .organization = "",
                                         .dns_names = {},
                                         .not_before_s = kNow - kYear,
                                         .not_after_s = kNow + kYear,
                                         .is_ca = true,
                                         .extensions = {}},
                                        *root_key.public_key(), nullptr, root_key);
  Certificate leaf = *build_certificate({.common_name = "leaf",
                                         .organization = "",
                                         .dns_names = {"a.test", "*.b.test"},
                                         .not_before_s = kNow - 10,
                                         .not_after_s = kNow + 10,
                                         .server_auth = true,
                                         .extensions = {{"1.3.6.1.4.1.3704.1.1", {2, 1, 0}}}},
                                        *leaf_key.public_key(), &root, root_key);
};

TEST(X509, PathsFromPinnedAnchorsOnly) {
  const Chain good;
  const Chain other;
  const auto verify = [&](const Certificate& anchor, std::int64_t at) {
    return verify_path(
        {.leaf = &good.leaf, .intermediates = {&good.root}, .anchors = {&anchor}, .at_unix_s = at});
  };
  EXPECT_TRUE(verify(good.root, kNow).ok());
  EXPECT_EQ(verify(good.root, kNow + 11).error().reason, "chain_expired");
  EXPECT_EQ(verify(good.root, kNow - 11).error().reason, "chain_not_yet_valid");
  EXPECT_FALSE(verify(other.root, kNow).ok());
  EXPECT_EQ(
      verify_path(
          {.leaf = &good.leaf, .intermediates = {&good.root}, .anchors = {}, .at_unix_s = kNow})
          .error()
          .code,
      Code::kRefused);
}

TEST(X509, FieldsAndExtensions) {
  const Chain chain;
  EXPECT_EQ(chain.leaf.subject_common_name(), "leaf");
  EXPECT_EQ(chain.leaf.issuer_common_name(), "root");
  EXPECT_TRUE(chain.leaf.matches_host("x.b.test"));
  EXPECT_FALSE(chain.leaf.matches_host("b.test"));
  EXPECT_EQ(chain.leaf.extension("1.3.6.1.4.1.3704.1.1"), (Bytes{2, 1, 0}));
  EXPECT_EQ(chain.leaf.extension("1.3.6.1.4.1.3704.1.2"), std::nullopt);
  Bytes der = chain.leaf.der();
  der.push_back(0);
  EXPECT_FALSE(Certificate::from_der(der).ok());
  EXPECT_EQ(Certificate::list_from_pem(chain.leaf.pem() + chain.root.pem())->size(), 2U);
}

TEST(Pkcs12, OpensWithItsPasswordAlone) {
  const Chain chain;
  const SecretBytes password = SecretBytes::copy_of("right");
  const Bytes pfx = *build_pkcs12(chain.leaf_key, chain.leaf, {&chain.root}, password);
  const auto opened = open_pkcs12(pfx, password);
  ASSERT_TRUE(opened.ok()) << opened.error().message;
  EXPECT_EQ(opened->leaf.subject_common_name(), "leaf");
  EXPECT_TRUE(opened->chain.empty());  // a self-signed root is not sent to clients
  EXPECT_EQ(open_pkcs12(pfx, SecretBytes::copy_of("wrong")).error().reason, "pfx_password");
  EXPECT_EQ(open_pkcs12(as_bytes("junk"), password).error().reason, "pfx_malformed");
}

TEST(Jws, OnlyRs256WithAStrongKey) {
  const json::Object payload{{"sub", "x"}};
  const std::string good = *sign_rs256(json::Object{{"alg", "RS256"}}, payload, rsa());
  const PublicKey pub = *rsa().public_key();
  EXPECT_TRUE(verify_rs256(*parse_jws(good), pub).ok());
  for (const char* alg : {"none", "HS256", "rs256", "PS256"}) {
    const std::string token = *sign_rs256(json::Object{{"alg", alg}}, payload, rsa());
    EXPECT_EQ(verify_rs256(*parse_jws(token), pub).error().reason, "jws_algorithm");
  }
  EXPECT_EQ(verify_rs256(*parse_jws(good), *PrivateKey::generate_ec(Curve::kP256)->public_key())
                .error()
                .reason,
            "jws_key");
  EXPECT_EQ(
      verify_rs256(*parse_jws(good), *PrivateKey::generate_rsa(2048)->public_key()).error().reason,
      "jws_signature");
  for (const std::string& bad : {good + ".", good + "=", std::string("a.b"), "x" + good}) {
    EXPECT_FALSE(parse_jws(bad).ok());
  }
}

}  // namespace
}  // namespace apm::crypto
