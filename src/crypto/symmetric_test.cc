#include <gtest/gtest.h>

#include "base/encoding.h"
#include "crypto/aead.h"
#include "crypto/digest.h"
#include "crypto/random.h"
#include "crypto/secret_bytes.h"

namespace apm::crypto {
namespace {

Bytes unhex(std::string_view text) { return *hex_decode(text); }

TEST(Digest, Fips180Abc) {
  EXPECT_EQ(hex_encode(sha256(as_bytes("abc"))),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hex_encode(digest(Hash::kSha1, as_bytes("abc"))),
            "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(digest(Hash::kSha384, {as_bytes("a"), as_bytes("bc")}),
            digest(Hash::kSha384, as_bytes("abc")));
}

TEST(Digest, ARunningDigestTellsItsValueAtAnyPoint) {
  RunningSha256 running;
  EXPECT_EQ(running.value(), sha256({}));
  running.update(as_bytes("ab"));
  EXPECT_EQ(running.value(), sha256(as_bytes("ab")));
  running.update({});
  running.update(as_bytes("c"));
  EXPECT_EQ(running.value(), sha256(as_bytes("abc")));
}

TEST(Hmac, Rfc4231Case2AndEmptyKey) {
  EXPECT_EQ(hex_encode(hmac_sha256(as_bytes("Jefe"), as_bytes("what do ya want for nothing?"))),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(hex_encode(hmac_sha256(ByteView(), ByteView())),
            "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

TEST(Hkdf, Rfc5869Case1) {
  const Bytes ikm(22, 0x0b);
  const Bytes info = unhex("f0f1f2f3f4f5f6f7f8f9");
  const SecretBytes okm = hkdf_sha256(ikm, unhex("000102030405060708090a0b0c"), as_text(info), 42);
  EXPECT_EQ(hex_encode(okm.view()),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
}

TEST(Gcm, McGrewViegaCase16) {
  const SecretBytes key = SecretBytes::copy_of(
      ByteView(unhex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308")));
  const Bytes nonce = unhex("cafebabefacedbaddecaf888");
  const Bytes aad = unhex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
  const Bytes text = unhex(
      "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6"
      "b525"
      "b16aedf5aa0de657ba637b39");
  const auto sealed = gcm_seal(key, nonce, aad, text);
  ASSERT_TRUE(sealed.ok());
  EXPECT_EQ(hex_encode(*sealed),
            "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b"
            "10568288"
            "38c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b");
  EXPECT_EQ(*gcm_open(key, nonce, aad, *sealed), text);
}

TEST(Gcm, EveryFlippedBitIsRefused) {
  const SecretBytes key = SecretBytes::random(kGcmKeySize);
  const Bytes nonce(kGcmNonceSize, 7);
  const Bytes sealed = *gcm_seal(key, nonce, as_bytes("aad"), as_bytes("text"));
  for (std::size_t bit = 0; bit < sealed.size() * 8; ++bit) {
    Bytes bad = sealed;
    bad[bit / 8] = static_cast<std::uint8_t>(bad[bit / 8] ^ (1U << (bit % 8)));
    EXPECT_EQ(gcm_open(key, nonce, as_bytes("aad"), bad).error().reason, "aead_tag");
  }
  EXPECT_EQ(gcm_open(key, nonce, as_bytes("aae"), sealed).error().reason, "aead_tag");
  EXPECT_EQ(gcm_open(key, nonce, {}, ByteView(sealed).first(15)).error().reason, "aead_short");
  EXPECT_EQ(gcm_open(key, Bytes(11), {}, sealed).error().code, Code::kInternal);
}

TEST(Gcm, EmptyText) {
  const SecretBytes key = SecretBytes::random(kGcmKeySize);
  const Bytes nonce(kGcmNonceSize, 1);
  EXPECT_TRUE(gcm_open(key, nonce, {}, *gcm_seal(key, nonce, {}, {}))->empty());
  EXPECT_TRUE(gcm_open_secret(key, nonce, {}, *gcm_seal(key, nonce, {}, {}))->empty());
}

TEST(SecretBytes, MovesAndWipes) {
  SecretBytes one = SecretBytes::copy_of("topsecret");
  const std::uint8_t* where = one.view().data();
  SecretBytes two = std::move(one);
  EXPECT_TRUE(one.empty());  // NOLINT: that is the point
  EXPECT_EQ(two.text(), "topsecret");
  EXPECT_TRUE(two.equals(two.clone()));
  two.wipe();
  EXPECT_EQ(where[0], 0);
  EXPECT_TRUE(prepare_secret_pool().ok());
}

TEST(SecretBytes, ThePoolGivesBackWhatItTook) {
  for (int round = 0; round < 200; ++round) {
    std::vector<SecretBytes> many;
    for (std::size_t i = 1; i < 16; ++i) many.push_back(SecretBytes::zeros(i * 4000));
    many.erase(many.begin() + round % 15);
  }
  EXPECT_THROW(static_cast<void>(SecretBytes::zeros(kSecretBytesMax + 1)), std::bad_alloc);
}

TEST(Random, ShapesAndAlphabet) {
  EXPECT_EQ(random_base62(24).size(), 24U);
  const std::string uuid = random_uuid();
  EXPECT_EQ(uuid.size(), 36U);
  EXPECT_EQ(uuid[14], '4');
  EXPECT_NE(random_bytes(16), random_bytes(16));
}

TEST(KeyWrap, Rfc5649BothWays) {
  const SecretBytes key = SecretBytes::random(32);
  for (std::size_t n = 1; n < 40; ++n) {
    const Bytes text = random_bytes(n);
    const Bytes wrapped = *kwp_wrap(key, text);
    EXPECT_EQ(to_bytes(kwp_unwrap(key, wrapped)->view()), text);
    Bytes bad = wrapped;
    bad[n % bad.size()] ^= 1;
    EXPECT_EQ(kwp_unwrap(key, bad).error().reason, "key_wrap");
  }
}

}  // namespace
}  // namespace apm::crypto
