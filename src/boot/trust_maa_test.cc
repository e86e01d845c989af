#include "boot/trust_maa.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "attestation/testing/synthetic_maa.h"
#include "crypto/digest.h"

namespace apm::boot {
namespace {

using attestation::testing::SyntheticMaa;

constexpr const char* kUrl = "https://sharedweu.weu.attest.azure.net";
const std::string kPin(64, 'a');
const std::string kPolicy = base64url_encode(Bytes(32, 1));

class CountingLog final : public Log {
 public:
  void write(LogLevel level, std::string_view, std::string_view,
             std::initializer_list<Field> fields) override {
    if (level == LogLevel::kWarn && fields.size() > 0) told.push_back(fields.begin()->second);
  }
  std::vector<std::string> told;
};

Result<std::vector<MaaConfig>> stanzas(const std::string& text) {
  APM_TRY(const Config config, parse_config("storage \"inmem\" {}\n" + text));
  return config.maa;
}

struct Loaded {
  Result<auth_apm::MaaProviders> providers;
  std::vector<std::string> told;
};
Loaded load(const std::string& text) {
  CountingLog log;
  const auto read = stanzas(text);
  if (!read.ok()) return {read.error(), {}};
  auto providers = load_maa_providers(*read, log);
  return {std::move(providers), log.told};
}
std::string refusal(const std::string& text) {
  const Loaded loaded = load(text);
  return loaded.providers.ok() ? "" : loaded.providers.error().message;
}
std::string stanza(const std::string& inner) {
  return std::string("maa \"") + kUrl + "\" {\n" + inner + "\n}\n";
}

TEST(TrustMaa, NobodyByDefault) {
  const Loaded loaded = load("");
  ASSERT_TRUE(loaded.providers.ok());
  EXPECT_TRUE(loaded.providers->empty());
}

// Of a production store, too: a provider is no vendor's root, but nothing of a test either.
TEST(TrustMaa, AProviderIsPinnedAndToldOf) {
  std::string upper = kPin;
  for (char& c : upper) c = 'A';
  const Loaded loaded = load(
      stanza("signing_certificates = [\"" + upper + "\"]\npolicy_hashes = [\"" + kPolicy + "\"]"));
  ASSERT_TRUE(loaded.providers.ok()) << loaded.providers.error().message;
  ASSERT_EQ(loaded.providers->size(), 1U);
  EXPECT_EQ(loaded.providers->front().url, kUrl);
  EXPECT_EQ(loaded.providers->front().certificates, std::set<std::string>{kPin});
  EXPECT_EQ(loaded.providers->front().policy_hashes, std::set<std::string>{kPolicy});
  EXPECT_EQ(loaded.told, std::vector<std::string>{kUrl});
}

TEST(TrustMaa, AKeySetIsItsCertificates) {
  const std::string path = std::string(::testing::TempDir()) + "/apm-maa-keys.json";
  const SyntheticMaa provider;
  const crypto::Certificate certificate = provider.certificate();
  std::ofstream(path) << provider.key_set_text(certificate);
  const std::string text =
      stanza("key_set_file = \"" + path + "\"\npolicy_hashes = [\"" + kPolicy + "\"]");
  const Loaded loaded = load(text);
  ASSERT_TRUE(loaded.providers.ok()) << loaded.providers.error().message;
  EXPECT_EQ(loaded.providers->front().certificates,
            std::set<std::string>{hex_encode(crypto::sha256(certificate.der()))});
  std::ofstream(path) << R"({"keys":[]})";
  EXPECT_NE(refusal(text).find("signing key"), std::string::npos);
  std::ofstream(path) << "{}";
  EXPECT_EQ(load(text).providers.error().reason, "maa_jwks_malformed");
  std::filesystem::remove(path);
  EXPECT_FALSE(load(text).providers.ok());
}

TEST(TrustMaa, WhatIsNotPinnedIsRefused) {
  const std::string pins = "signing_certificates = [\"" + kPin + "\"]\n";
  const std::string policy = "policy_hashes = [\"" + kPolicy + "\"]";
  EXPECT_EQ(refusal(stanza(pins + policy)), "");
  EXPECT_NE(refusal(stanza(pins)).find("policy_hashes"), std::string::npos);
  EXPECT_NE(refusal(stanza(pins + "policy_hash = [\"" + kPolicy + "\"]")), "") << "misspelt";
  EXPECT_NE(refusal(stanza(policy)).find("certificate"), std::string::npos);
  EXPECT_NE(refusal(stanza(pins + policy) + stanza(pins + policy)).find("twice"),
            std::string::npos);
  EXPECT_NE(refusal("maa {\n" + pins + policy + "\n}\n"), "");
  EXPECT_NE(refusal("maa \"http://x\" {\n" + pins + policy + "\n}\n"), "");
}

}  // namespace
}  // namespace apm::boot
