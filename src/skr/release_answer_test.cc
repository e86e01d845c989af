#include "skr/release_answer.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "base/json.h"
#include "base/text.h"
#include "crypto/aead.h"
#include "crypto/jws.h"
#include "crypto/x509_build.h"

namespace apm::skr {
namespace {

constexpr std::int64_t kNow = 1'790'000'000;
constexpr const char* kHost = "apmkv.vault.azure.net";
constexpr const char* kKid = "https://apmkv.vault.azure.net/keys/apm-master-key/0a1b";
constexpr const char* kPolicy =
    R"({"version":"1.0.0","anyOf":[{"authority":"https://sharedsim.sim.attest.azure.net/","allOf":[)"
    R"({"claim":"x-ms-isolation-tee.x-ms-attestation-type","equals":"sevsnpvm"},)"
    R"({"claim":"x-ms-isolation-tee.x-ms-compliance-status","equals":"azure-compliant-cvm"}]}]})";

crypto::PrivateKey rsa() { return std::move(crypto::PrivateKey::generate_rsa(2048)).value(); }

// A vault of the test's own: CA, signer, master key. Each field can be made wrong alone.
class ReleaseAnswerTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { keys_ = new Keys{rsa(), rsa(), rsa(), rsa()}; }
  static void TearDownTestSuite() { delete keys_; }

  struct Keys {
    crypto::PrivateKey ca, signer, master, other;
  };
  struct Said {
    std::string host = kHost, nonce = "n1", enc = "RSA_AES_KEY_WRAP_256", transfer_kid = "T",
                kid = kKid, policy = kPolicy;
    bool sign_with_other = false;
  };

  [[nodiscard]] std::string answer(const Said& said) {
    crypto::CertificateSpec ca_spec;
    ca_spec.common_name = "test CA";
    ca_spec.is_ca = true;
    ca_spec.not_before_s = kNow - 1000;
    ca_spec.not_after_s = kNow + 1000;
    const auto ca_public = keys_->ca.public_key();
    const auto ca = crypto::build_certificate(ca_spec, *ca_public, nullptr, keys_->ca);
    crypto::CertificateSpec leaf_spec = ca_spec;
    leaf_spec.common_name = "vault";
    leaf_spec.is_ca = false;
    leaf_spec.server_auth = true;
    leaf_spec.dns_names = {said.host};
    const auto leaf =
        crypto::build_certificate(leaf_spec, *keys_->signer.public_key(), &*ca, keys_->ca);
    expected_.ca_pem = ca->pem();
    const json::Value header =
        json::Object{{"alg", "RS256"},
                     {"x5c", json::Array{json::Value(base64_encode(leaf->der())),
                                         json::Value(base64_encode(ca->der()))}}};
    const auto& signer = said.sign_with_other ? keys_->other : keys_->signer;
    return std::move(crypto::sign_rs256(header, payload(said), signer)).value();
  }

  [[nodiscard]] json::Value payload(const Said& said) {
    const auto master = keys_->master.public_key();
    Bytes sealed(256, 1);
    append(sealed,
           ByteView(std::move(
                        crypto::kwp_wrap(aes_, std::move(keys_->master.pkcs8_der()).value().view()))
                        .value()));
    const std::string hsm = json::write(json::Object{
        {"schema_version", "1.0"},
        {"header", json::Object{{"kid", said.transfer_kid}, {"alg", "dir"}, {"enc", said.enc}}},
        {"ciphertext", base64url_encode(sealed)}});
    json::Object key{{"kid", said.kid},
                     {"kty", "RSA-HSM"},
                     {"n", base64url_encode(std::move(master->rsa_modulus()).value())},
                     {"e", "AAEAAQ"},
                     {"key_hsm", base64url_encode(as_bytes(hsm))}};
    return json::Object{
        {"request", json::Object{{"enc", said.enc},
                                 {"kid", "https://apmkv.vault.azure.net/keys/apm-master-key"},
                                 {"nonce", said.nonce}}},
        {"response",
         json::Object{
             {"key",
              json::Object{{"key", std::move(key)},
                           {"release_policy",
                            json::Object{{"data", base64url_encode(as_bytes(said.policy))}}}}}}}};
  }

  void expect_refused(const Said& said, const std::string& reason) {
    const auto verified = verify_release_answer(answer(said), expected_);
    ASSERT_FALSE(verified.ok()) << reason;
    EXPECT_EQ(verified.error().code, Code::kRefused);
    EXPECT_EQ(verified.error().reason, reason) << verified.error().message;
  }

  static inline Keys* keys_ = nullptr;
  crypto::SecretBytes aes_ = crypto::SecretBytes::random(32);
  ReleaseExpectation expected_{
      {kHost, "apm-master-key", ""}, "n1", "RSA_AES_KEY_WRAP_256", "T", "", kNow};
};

TEST_F(ReleaseAnswerTest, GoodAnswerGivesTheKey) {
  const auto verified = verify_release_answer(answer({}), expected_);
  ASSERT_TRUE(verified.ok()) << verified.error().message;
  EXPECT_EQ(verified->key_version, "0a1b");
  EXPECT_EQ(verified->policy_sha256, hex_encode(crypto::sha256(as_bytes(kPolicy))));
  const auto key = unwrap_released_key(*verified, aes_);
  ASSERT_TRUE(key.ok()) << key.error().message;
  EXPECT_TRUE(key->public_key()->same_as(*keys_->master.public_key()));
}

TEST_F(ReleaseAnswerTest, EachWrongFieldHasItsReason) {
  Said said;
  said.nonce = "n2";
  expect_refused(said, "release_nonce");
  said = {};
  said.enc = "CKM_RSA_AES_KEY_WRAP";
  expect_refused(said, "release_enc");
  said = {};
  said.transfer_kid = "U";
  expect_refused(said, "release_kid");
  said = {};
  said.kid = "https://apmkv.vault.azure.net/keys/other/0a1b";
  expect_refused(said, "release_key_url");
  said = {};
  said.host = "evil.vault.azure.net";
  expect_refused(said, "release_host");
  said = {};
  said.sign_with_other = true;
  expect_refused(said, "release_signature");
}

TEST_F(ReleaseAnswerTest, ChainMustEndInTheAnchor) {
  const std::string text = answer({});
  expected_.ca_pem.clear();  // the system's store does not know the test CA
  auto verified = verify_release_answer(text, expected_);
  ASSERT_FALSE(verified.ok());
  EXPECT_EQ(verified.error().reason, "release_chain");
  EXPECT_FALSE(answer({}).empty());  // names the anchor again
  expected_.now_s = kNow + 5000;     // expired
  verified = verify_release_answer(text, expected_);
  ASSERT_FALSE(verified.ok());
  EXPECT_EQ(verified.error().reason, "release_chain");
}

TEST_F(ReleaseAnswerTest, PolicyFloor) {
  Said said;
  const std::string policy = kPolicy;
  const auto with = [&](std::string_view from, std::string_view to) {
    std::string text = policy;
    text.replace(text.find(from), from.size(), to);
    return text;
  };
  said.policy = with("sevsnpvm", "azurevm");
  expect_refused(said, "release_policy_floor");
  said.policy = with("\"allOf\"", "\"anyOf\"");
  expect_refused(said, "release_policy_floor");
  said.policy = with("sharedsim.sim.attest.azure.net", "attest.example.org");
  expect_refused(said, "release_policy_authority");
  said.policy = "{}";
  expect_refused(said, "release_policy_malformed");
  said.policy = R"({"version":"1.0.0","anyOf":[]})";
  expect_refused(said, "release_policy_malformed");
}

TEST_F(ReleaseAnswerTest, PrivateKeyMustBeTheSignedOne) {
  auto verified = verify_release_answer(answer({}), expected_);
  ASSERT_TRUE(verified.ok());
  verified->modulus = std::move(keys_->other.public_key()->rsa_modulus()).value();
  auto key = unwrap_released_key(*verified, aes_);
  ASSERT_FALSE(key.ok());
  EXPECT_EQ(key.error().reason, "released_key_mismatch");
  key = unwrap_released_key(*verified, crypto::SecretBytes::random(32));
  ASSERT_FALSE(key.ok());
  EXPECT_EQ(key.error().reason, "released_key_mismatch");
}

}  // namespace
}  // namespace apm::skr
