#include "skr/envelope.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "base/text.h"
#include "skr/limits.h"
#include "skr/oaep.h"

namespace apm::skr {
namespace {

class EnvelopeTest : public ::testing::Test {
 protected:
  static const crypto::PrivateKey& key() {
    static const crypto::PrivateKey kKey =
        std::move(crypto::PrivateKey::generate_rsa(2048)).value();
    return kKey;
  }
  const EnvelopeContext context_{"0123abcd", "store-1", "apm-unseal-key-0", 1};
  const Bytes secret_ = to_bytes(std::string_view("share"));
  std::string seal() { return std::move(seal_envelope(key(), context_, secret_)).value(); }
};

TEST_F(EnvelopeTest, RoundTripAndHeader) {
  const std::string text = seal();
  EXPECT_TRUE(looks_like_envelope(text));
  const auto opened = open_envelope(key(), text, context_.secret_name);
  ASSERT_TRUE(opened.ok()) << opened.error().message;
  EXPECT_EQ(to_bytes(opened->plaintext.view()), secret_);
  EXPECT_EQ(opened->context.store_id, "store-1");
  const auto header = parse_envelope_header(text);
  ASSERT_TRUE(header.ok());
  EXPECT_EQ(header->generation, 1U);
  EXPECT_NE(text, seal());  // another nonce each time
}

TEST_F(EnvelopeTest, SwappedNameOrOtherKeyIsRefused) {
  const auto moved = open_envelope(key(), seal(), "apm-unseal-key-1");
  ASSERT_FALSE(moved.ok());
  EXPECT_EQ(moved.error().reason, "envelope_name");
  const auto other = crypto::PrivateKey::generate_rsa(2048);
  ASSERT_TRUE(other.ok());
  const auto foreign = open_envelope(*other, seal(), context_.secret_name);
  ASSERT_FALSE(foreign.ok());
  EXPECT_EQ(foreign.error().reason, "envelope_seal");
}

// A header from another envelope (replayed generation, other store) does not fit this ciphertext.
TEST_F(EnvelopeTest, HeaderOfAnotherEnvelopeIsRefused) {
  EnvelopeContext newer = context_;
  newer.generation = 2;
  const std::string a = seal();
  const std::string b = std::move(seal_envelope(key(), newer, secret_)).value();
  const auto pa = split(a, '.');
  const auto pb = split(b, '.');
  const auto mixed =
      open_envelope(key(), concat("apm1.", pb[1], ".", pa[2], ".", pa[3]), context_.secret_name);
  ASSERT_FALSE(mixed.ok());
  EXPECT_EQ(mixed.error().reason, "envelope_seal");
}

TEST_F(EnvelopeTest, EveryFlippedHeaderByteIsRefused) {
  const std::string text = seal();
  const auto parts = split(text, '.');
  const Bytes header = std::move(base64url_decode(parts[1])).value();
  for (std::size_t i = 0; i < header.size(); ++i) {
    Bytes flipped = header;
    flipped[i] = static_cast<std::uint8_t>(flipped[i] ^ 1U);
    const auto opened = open_envelope(
        key(), concat("apm1.", base64url_encode(flipped), ".", parts[2], ".", parts[3]),
        context_.secret_name);
    ASSERT_FALSE(opened.ok()) << i;
    const std::string& reason = opened.error().reason;
    EXPECT_TRUE(reason == "envelope_malformed" || reason == "envelope_name" ||
                reason == "envelope_seal")
        << i << " " << reason;
  }
}

TEST_F(EnvelopeTest, LimitAndOneBeyond) {
  EXPECT_TRUE(seal_envelope(key(), context_, Bytes(kEnvelopePlaintextMax)).ok());
  const auto beyond = seal_envelope(key(), context_, Bytes(kEnvelopePlaintextMax + 1));
  ASSERT_FALSE(beyond.ok());
  EXPECT_EQ(beyond.error().reason, "value_too_long");
}

TEST_F(EnvelopeTest, OaepRoundTripLimitAndForeignKey) {
  const auto public_key = key().public_key();
  ASSERT_TRUE(public_key.ok());
  const auto wrapped = wrap_value(*public_key, Bytes(190, 'x'));
  ASSERT_TRUE(wrapped.ok());
  const auto opened = unwrap_value(key(), *wrapped + "\n");
  ASSERT_TRUE(opened.ok());
  EXPECT_EQ(opened->size(), 190U);
  const auto beyond = wrap_value(*public_key, Bytes(191));
  ASSERT_FALSE(beyond.ok());
  EXPECT_EQ(beyond.error().reason, "value_too_long");
  const auto sha1 = unwrap_value(key(), *wrapped, {crypto::Hash::kSha1, crypto::Hash::kSha1});
  ASSERT_FALSE(sha1.ok());
  EXPECT_EQ(sha1.error().reason, "wrapped_refused");
  const auto text = unwrap_value(key(), "not base64!");
  ASSERT_FALSE(text.ok());
  EXPECT_EQ(text.error().reason, "wrapped_malformed");
}

}  // namespace
}  // namespace apm::skr
