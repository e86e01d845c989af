// Each field of the vault's answer absent, of another form, or of another value, and nothing else.

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "base/text.h"
#include "skr/limits.h"
#include "skr/testing/vault_answer.h"

namespace apm::skr {
namespace {

using testing::Change;
using testing::Said;
using testing::with;
using testing::without;

class ReleaseAnswerFields : public testing::VaultAnswer {
 protected:
  struct Wrong {
    Change Said::* part;
    Change change;
    const char* reason;
  };
  void expect_each_refused(const std::vector<Wrong>& wrongs) {
    for (std::size_t i = 0; i < wrongs.size(); ++i) {
      SCOPED_TRACE(i);
      Said said;
      said.*(wrongs[i].part) = wrongs[i].change;
      expect_refused(said, wrongs[i].reason);
    }
  }
};

json::Value text(std::string_view value) { return json::Value(value); }
json::Value b64(std::string_view value) { return json::Value(base64url_encode(as_bytes(value))); }

TEST_F(ReleaseAnswerFields, SignersChain) {
  const auto chain = [](json::Array list) { return with("x5c", std::move(list)); };
  expect_each_refused({{&Said::header, without("x5c"), "release_chain"},
                       {&Said::header, with("x5c", text("MIIB")), "release_chain"},
                       {&Said::header, chain({}), "release_chain"},
                       {&Said::header, chain({json::Value(1)}), "release_chain"},
                       {&Said::header, chain({text("?")}), "release_chain"},
                       {&Said::header, chain({text("MIIB")}), "release_chain"}});
  const auto certificates = [](std::size_t count) {
    return [count](json::Object& header) {
      json::Array& list = *header.find("x5c")->as_array();
      list.resize(count, list[1]);
    };
  };
  Said said;
  said.header = certificates(kChainCertificatesMax);
  EXPECT_TRUE(verify_release_answer(answer(said), expected_).ok());
  said.header = certificates(kChainCertificatesMax + 1);
  expect_refused(said, "release_chain");
}

TEST_F(ReleaseAnswerFields, NotAnAnswerAtAll) {
  const auto verified = verify_release_answer("a.b", expected_);
  ASSERT_FALSE(verified.ok());
  EXPECT_EQ(verified.error().reason, "release_malformed");
  expect_each_refused({{&Said::payload, without("response"), "release_malformed"},
                       {&Said::payload, with("response", json::Object{}), "release_malformed"},
                       {&Said::released, without("key"), "release_malformed"}});
}

TEST_F(ReleaseAnswerFields, RequestThatIsRepeated) {
  expect_each_refused(
      {{&Said::payload, without("request"), "release_malformed"},
       {&Said::request, without("nonce"), "release_nonce"},
       {&Said::request, with("nonce", text("n1 ")), "release_nonce"},
       {&Said::request, without("enc"), "release_enc"},
       {&Said::request, with("enc", text("CKM_RSA_AES_KEY_WRAP")), "release_enc"},
       {&Said::request, without("kid"), "release_key_url"},
       {&Said::request, with("kid", text("apm-master-key")), "release_key_url"},
       {&Said::request, with("kid", text("https://apmkv.vault.azure.net/keys/other")),
        "release_key_url"},
       {&Said::request, with("kid", text("https://else.vault.azure.net/keys/apm-master-key")),
        "release_key_url"}});
}

TEST_F(ReleaseAnswerFields, KeysAddress) {
  const auto kid = [](std::string_view value) { return with("kid", text(value)); };
  expect_each_refused(
      {{&Said::key, without("kid"), "release_malformed"},
       {&Said::key, kid(""), "release_malformed"},
       {&Said::key, kid("apm-master-key"), "release_key_url"},
       {&Said::key, kid("https://apmkv.vault.azure.net/keys/apm-master-key"), "release_key_url"},
       {&Said::key, kid("https://else.vault.azure.net/keys/apm-master-key/0a1b"),
        "release_key_url"},
       {&Said::key, kid("https://apmkv.vault.azure.net/keys/other/0a1b"), "release_key_url"}});
}

TEST_F(ReleaseAnswerFields, AVersionThatWasAskedForIsTheOneThatComes) {
  Said said;
  expected_.key.version = "0A1B";
  EXPECT_TRUE(verify_release_answer(answer(said), expected_).ok());
  expected_.key.version = "0a1c";
  expect_refused(said, "release_key_url");
}

TEST_F(ReleaseAnswerFields, PublicKey) {
  expect_each_refused({{&Said::key, without("kty"), "release_malformed"},
                       {&Said::key, with("kty", json::Value(1)), "release_malformed"},
                       {&Said::key, without("n"), "release_malformed"},
                       {&Said::key, without("e"), "release_malformed"},
                       {&Said::key, with("n", text("?")), "release_malformed"},
                       {&Said::key, with("e", text("?")), "release_malformed"}});
  Said said;
  said.key = [](json::Object& key) {
    key.set("kty", json::Value("EC-HSM"));
    key.erase("n");
    key.erase("e");
  };
  const auto elliptic = verify_release_answer(answer(said), expected_);
  ASSERT_TRUE(elliptic.ok()) << elliptic.error().message;
  EXPECT_TRUE(elliptic->modulus.empty());
}

TEST_F(ReleaseAnswerFields, WrappedKey) {
  const auto header = [](json::Value kid, json::Value enc) {
    return with("header", json::Object{{"kid", std::move(kid)}, {"enc", std::move(enc)}});
  };
  const std::string enc = expected_.enc;
  expect_each_refused(
      {{&Said::key, without("key_hsm"), "release_malformed"},
       {&Said::key, with("key_hsm", text("?")), "release_malformed"},
       {&Said::key, with("key_hsm", b64("{")), "release_malformed"},
       {&Said::hsm, without("schema_version"), "release_malformed"},
       {&Said::hsm, with("schema_version", text("2.0")), "release_malformed"},
       {&Said::hsm, without("header"), "release_malformed"},
       {&Said::hsm, with("header", json::Object{{"enc", json::Value(enc)}}), "release_kid"},
       {&Said::hsm, header(text("U"), text(enc)), "release_kid"},
       {&Said::hsm, with("header", json::Object{{"kid", text("T")}}), "release_enc"},
       {&Said::hsm, header(text("T"), text("CKM_RSA_AES_KEY_WRAP")), "release_enc"},
       {&Said::hsm, without("ciphertext"), "release_malformed"},
       {&Said::hsm, with("ciphertext", text("?")), "release_malformed"},
       {&Said::hsm, with("ciphertext", text(base64url_encode(Bytes(256 + 15)))),
        "release_malformed"}});
  Said said;
  said.hsm = with("ciphertext", text(base64url_encode(Bytes(256 + 16))));
  EXPECT_TRUE(verify_release_answer(answer(said), expected_).ok());
}

TEST_F(ReleaseAnswerFields, ReleasePolicy) {
  const auto data = [](json::Value value) {
    return with("release_policy", json::Object{{"data", std::move(value)}});
  };
  expect_each_refused({{&Said::released, without("release_policy"), "release_policy_malformed"},
                       {&Said::released, data(json::Value(1)), "release_policy_malformed"},
                       {&Said::released, data(text("?")), "release_policy_malformed"},
                       {&Said::released, data(b64("{")), "release_policy_malformed"}});
}

TEST_F(ReleaseAnswerFields, WhatUnwrapsIsThePrivateKeyThatWasSigned) {
  auto verified = verify_release_answer(answer({}), expected_);
  ASSERT_TRUE(verified.ok());
  const auto refused = [this](const VerifiedAnswer& answer) {
    const auto key = unwrap_released_key(answer, aes_);
    return key.ok() ? "" : key.error().reason;
  };
  VerifiedAnswer other_exponent = *verified;
  other_exponent.exponent = {3};
  EXPECT_EQ(refused(other_exponent), "released_key_mismatch");
  VerifiedAnswer no_key = *verified;
  no_key.wrapped_private_key = wrapped(as_bytes("no PKCS#8 in here"));
  EXPECT_EQ(refused(no_key), "released_key_mismatch");
  VerifiedAnswer says_elliptic = *verified;
  says_elliptic.key_type = "EC-HSM";
  EXPECT_EQ(refused(says_elliptic), "released_key_mismatch");
  const auto elliptic = crypto::PrivateKey::generate_ec(crypto::Curve::kP256);
  ASSERT_TRUE(elliptic.ok());
  const Bytes der = wrapped(std::move(elliptic->pkcs8_der()).value().view());
  says_elliptic.wrapped_private_key = der;
  EXPECT_EQ(refused(says_elliptic), "");
  VerifiedAnswer says_rsa = *verified;
  says_rsa.wrapped_private_key = der;
  EXPECT_EQ(refused(says_rsa), "released_key_mismatch");
}

}  // namespace
}  // namespace apm::skr
