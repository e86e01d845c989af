#include "boot/endorsements_config.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "boot/config.h"
#include "boot/limits.h"
#include "http/limits.h"

namespace apm::boot {
namespace {

Result<Config> parse(const std::string& stanza, const char* kind = "production") {
  return parse_config("store_kind = \"" + std::string(kind) + "\"\nstorage \"inmem\" {}\n" +
                      "endorsements {\n" + stanza + "\n}\n");
}
std::string refusal(const std::string& stanza, const char* kind = "production") {
  const auto config = parse(stanza, kind);
  return config.ok() ? "accepted" : config.error().message;
}

// Logins that wait must leave workers to everything else, whatever the file says.
static_assert(2 * kLoginsWaitingMax < http::kWorkers);

TEST(EndorsementsConfig, NothingIsAskedWithoutTheStanza) {
  const auto config = parse_config("storage \"inmem\" {}\n");
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_FALSE(config->endorsements.has_value());
}

TEST(EndorsementsConfig, OnlyWhatIsNamedIsAsked) {
  const auto vendor = parse("amd_kds = \"vendor\"");
  ASSERT_TRUE(vendor.ok()) << vendor.error().message;
  EXPECT_TRUE(vendor->endorsements->amd);
  EXPECT_FALSE(vendor->endorsements->intel);
  EXPECT_EQ(vendor->endorsements->sources.amd_kds, endorsements::Sources().amd_kds);
  EXPECT_EQ(vendor->endorsements->describe().size(), 1U);
  EXPECT_EQ(vendor->endorsements->deadline, kFetchDeadlineDefault);
  EXPECT_TRUE(vendor->warnings.empty());
  const auto intel = parse("intel_pcs = \"vendor\"");
  ASSERT_TRUE(intel.ok()) << intel.error().message;
  EXPECT_EQ(intel->endorsements->sources.intel_root_crl, endorsements::Sources().intel_root_crl);
  EXPECT_NE(refusal("").find("names no source"), std::string::npos);
  EXPECT_NE(refusal("amd_kdss = \"vendor\"").find("names no source"), std::string::npos);
  EXPECT_NE(refusal("deadline = \"5s\"").find("names no source"), std::string::npos);
}

TEST(EndorsementsConfig, AMirrorTakesTheVendorsPlace) {
  const auto config = parse(R"(
  intel_pcs = "https://pccs.example:8081"
  deadline = "30s"
  waiting_max = 6
  fetches_per_minute_max = "7"
  fetches_per_address_max = 3
  documents_max = 16
  failures_max = 17
  colour = "red")");
  ASSERT_TRUE(config.ok()) << config.error().message;
  const EndorsementsConfig& read = *config->endorsements;
  EXPECT_EQ(read.sources.intel_root_crl,
            "https://pccs.example:8081/sgx/certification/v4/rootcacrl");
  EXPECT_EQ(read.describe(), std::vector<std::string>{"intel https://pccs.example:8081"});
  EXPECT_EQ(read.deadline, kFetchDeadlineMax);
  EXPECT_EQ(read.limits.callers_max, kLoginsWaitingMax);
  EXPECT_EQ(read.limits.fetches_per_minute_max, 7U);
  EXPECT_EQ(read.limits.fetches_per_asker_max, 3U);
  EXPECT_EQ(read.limits.documents_max, 16U);
  EXPECT_EQ(read.limits.refusals_max, 17U);
  EXPECT_EQ(config->warnings.size(), 1U);
  const auto list = parse(
      "intel_pcs = \"https://pccs.example\"\nintel_root_crl = \"https://lists.example/root\"");
  ASSERT_TRUE(list.ok());
  EXPECT_EQ(list->endorsements->sources.intel_root_crl, "https://lists.example/root");
}

TEST(EndorsementsConfig, BoundsAreBounded) {
  for (const char* line :
       {"waiting_max = 0", "waiting_max = 7", "waiting_max = \"x\"", "deadline = \"0s\"",
        "deadline = \"31s\"", "deadline = \"soon\"", "fetches_per_minute_max = 0",
        "fetches_per_minute_max = 6001", "fetches_per_address_max = 0",
        "fetches_per_address_max = 6001", "documents_max = 15", "documents_max = 65537",
        "failures_max = 15", "failures_max = 65537"}) {
    const std::string key = std::string(line).substr(0, std::string_view(line).find(' '));
    const std::string said = refusal("amd_kds = \"vendor\"\n" + std::string(line));
    EXPECT_NE(said.find("\"" + key + "\" must be"), std::string::npos) << line << ": " << said;
    EXPECT_NE(said.find("line 3"), std::string::npos) << said;
  }
}

TEST(EndorsementsConfig, AddressesAreHttps) {
  for (const char* key : {"amd_kds", "intel_pcs"}) {
    const auto with = [key](const std::string& address) {
      return std::string(key) + " = \"" + address + "\"";
    };
    EXPECT_NE(refusal(with("http://127.0.0.1:8081")).find("must be https"), std::string::npos);
    EXPECT_EQ(refusal(with("http://127.0.0.1:8081"), "test"), "accepted");
    // The metadata address would otherwise be reached in plain http.
    EXPECT_NE(refusal(with("http://169.254.169.254"), "test").find("must be https"),
              std::string::npos);
    for (const char* bad : {"https://mirror/", "https://mirror/x?y", "ftp://mirror", "mirror",
                            "https://user:word@mirror", "vendors"}) {
      EXPECT_NE(refusal(with(bad)), "accepted") << bad;
    }
  }
  EXPECT_NE(refusal("intel_pcs = \"vendor\"\nintel_root_crl = \"http://lists.example/root\"")
                .find("must be https"),
            std::string::npos);
}

TEST(EndorsementsConfig, ACaThatCannotBeUsedIsFoundAtStart) {
  const std::string path = std::filesystem::path(::testing::TempDir()) / "apm-no-ca.pem";
  std::ofstream(path) << "nothing";
  const std::string stanza = "amd_kds = \"vendor\"\nca_file = \"" + path + "\"";
  EXPECT_NE(refusal(stanza).find("ca_file"), std::string::npos) << refusal(stanza);
  std::filesystem::remove(path);
  EXPECT_NE(refusal(stanza).find("ca_file"), std::string::npos) << refusal(stanza);
}

}  // namespace
}  // namespace apm::boot
