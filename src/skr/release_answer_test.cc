#include "skr/release_answer.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "skr/testing/vault_answer.h"

namespace apm::skr {
namespace {

using testing::kNow;
using testing::kPolicy;
using testing::Said;

class ReleaseAnswerTest : public testing::VaultAnswer {};

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
