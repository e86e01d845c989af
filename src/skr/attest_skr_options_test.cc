// Each option of AzureAttestSKR with values of another form, and what goes with what.

#include <gtest/gtest.h>

#include <fstream>

#include "base/text.h"
#include "skr/attest_skr_cli.h"
#include "skr/test_settings.h"

namespace apm::skr {
namespace {

using Words = std::vector<std::string>;

Words words(const Words& more) {
  Words all{"-k", "https://v.vault.azure.net/keys/k"};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

// "" when the words are accepted.
std::string refusal(const Words& more) {
  const auto command = parse_skr_arguments(words(more));
  return command.ok() ? "" : command.error().reason;
}

SkrCommand accepted(const Words& more) {
  auto command = parse_skr_arguments(words(more));
  EXPECT_TRUE(command.ok()) << command.error().message;
  return command.ok() ? std::move(*command) : SkrCommand{};
}

TEST(AttestSkrOptions, Hashes) {
  for (const auto& [name, hash] : {std::pair{"sha1", crypto::Hash::kSha1},
                                   {"sha256", crypto::Hash::kSha256},
                                   {"sha384", crypto::Hash::kSha384},
                                   {"sha512", crypto::Hash::kSha512}}) {
    EXPECT_EQ(accepted({"-r", "-H", name}).hashes.hash, hash) << name;
    EXPECT_EQ(accepted({"-r", "-G", name}).hashes.mgf1, hash) << name;
  }
  EXPECT_EQ(refusal({"-r", "-H", "md5"}), "usage");
}

TEST(AttestSkrOptions, Descriptors) {
  for (const char* fd : {"0", "3", "1024"}) {
    EXPECT_EQ(accepted({"-w", "--fd", fd}).value_fd, std::stoi(fd));
  }
  for (const char* fd : {"1", "2", "1025", "-1", "x", ""}) {
    EXPECT_EQ(refusal({"-w", "-s", "v", "--fd", fd}), "usage") << fd;
  }
}

TEST(AttestSkrOptions, Credentials) {
  EXPECT_FALSE(accepted({"-r", "-c", "imds"}).service_principal);
  EXPECT_TRUE(accepted({"-r", "-c", "sp"}).service_principal);
  EXPECT_EQ(refusal({"-r", "-c", "cli"}), "usage");
}

class AttestSkrConfig : public ::testing::Test {
 protected:
  void SetUp() override {
    std::ofstream(path_) << "store_kind = \"test\"\ntest {\n ca_file = \"/ca\"\n"
                            " connect_to = \"127.0.0.1:1\"\n"
                            " imds_endpoint = \"http://127.0.0.1:2\"\n"
                            " tpm_tcti = \"swtpm:path=/x\"\n event_log = \"/log\"\n}\n";
  }
  const std::string path_ = ::testing::TempDir() + "apm_skr_options.hcl";
};

TEST_F(AttestSkrConfig, AConfigurationFileOrTestOptions) {
  const SkrCommand configured = accepted({"-r", "--config", path_});
  EXPECT_TRUE(configured.transport.test);
  EXPECT_EQ(configured.event_log, "/log");
  const Words test{"--test",
                   "--ca-file",
                   "/ca",
                   "--connect-to",
                   "127.0.0.1:1",
                   "--imds",
                   "http://127.0.0.1:2",
                   "--tcti",
                   "swtpm:path=/x",
                   "--event-log",
                   "/log",
                   "-r"};
  EXPECT_EQ(accepted(test).tpm.tcti, "swtpm:path=/x");
  EXPECT_EQ(refusal({"-r", "--event-log", "/log"}), "usage");
  EXPECT_EQ(refusal({"-r", "--tcti", "swtpm:path=/x"}), "usage");
  EXPECT_EQ(refusal({"-r", "--config", path_, "--config", path_}), "usage");
  const std::string production = ::testing::TempDir() + "apm_skr_production.hcl";
  std::ofstream(production) << "storage \"inmem\" {}\n";
  EXPECT_EQ(refusal({"-r", "--config", production}), "");
  EXPECT_EQ(refusal({"-r", "--config", production, "--config", production}), "usage");
  EXPECT_EQ(refusal({"-r", "--test", "--config", path_}), "usage");
  EXPECT_EQ(refusal({"-r", "--ca-file", "/ca", "--config", path_}), "usage");
  EXPECT_EQ(refusal({"-r", "--config", path_, "--test"}), "usage");
}

TEST_F(AttestSkrConfig, ItsTestStanza) {
  const auto refused = [](std::string_view text) {
    const auto settings = parse_test_settings(text);
    return !settings.ok() && settings.error().code == Code::kInvalidArgument;
  };
  EXPECT_FALSE(refused("store_kind = \"test\"\ntest { }"));
  EXPECT_TRUE(refused("store_kind = 1\ntest { }"));
  EXPECT_TRUE(refused("store_kind = \"test\"\ntest = 1"));
  EXPECT_NE(parse_test_settings("store_kind = []\ntest { }").error().reason, "config");
  for (const char* name : {"ca_file", "connect_to", "imds_endpoint", "tpm_tcti", "event_log"}) {
    EXPECT_TRUE(refused(concat("store_kind = \"test\"\ntest { ", name, " = [] }"))) << name;
  }
  EXPECT_EQ(read_test_settings(path_)->transport.connect_to, "127.0.0.1:1");
  std::ofstream(path_) << "test { }";
  const auto settings = read_test_settings(path_);
  ASSERT_FALSE(settings.ok());
  EXPECT_NE(settings.error().message.find(path_), std::string::npos) << settings.error().message;
}

}  // namespace
}  // namespace apm::skr
