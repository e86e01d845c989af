#include "skr/envelope.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "base/json.h"
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

TEST_F(EnvelopeTest, EachPartOfAnotherForm) {
  const std::string text = seal();
  const auto parts = split(text, '.');
  const auto refused = [this](const std::string& envelope) {
    const auto opened = open_envelope(key(), envelope, context_.secret_name);
    return opened.ok() ? "" : opened.error().reason;
  };
  const auto with_header = [&](std::string_view header) {
    return refused(
        concat("apm1.", base64url_encode(as_bytes(header)), ".", parts[2], ".", parts[3]));
  };
  EXPECT_EQ(refused(text), "");
  EXPECT_EQ(refused(text + ".AA"), "envelope_malformed");
  EXPECT_EQ(refused("apm2" + text.substr(4)), "envelope_malformed");
  EXPECT_EQ(refused(text + std::string(kEnvelopeTextMax, 'A')), "envelope_malformed");
  EXPECT_EQ(refused(concat("apm1.?.", parts[2], ".", parts[3])), "envelope_malformed");
  EXPECT_EQ(refused(concat("apm1.", parts[1], ".?.", parts[3])), "envelope_malformed");
  EXPECT_EQ(refused(concat("apm1.", parts[1], ".", parts[2], ".?")), "envelope_malformed");
  EXPECT_EQ(refused(concat("apm1.", parts[1], ".", base64url_encode(Bytes(11)), ".", parts[3])),
            "envelope_malformed");
  EXPECT_EQ(refused(concat("apm1.", parts[1], ".", parts[2], ".", base64url_encode(Bytes(15)))),
            "envelope_malformed");
  EXPECT_EQ(refused(concat("apm1.", parts[1], ".", parts[2], ".", base64url_encode(Bytes(16)))),
            "envelope_seal");
  const std::string header(as_text(*base64url_decode(parts[1])));
  EXPECT_EQ(with_header(header), "");
  EXPECT_EQ(with_header(header + " "), "envelope_malformed");
  EXPECT_EQ(with_header("{"), "envelope_malformed");
  for (const char* absent : {"key_version", "store_id", "secret_name", "generation"}) {
    auto object = json::parse(header);
    ASSERT_TRUE(object.ok());
    object->as_object()->erase(absent);
    EXPECT_EQ(with_header(json::write(*object)), "envelope_malformed") << absent;
    object->as_object()->set(absent, json::Value(true));
    EXPECT_EQ(with_header(json::write(*object)), "envelope_malformed") << absent;
  }
}

TEST_F(EnvelopeTest, WhatAnEnvelopeLooksLike) {
  EXPECT_TRUE(looks_like_envelope("apm1.x"));
  EXPECT_FALSE(looks_like_envelope("apm1"));
  EXPECT_FALSE(looks_like_envelope("apm12"));
  EXPECT_FALSE(looks_like_envelope("xyz1.x"));
}

TEST_F(EnvelopeTest, ItsNamesAreNeitherEmptyNorTooLong) {
  const auto refused = [this](std::string EnvelopeContext::* name, std::string value) {
    EnvelopeContext context = context_;
    context.*name = std::move(value);
    const auto sealed = seal_envelope(key(), context, secret_);
    return sealed.ok() ? "" : sealed.error().reason;
  };
  EXPECT_EQ(refused(&EnvelopeContext::key_version, ""), "envelope_context");
  EXPECT_EQ(refused(&EnvelopeContext::store_id, ""), "envelope_context");
  EXPECT_EQ(refused(&EnvelopeContext::secret_name, ""), "envelope_context");
  EXPECT_EQ(refused(&EnvelopeContext::store_id, std::string(kEnvelopeHeaderMax, 'x')),
            "envelope_context");
}

TEST_F(EnvelopeTest, OaepIsForRsaAndForOneBlock) {
  const auto elliptic = crypto::PrivateKey::generate_ec(crypto::Curve::kP384);
  ASSERT_TRUE(elliptic.ok());
  const auto wrapped =
      wrap_value(*elliptic->public_key(), secret_, {crypto::Hash::kSha1, crypto::Hash::kSha1});
  ASSERT_FALSE(wrapped.ok());
  EXPECT_EQ(wrapped.error().reason, "wrap_key");
  const auto refused = [](std::string_view text) {
    return unwrap_value(key(), text).error().reason;
  };
  EXPECT_EQ(refused(""), "wrapped_malformed");
  EXPECT_EQ(refused(std::string(kWrappedTextMax, 'A')), "wrapped_refused");
  EXPECT_EQ(refused(std::string(kWrappedTextMax + 4, 'A')), "wrapped_malformed");
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
