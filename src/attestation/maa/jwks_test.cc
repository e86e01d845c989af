#include "attestation/maa/jwks.h"

#include <gtest/gtest.h>

#include "attestation/limits.h"
#include "attestation/testing/synthetic_maa.h"

namespace apm::attestation::maa {
namespace {

using testing::SyntheticMaa;

class MaaJwks : public ::testing::Test {
 protected:
  using Change = std::function<void(json::Object&)>;

  // "" when the key set is read.
  static std::string refusal(std::string_view text) {
    const auto parsed = Jwks::parse(text);
    return parsed.ok() ? "" : parsed.error().reason;
  }
  std::string with(const Change& change) {
    maa_.edit_key = change;
    return refusal(maa_.key_set_text());
  }
  std::string with(std::string name, json::Value value) {
    return with([&](json::Object& key) { key.set(name, value); });
  }
  std::string without(std::string_view name) {
    return with([&](json::Object& key) { key.erase(name); });
  }
  std::string chain(std::size_t count) {
    return with([count](json::Object& key) {
      json::Array& list = *key.find("x5c")->as_array();
      list.resize(count, list.front());
    });
  }

  const std::string bad_ = "maa_jwks_malformed";
  SyntheticMaa maa_;
};

TEST_F(MaaJwks, CertificateOfAKey) {
  EXPECT_EQ(without("x5c"), bad_);
  EXPECT_EQ(with("x5c", "MIIB"), bad_);
  EXPECT_EQ(with("x5c", json::Array{json::Value(1)}), bad_);
  EXPECT_EQ(with("x5c", json::Array{"?"}), bad_);
  EXPECT_EQ(with("x5c", json::Array{"MIIB"}), bad_);
  EXPECT_EQ(chain(1), "");
  EXPECT_EQ(chain(kMaaJwksChainMax), "");
  EXPECT_EQ(chain(kMaaJwksChainMax + 1), bad_);
}

TEST_F(MaaJwks, NumbersAreThoseOfTheCertificate) {
  const crypto::PublicKey own = maa_.signing_key();
  const std::string n = base64url_encode(std::move(own.rsa_modulus()).value());
  const auto numbers = [this](json::Value modulus, json::Value exponent) {
    return with([&](json::Object& key) {
      key.set("n", modulus);
      key.set("e", exponent);
    });
  };
  EXPECT_EQ(numbers(n, "AQAB"), "");
  EXPECT_EQ(numbers(n, "Aw"), bad_);
  EXPECT_EQ(numbers(n, ""), bad_);
  EXPECT_EQ(numbers(n, json::Value(1)), bad_);
  EXPECT_EQ(numbers(json::Value(1), "AQAB"), bad_);
  EXPECT_EQ(numbers("?", "AQAB"), bad_);
  EXPECT_EQ(with("n", n), bad_);
  EXPECT_EQ(with("e", "AQAB"), bad_);
}

TEST_F(MaaJwks, WordsOfAKey) {
  EXPECT_EQ(with("alg", "RS256"), "");
  EXPECT_EQ(with("alg", "RS512"), bad_);
  EXPECT_EQ(with("alg", json::Value(1)), bad_);
  EXPECT_EQ(with("use", "sig"), "");
  EXPECT_EQ(with("use", "enc"), bad_);
  EXPECT_EQ(without("kid"), bad_);
  EXPECT_EQ(with("kid", ""), bad_);
  EXPECT_EQ(without("kty"), bad_);
}

TEST_F(MaaJwks, ListOfKeys) {
  EXPECT_EQ(refusal("{}"), bad_);
  EXPECT_EQ(refusal(R"({"keys":1})"), bad_);
  EXPECT_EQ(refusal(R"({"keys":[]})"), "");
  const auto others = [](std::size_t count) {
    json::Array keys(count, json::Value(json::Object{{"kty", "EC"}}));
    return refusal(json::write(json::Object{{"keys", std::move(keys)}}));
  };
  EXPECT_EQ(others(kMaaJwksKeysMax), "");
  EXPECT_EQ(others(kMaaJwksKeysMax + 1), bad_);
}

}  // namespace
}  // namespace apm::attestation::maa
