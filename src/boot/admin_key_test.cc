#include "boot/admin_key.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "base/text.h"

namespace apm::boot {
namespace {

const crypto::PrivateKey& private_key() {
  static const crypto::PrivateKey made = *crypto::PrivateKey::generate_rsa(3072);
  return made;
}

std::string pem() { return private_key().public_key()->spki_pem(); }

void expect_refused(std::string_view text, const char* part) {
  const auto key = parse_admin_key(text);
  ASSERT_FALSE(key.ok()) << part;
  EXPECT_EQ(key.error().reason, "admin_key");
  EXPECT_NE(key.error().message.find(part), std::string::npos) << key.error().message;
}

TEST(AdminKey, PemAndItsBase64AreTheSameKey) {
  const auto plain = parse_admin_key(pem());
  const auto coded = parse_admin_key(base64_encode(as_bytes(pem())) + "\n");
  ASSERT_TRUE(plain.ok()) << plain.error().message;
  ASSERT_TRUE(coded.ok()) << coded.error().message;
  EXPECT_EQ(plain->sha256, coded->sha256);
  EXPECT_EQ(plain->sha256.size(), 64U);
}

TEST(AdminKey, WeakAndMalformedOnesAreRefused) {
  expect_refused("", "not one PEM block");
  expect_refused("certainly not!", "neither PEM nor");
  expect_refused(base64_encode(as_bytes("text")), "not one PEM block");
  expect_refused(pem() + pem(), "not one PEM block");
  expect_refused(pem().substr(0, 200) + "\n-----END PUBLIC KEY-----", "cannot be read");
  expect_refused(std::string(20'000, 'A'), "too long");
  expect_refused("-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----", "PRIVATE");
  expect_refused(crypto::PrivateKey::generate_rsa(2048)->public_key()->spki_pem(), "2048 bits");
  expect_refused(crypto::PrivateKey::generate_ec(crypto::Curve::kP256)->public_key()->spki_pem(),
                 "not an RSA key");
  const auto modulus = private_key().public_key()->rsa_modulus();
  const auto three = crypto::PublicKey::from_rsa(*modulus, Bytes{3});
  ASSERT_TRUE(three.ok()) << three.error().message;
  expect_refused(three->spki_pem(), "exponent below 65537");
}

class AdminEnvelopeTest : public ::testing::Test {
 protected:
  const AdminKey key_ = *parse_admin_key(pem());
  const std::string sealed_ =
      *seal_to_admin(key_, {"store", "apm-root-token"}, as_bytes("hvs.root"));
};

TEST_F(AdminEnvelopeTest, OpensWithItsKeyAlone) {
  EXPECT_EQ(sealed_.find("hvs"), std::string::npos);
  const auto opened = open_with_admin_key(private_key(), sealed_ + "\n");
  ASSERT_TRUE(opened.ok()) << opened.error().message;
  EXPECT_EQ(opened->token.text(), "hvs.root");
  EXPECT_EQ(opened->context.store_id, "store");
  const auto other = open_with_admin_key(*crypto::PrivateKey::generate_rsa(3072), sealed_);
  ASSERT_FALSE(other.ok());
  EXPECT_EQ(other.error().reason, "admin_envelope_key");
  EXPECT_NE(other.error().message.find(key_.sha256), std::string::npos);
}

TEST_F(AdminEnvelopeTest, WhatWasAlteredDoesNotOpen) {
  const auto fields = split(sealed_, '.');
  ASSERT_EQ(fields.size(), 3U);
  // Only the header's store id is another one: the OAEP label is.
  std::string header(as_text(*base64url_decode(fields[1])));
  header.replace(header.find("\"store\""), 7, "\"other\"");
  const std::string moved =
      concat(fields[0], ".", base64url_encode(as_bytes(header)), ".", fields[2]);
  EXPECT_EQ(open_with_admin_key(private_key(), moved).error().reason, "admin_envelope_seal");
  Bytes cipher = *base64url_decode(fields[2]);
  cipher[100] ^= 1;
  const std::string bent = concat(fields[0], ".", fields[1], ".", base64url_encode(cipher));
  EXPECT_EQ(open_with_admin_key(private_key(), bent).error().reason, "admin_envelope_seal");
  for (const std::string& text :
       {std::string(), std::string("hvs.plain"), concat("apm1.", fields[1], ".", fields[2]),
        concat(fields[0], ".e30.", fields[2]), sealed_ + ".", sealed_ + "="}) {
    EXPECT_EQ(open_with_admin_key(private_key(), text).error().reason, "admin_envelope_malformed");
  }
}

// Whoever has the public key can make one: what is printed must be harmless.
TEST_F(AdminEnvelopeTest, TextsThatWouldReachATerminalArePlain) {
  for (const auto& [store, token] :
       std::vector<std::pair<const char*, const char*>>{{"store", "hvs.\x1b[2J"},
                                                        {"store", "two lines\n"},
                                                        {"store", ""},
                                                        {"\x1b[2J", "hvs.x"}}) {
    const auto sealed = seal_to_admin(key_, {store, "apm-root-token"}, as_bytes(token));
    ASSERT_TRUE(sealed.ok());
    EXPECT_EQ(open_with_admin_key(private_key(), *sealed).error().reason,
              "admin_envelope_malformed");
  }
}

}  // namespace
}  // namespace apm::boot
