#include "boot/trust.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "attestation/testing/synthetic_machine.h"

namespace apm::boot {
namespace {

namespace dcap = attestation::dcap;
namespace nitro = attestation::nitro;
namespace snp = attestation::snp;
using attestation::testing::must;

crypto::CertificateSpec root_spec() {
  crypto::CertificateSpec spec;
  spec.common_name = "a test root";
  spec.not_before_s = 1'700'000'000;
  spec.not_after_s = 2'000'000'000;
  spec.is_ca = true;
  return spec;
}

class RecordingLog final : public Log {
 public:
  void write(LogLevel level, std::string_view, std::string_view message,
             std::initializer_list<Field> fields) override {
    std::string line(message);
    for (const auto& [name, value] : fields) line += " " + std::string(name) + "=" + value;
    if (level == LogLevel::kWarn) lines.push_back(line);
  }
  std::vector<std::string> lines;
};

class TrustTest : public ::testing::Test {
 protected:
  TrustTest() {
    folder_ = std::filesystem::path(::testing::TempDir()) / "apm-trust-test";
    std::filesystem::create_directories(folder_);
  }
  ~TrustTest() override { std::filesystem::remove_all(folder_); }
  std::string file(const std::string& name, const std::string& text) {
    const std::string path = folder_ / name;
    std::ofstream(path) << text;
    return path;
  }
  static crypto::Certificate root() {
    const auto key = must(crypto::PrivateKey::generate_ec(crypto::Curve::kP384));
    return must(crypto::build_certificate(root_spec(), must(key.public_key()), nullptr, key));
  }

  std::filesystem::path folder_;
  RecordingLog log_;
};

template <class List>
std::vector<std::string> names(const List& anchors) {
  std::vector<std::string> out;
  for (const auto& anchor : anchors) out.push_back(anchor.name);
  std::ranges::sort(out);
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

TEST_F(TrustTest, WithoutATestStanzaTheVendorsAlone) {
  const auto trust = load_trust(std::nullopt, log_);
  ASSERT_TRUE(trust.ok()) << trust.error().message;
  EXPECT_EQ(names(trust->amd->list()), std::vector<std::string>{"amd"});
  EXPECT_EQ(names(trust->intel->list()), std::vector<std::string>{"intel"});
  EXPECT_TRUE(trust->named.empty());
  EXPECT_TRUE(log_.lines.empty());
  const auto again = load_trust(TestConfig(), log_);  // a stanza without roots
  ASSERT_TRUE(again.ok());
  EXPECT_TRUE(again->named.empty());
}

TEST_F(TrustTest, EachRootCountsForItsFamilyAloneAndIsTold) {
  const crypto::Certificate amd = root(), intel = root(), aws = root();
  TestConfig test;
  test.amd_root_file = file("amd.pem", amd.pem());
  test.intel_root_file = file("intel.pem", intel.pem());
  test.aws_root_file = file("aws.pem", aws.pem());
  const auto trust = load_trust(test, log_);
  ASSERT_TRUE(trust.ok()) << trust.error().message;
  EXPECT_EQ(trust->named, (std::vector<std::string>{"simulator", "test-intel", "test-aws"}));
  EXPECT_EQ(names(trust->amd->list()), (std::vector<std::string>{"amd", "simulator"}));
  EXPECT_EQ(names(trust->intel->list()), (std::vector<std::string>{"intel", "test-intel"}));
  ASSERT_NE(trust->aws->find(aws.der()), nullptr);
  EXPECT_EQ(trust->aws->find(aws.der())->name, "test-aws");
  EXPECT_EQ(trust->aws->find(amd.der()), nullptr);
  EXPECT_EQ(trust->aws->find(intel.der()), nullptr);
  ASSERT_EQ(log_.lines.size(), 3U);
  for (const char* name : {"simulator", "test-intel", "test-aws"}) {
    EXPECT_TRUE(std::ranges::any_of(log_.lines, [&](const std::string& line) {
      return line.find(std::string("name=") + name) != std::string::npos;
    })) << name;
  }
}

TEST_F(TrustTest, AFileThatHoldsNoRootIsRefusedByItsName) {
  const auto reason_of = [this](const std::string& path) {
    TestConfig test;
    test.intel_root_file = path;
    const auto trust = load_trust(test, log_);
    if (trust.ok()) return std::string("accepted");
    EXPECT_NE(trust.error().message.find(path), std::string::npos) << trust.error().message;
    return trust.error().reason;
  };
  const auto key = must(crypto::PrivateKey::generate_ec(crypto::Curve::kP384));
  const crypto::Certificate issuer = root();
  const auto leaf =
      must(crypto::build_certificate(root_spec(), must(key.public_key()), &issuer,
                                     must(crypto::PrivateKey::generate_ec(crypto::Curve::kP384))));
  EXPECT_EQ(reason_of(file("leaf.pem", leaf.pem())), "anchor_not_self_signed");
  EXPECT_EQ(reason_of(file("empty.pem", "")), "certificate_malformed");
  EXPECT_NE(reason_of(folder_ / "absent.pem"), "accepted");
  EXPECT_TRUE(log_.lines.empty());
}

}  // namespace
}  // namespace apm::boot
