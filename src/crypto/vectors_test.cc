// Published vectors and genuine certificates; see also symmetric_test.cc and asymmetric_test.cc.

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/encoding.h"
#include "crypto/aead.h"
#include "crypto/keys.h"
#include "crypto/x509.h"
#include "crypto/x509_build.h"

namespace apm::crypto {
namespace {

constexpr std::int64_t kMilanTime = 1'790'000'000;        // the VCEK was issued on 2026-02-05
constexpr std::int64_t kBeforeMilanVcek = 1'750'000'000;  // the ASK and ARK were valid already

std::filesystem::path vector_dir() {
  if (const char* named = std::getenv("APM_VECTORS")) return named;
  return std::filesystem::path(APM_SOURCE_DIR) / "../shared/vectors";
}

Result<Certificate> vector_certificate(const std::string& name) {
  std::ifstream in(vector_dir() / name, std::ios::binary);
  const Bytes der{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  return Certificate::from_der(der);
}

// RFC 5649's own two vectors have a 192-bit key, which this interface refuses.
TEST(KeyWrap, WrongLengthsAndKeysAreRefused) {
  const SecretBytes key = SecretBytes::random(32);
  const Bytes wrapped = *kwp_wrap(key, Bytes(20, 1));
  EXPECT_EQ(wrapped.size(), 32U);
  EXPECT_EQ(kwp_unwrap(SecretBytes::random(32), wrapped).error().reason, "key_wrap");
  EXPECT_EQ(kwp_unwrap(key, ByteView(wrapped).first(31)).error().reason, "key_wrap");
  EXPECT_EQ(kwp_unwrap(key, Bytes(kSecretBytesMax + 64)).error().reason, "key_wrap");
  EXPECT_EQ(kwp_wrap(SecretBytes::random(24), Bytes(20)).error().code, Code::kInternal);
}

TEST(Gcm, ASecretBeyondThePoolsLimitIsAnErrorAndNoException) {
  const SecretBytes key = SecretBytes::random(kGcmKeySize);
  const Bytes nonce(kGcmNonceSize, 3);
  const Bytes most = *gcm_seal(key, nonce, {}, Bytes(kSecretBytesMax));
  EXPECT_TRUE(gcm_open_secret(key, nonce, {}, most).ok());
  const Bytes beyond = *gcm_seal(key, nonce, {}, Bytes(kSecretBytesMax + 1));
  EXPECT_EQ(gcm_open_secret(key, nonce, {}, beyond).error().code, Code::kTooLarge);
}

TEST(Oaep, EveryPairOfHashesOpensOnlyItself) {
  const PrivateKey key = *PrivateKey::generate_rsa(2048);
  const PublicKey pub = *key.public_key();
  const Bytes label{'l', 0};
  for (const Hash hash : {Hash::kSha1, Hash::kSha256, Hash::kSha384}) {
    for (const Hash mgf1 : {Hash::kSha1, Hash::kSha256}) {
      const Bytes sealed = *pub.encrypt_oaep(hash, mgf1, as_bytes("k"), label);
      EXPECT_EQ(key.decrypt_oaep(hash, mgf1, sealed, label)->text(), "k");
      const Hash other = mgf1 == Hash::kSha1 ? Hash::kSha256 : Hash::kSha1;
      EXPECT_EQ(key.decrypt_oaep(hash, other, sealed, label).error().reason, "oaep_decrypt");
    }
  }
}

TEST(PrivateKey, EncodesAndReadsBack) {
  const PrivateKey key = *PrivateKey::generate_ec(Curve::kP521);
  const SecretBytes der = *key.pkcs8_der();
  const PrivateKey again = *PrivateKey::from_pkcs8_der(der.view());
  EXPECT_TRUE(again.public_key()->same_as(*key.public_key()));
  EXPECT_EQ(again.private_number()->size(), 66U);
  EXPECT_TRUE(again.private_number()->equals(*key.private_number()));
  Bytes longer = to_bytes(der.view());
  longer.push_back(0);
  EXPECT_EQ(PrivateKey::from_pkcs8_der(longer).error().reason, "key_malformed");
}

TEST(PublicKey, APointOffTheCurveIsRefused) {
  EXPECT_EQ(PublicKey::from_ec_point(Curve::kP256, Bytes(32, 1), Bytes(32, 2)).error().reason,
            "key_malformed");
}

TEST(X509, AmdMilanPath) {
  if (!std::filesystem::exists(vector_dir() / "roots/amd-ark-milan.der")) {
    GTEST_SKIP() << "no hardware vectors: name their directory in APM_VECTORS";
  }
  const Certificate vcek = *vector_certificate("snp/milan-v3-tav.vcek.der");
  const Certificate ask = *vector_certificate("roots/amd-ask-milan.der");
  const Certificate ark = *vector_certificate("roots/amd-ark-milan.der");
  const Certificate genoa = *vector_certificate("roots/amd-ark-genoa.der");
  const auto verify = [&](const Certificate& anchor, std::int64_t at) {
    return verify_path(
        {.leaf = &vcek, .intermediates = {&ask}, .anchors = {&anchor}, .at_unix_s = at});
  };
  const Status good = verify(ark, kMilanTime);
  EXPECT_TRUE(good.ok()) << good.error().message;
  EXPECT_EQ(verify(genoa, kMilanTime).error().reason, "chain_untrusted");
  EXPECT_EQ(verify(ask, kMilanTime).error().reason, "chain_untrusted");  // no self-signed anchor
  EXPECT_EQ(verify(ark, kBeforeMilanVcek).error().reason, "chain_not_yet_valid");
  EXPECT_EQ(verify(ark, std::int64_t{1} << 33).error().reason, "chain_expired");
  EXPECT_TRUE(vcek.signed_by(*ask.public_key()));
  EXPECT_FALSE(vcek.signed_by(*ark.public_key()));
}

TEST(Pkcs12, AnEmptyPasswordIsAPassword) {
  const PrivateKey key = *PrivateKey::generate_ec(Curve::kP256);
  CertificateSpec spec;
  spec.common_name = "self";
  spec.not_before_s = kMilanTime;
  spec.not_after_s = kMilanTime + 10;
  const Certificate leaf = *build_certificate(spec, *key.public_key(), nullptr, key);
  const SecretBytes none;
  EXPECT_TRUE(open_pkcs12(*build_pkcs12(key, leaf, {}, none), none).ok());
  EXPECT_EQ(
      open_pkcs12(*build_pkcs12(key, leaf, {}, none), SecretBytes::copy_of("x")).error().reason,
      "pfx_password");
}

}  // namespace
}  // namespace apm::crypto
