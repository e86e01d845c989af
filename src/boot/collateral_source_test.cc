#include "boot/collateral_source.h"

#include <gtest/gtest.h>

#include "attestation/testing/synthetic_machine.h"
#include "base/text.h"
#include "endorsements/amd.h"

namespace apm::boot {
namespace {

namespace snp = attestation::snp;
using attestation::testing::kNow;
using attestation::testing::must;
using attestation::testing::SyntheticMachine;
using Vendor = auth_apm::CollateralSource::Vendor;

// Answers by URL; every other is 404.
class FakeService final : public endorsements::Fetcher {
 public:
  [[nodiscard]] Result<net::Response> get(const endorsements::Ask& ask,
                                          const Deadline& deadline) override {
    asked.push_back(ask.url);
    left = deadline.left();
    if (failure) return *failure;
    net::Response answer;
    const auto found = answers.find(ask.url);
    answer.status = found == answers.end() ? 404 : 200;
    if (found != answers.end()) answer.body = found->second;
    return answer;
  }
  std::map<std::string, std::string> answers;
  std::optional<Error> failure;
  std::vector<std::string> asked;
  Milliseconds left{0};
};

class SourceTest : public ::testing::Test {
 protected:
  SourceTest() {
    EndorsementsConfig config;
    config.amd = true;
    config.sources.amd_kds = "https://kds.example";
    config.deadline = std::chrono::seconds(3);
    config.limits.fetches_per_asker_max = 1;
    auto service = std::make_unique<FakeService>();
    service_ = service.get();
    source_ = std::make_unique<EndorsementSource>(config, std::move(service), clock_);
  }
  static SyntheticMachine& machine() {
    static SyntheticMachine made;
    return made;
  }
  static std::string text(ByteView bytes) { return std::string(as_text(bytes)); }
  static Bytes report() { return machine().snp_evidence().report; }
  void serve() {
    attestation::Appraisal unused;
    const auto parsed = must(snp::parse_report(report(), unused));
    const auto query = must(endorsements::vcek_queries(parsed)).front();
    service_->answers = {
        {"https://kds.example" + endorsements::vcek_target(query), text(machine().leaf().der())},
        {"https://kds.example" + endorsements::crl_target(query.product),
         text(must(crypto::build_crl({.this_update_s = kNow - 500,
                                      .next_update_s = kNow + 500,
                                      .serials = {},
                                      .critical_extension = {}},
                                     machine().ark(), machine().ark_key())))}};
  }

  ManualClock clock_{kNow};
  FakeService* service_ = nullptr;
  std::unique_ptr<EndorsementSource> source_;
};

TEST_F(SourceTest, GivesWhatIsConfigured) {
  EXPECT_TRUE(source_->gives(Vendor::kAmd));
  EXPECT_FALSE(source_->gives(Vendor::kIntel));
  NullLog log;
  EXPECT_EQ(make_collateral_source(std::nullopt, clock_, log), nullptr);
}

TEST_F(SourceTest, AVcekAndTheListWithinTheLoginsDeadline) {
  serve();
  const auto got = source_->of_snp_report(report(), "192.0.2.1");
  ASSERT_TRUE(got.ok()) << got.error().message;
  EXPECT_TRUE(crypto::Certificate::from_pem(got->vcek_pem).ok());
  EXPECT_FALSE(got->crl.empty());
  EXPECT_GT(service_->left.count(), 0);
  EXPECT_LE(service_->left, Milliseconds(3000));
  EXPECT_TRUE(source_->amd_crl(snp::Product::kMilan).ok());
  EXPECT_EQ(service_->asked.size(), 2U) << "the list is kept";
}

// Whatever a report holds, the host is the configuration's and the path is hexadecimal and numbers.
TEST_F(SourceTest, AReportCannotNameAHost) {
  machine().edit_report = [](Bytes& r) {
    attestation::testing::put(r, 0x1A0,
                              as_bytes("@evil.example/../?x=y#z&w=%2e%2e/\r\nHost: evil"));
  };
  const Bytes crafted = report();
  machine().reset();
  EXPECT_EQ(source_->of_snp_report(crafted, "").error().reason, "endorsement_not_found");
  ASSERT_EQ(service_->asked.size(), 1U);
  EXPECT_TRUE(service_->asked[0].starts_with("https://kds.example/vcek/v1/Milan/"));
  const std::string rest =
      service_->asked[0].substr(std::string("https://kds.example/vcek/v1/Milan/").size());
  EXPECT_EQ(rest.find('?'), 128U);
  EXPECT_EQ(rest.find_first_not_of("0123456789abcdef"), 128U);
}

TEST_F(SourceTest, WhatTheVendorDoesNotKnowIsARefusalAndAFailureIsNone) {
  const auto unknown = source_->of_snp_report(report(), "");
  EXPECT_EQ(unknown.error().code, Code::kRefused);
  EXPECT_EQ(unknown.error().reason, "endorsement_not_found");
  service_->failure = Error(Code::kUnavailable, "unreachable", "no route");
  const auto away = source_->amd_crl(snp::Product::kGenoa);
  EXPECT_EQ(away.error().code, Code::kUnavailable);
  EXPECT_EQ(away.error().reason, "endorsement_unreachable");
}

TEST_F(SourceTest, AnAddressHasItsShare) {
  EXPECT_EQ(source_->of_snp_report(report(), "a").error().reason, "endorsement_not_found");
  machine().edit_report = [](Bytes& r) { r[0x1A0] ^= 1; };
  const Bytes other = report();
  machine().reset();
  EXPECT_EQ(source_->of_snp_report(other, "a").error().reason, "endorsement_budget");
  EXPECT_EQ(source_->of_snp_report(other, "b").error().reason, "endorsement_not_found");
}

}  // namespace
}  // namespace apm::boot
