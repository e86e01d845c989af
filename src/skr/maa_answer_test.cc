#include "skr/maa_answer.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "base/text.h"
#include "crypto/aead.h"
#include "crypto/jws.h"
#include "skr/limits.h"
#include "skr/testing/vault_answer.h"

namespace apm::skr {
namespace {

using testing::Change;
using testing::kNow;
using testing::with;
using testing::without;

// ---- The envelope ----

class MaaEnvelopeTest : public ::testing::Test {
 protected:
  [[nodiscard]] std::string envelope(const Change& change = {},
                                     const Change& parameter = {}) const {
    const Bytes iv(12, 7);
    Bytes sealed =
        std::move(crypto::gcm_seal(key_, iv, as_bytes("Transport Key"), as_bytes("a.b.c"))).value();
    const Bytes tag(sealed.end() - 16, sealed.end());
    sealed.resize(sealed.size() - 16);
    json::Object parameters{{"Cipher", "AES"},
                            {"BlockMode", "ChainingModeGCM"},
                            {"KeySizeInBits", 256},
                            {"Iv", base64_encode(iv)}};
    if (parameter) parameter(parameters);
    json::Object out{{"EncryptedInnerKey", base64_encode(Bytes(256, 1))},
                     {"EncryptionParams", std::move(parameters)},
                     {"AuthenticationData", base64_encode(tag)},
                     {"Jwt", base64_encode(sealed)}};
    if (change) change(out);
    return base64url_encode(as_bytes(json::write(std::move(out))));
  }
  static void expect_unusable(const std::string& text) {
    const auto parsed = parse_maa_envelope(text);
    ASSERT_FALSE(parsed.ok());
    EXPECT_EQ(parsed.error().reason, "maa_answer");
  }

  crypto::SecretBytes key_ = crypto::SecretBytes::random(32);
};

TEST_F(MaaEnvelopeTest, OpensUnderItsKeyAlone) {
  const auto parsed = parse_maa_envelope(envelope());
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  EXPECT_EQ(parsed->encrypted_key, Bytes(256, 1));
  const auto jwt = open_maa_envelope(*parsed, key_);
  ASSERT_TRUE(jwt.ok()) << jwt.error().message;
  EXPECT_EQ(*jwt, "a.b.c");
  for (const std::size_t size : {16U, 32U}) {
    const auto refused = open_maa_envelope(*parsed, crypto::SecretBytes::random(size));
    ASSERT_FALSE(refused.ok()) << size;
    EXPECT_EQ(refused.error().reason, "maa_envelope");
  }
}

TEST_F(MaaEnvelopeTest, AKeyOfAnotherLengthIsRefusedWhateverOpensUnderIt) {
  MaaEnvelope envelope;
  envelope.iv = Bytes(12, 7);
  const auto key = crypto::SecretBytes::random(16);
  const auto sealed =
      crypto::gcm_seal(key, envelope.iv, as_bytes("Transport Key"), as_bytes("a.b.c"));
  if (sealed.ok()) envelope.sealed = *sealed;
  const auto refused = open_maa_envelope(envelope, key);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().reason, "maa_envelope");
}

TEST_F(MaaEnvelopeTest, EachFieldAbsentOrWrong) {
  for (const char* name : {"EncryptedInnerKey", "EncryptionParams", "AuthenticationData", "Jwt"}) {
    SCOPED_TRACE(name);
    expect_unusable(envelope(without(name)));
    expect_unusable(envelope(with(name, json::Value("?"))));
    expect_unusable(envelope(with(name, json::Value(""))));
    expect_unusable(envelope(with(name, json::Value(1))));
  }
  for (const char* name : {"Cipher", "BlockMode", "KeySizeInBits", "Iv"}) {
    SCOPED_TRACE(name);
    expect_unusable(envelope({}, without(name)));
    expect_unusable(envelope({}, with(name, json::Value("other"))));
  }
  expect_unusable(envelope({}, with("KeySizeInBits", json::Value(128))));
  expect_unusable(envelope({}, with("Iv", json::Value(base64_encode(Bytes(11))))));
  expect_unusable(envelope({}, with("Iv", json::Value(base64_encode(Bytes(13))))));
  expect_unusable(envelope(with("AuthenticationData", json::Value(base64_encode(Bytes(15))))));
  expect_unusable("?");
  expect_unusable(base64url_encode(as_bytes("{")));
}

TEST_F(MaaEnvelopeTest, AsLongAsItMayBeAndOneBeyond) {
  // The text is base64url: a third longer than what it holds.
  const auto padded = [this](std::size_t size) {
    return envelope(with("x", json::Value(std::string(size, 'x'))));
  };
  const std::size_t spare = (kMaaEnvelopeBytesMax - padded(0).size()) / 4 * 3;
  EXPECT_LE(padded(spare).size(), kMaaEnvelopeBytesMax);
  EXPECT_TRUE(parse_maa_envelope(padded(spare)).ok());
  EXPECT_GT(padded(spare + 4).size(), kMaaEnvelopeBytesMax);
  expect_unusable(padded(spare + 4));
}

// ---- The token in it ----

class OwnTokenTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { key_ = new crypto::PrivateKey(testing::rsa()); }
  static void TearDownTestSuite() { delete key_; }

  [[nodiscard]] std::string modulus() const { return base64url_encode(expected_.transfer_modulus); }
  [[nodiscard]] json::Object transfer_key() const {
    return {{"kid", "T"}, {"key_use", "enc"}, {"n", modulus()}, {"e", "AQAB"}};
  }
  [[nodiscard]] std::string token(const Change& change = {},
                                  const Change& runtime_change = {}) const {
    json::Object runtime{
        {"client-payload", json::Object{{"nonce", base64_encode(as_bytes("n1"))}}},
        {"keys", json::Array{json::Object{{"kid", "AK"}, {"n", "AAAA"}}, transfer_key()}}};
    if (runtime_change) runtime_change(runtime);
    json::Object claims{{"iss", "https://a.attest.azure.net"},
                        {"iat", kNow},
                        {"exp", kNow + 100},
                        {"nbf", kNow},
                        {"x-ms-runtime", std::move(runtime)}};
    if (change) change(claims);
    return std::move(crypto::sign_rs256(json::Object{{"alg", "RS256"}}, std::move(claims), *key_))
        .value();
  }
  [[nodiscard]] std::string refusal(const std::string& jwt) const {
    const auto checked = check_own_token(jwt, expected_);
    return checked.ok() ? "" : checked.error().reason;
  }
  [[nodiscard]] std::string with_key(const Change& change) const {
    json::Object key = transfer_key();
    change(key);
    return refusal(token({}, with("keys", json::Array{std::move(key)})));
  }

  static inline crypto::PrivateKey* key_ = nullptr;
  TokenExpectation expected_{"n1", "a.attest.azure.net", Bytes(256, 0x42), kNow};
};

TEST_F(OwnTokenTest, NamesTheTransferKey) {
  const auto checked = check_own_token(token(), expected_);
  ASSERT_TRUE(checked.ok()) << checked.error().message;
  EXPECT_EQ(checked->transfer_kid, "T");
  EXPECT_EQ(checked->issued_at, kNow);
  EXPECT_EQ(refusal("a.b"), "maa_token_malformed");
}

TEST_F(OwnTokenTest, Issuer) {
  for (const char* issuer :
       {"http://a.attest.azure.net", "https://b.attest.azure.net", "a.attest.azure.net", ""}) {
    EXPECT_EQ(refusal(token(with("iss", json::Value(issuer)))), "maa_token_issuer") << issuer;
  }
  EXPECT_EQ(refusal(token(without("iss"))), "maa_token_issuer");
}

TEST_F(OwnTokenTest, Times) {
  EXPECT_EQ(refusal(token(without("iat"))), "maa_token_malformed");
  EXPECT_EQ(refusal(token(without("exp"))), "maa_token_malformed");
  EXPECT_EQ(refusal(token(without("nbf"))), "");
  EXPECT_EQ(refusal(token(with("exp", json::Value(kNow)))), "maa_token_expired");
  EXPECT_EQ(refusal(token(with("exp", json::Value(kNow + 1)))), "");
  for (const char* name : {"iat", "nbf"}) {
    EXPECT_EQ(refusal(token(with(name, json::Value(kNow + kTokenClockSkewS)))), "") << name;
    EXPECT_EQ(refusal(token(with(name, json::Value(kNow + kTokenClockSkewS + 1)))),
              "maa_token_not_yet_valid")
        << name;
  }
}

TEST_F(OwnTokenTest, Nonce) {
  EXPECT_EQ(refusal(token(without("x-ms-runtime"))), "maa_token_nonce");
  EXPECT_EQ(refusal(token({}, without("client-payload"))), "maa_token_nonce");
  const auto nonce = [this](json::Value value) {
    return refusal(token({}, with("client-payload", json::Object{{"nonce", std::move(value)}})));
  };
  EXPECT_EQ(nonce(json::Value(1)), "maa_token_nonce");
  EXPECT_EQ(nonce("n1"), "maa_token_nonce");
  EXPECT_EQ(nonce(base64_encode(as_bytes("n2"))), "maa_token_nonce");
}

TEST_F(OwnTokenTest, TheFirstKeyThatMayEncryptIsOurs) {
  EXPECT_EQ(refusal(token({}, without("keys"))), "maa_token_key");
  EXPECT_EQ(refusal(token({}, with("keys", json::Value(1)))), "maa_token_key");
  EXPECT_EQ(refusal(token({}, with("keys", json::Array{}))), "maa_token_key");
  EXPECT_EQ(with_key(without("kid")), "maa_token_key");
  EXPECT_EQ(with_key(with("kid", json::Value(""))), "maa_token_key");
  EXPECT_EQ(with_key(without("n")), "maa_token_key");
  EXPECT_EQ(with_key(with("n", json::Value("?"))), "maa_token_key");
  EXPECT_EQ(with_key(with("n", json::Value(base64url_encode(Bytes(256, 0x43))))), "maa_token_key");
  json::Object other = transfer_key();
  other.set("n", json::Value(base64url_encode(Bytes(256, 0x43))));
  EXPECT_EQ(refusal(token({}, with("keys", json::Array{other, transfer_key()}))), "maa_token_key");
}

TEST_F(OwnTokenTest, WhichKeysMayEncrypt) {
  const auto use = [this](std::string name, json::Value value) {
    return with_key([name = std::move(name), value = std::move(value)](json::Object& key) {
      key.erase("key_use");
      key.set(name, value);
    });
  };
  EXPECT_EQ(use("use", "enc"), "");
  EXPECT_EQ(use("use", "sig"), "maa_token_key");
  EXPECT_EQ(use("use", json::Value(1)), "maa_token_key");
  EXPECT_EQ(use("key_ops", json::Array{"decrypt", "encrypt"}), "");
  EXPECT_EQ(use("key_ops", json::Array{"decrypt", json::Value(1)}), "maa_token_key");
  EXPECT_EQ(use("key_ops", "encrypt"), "maa_token_key");
}

}  // namespace
}  // namespace apm::skr
