// What a relying party asks of a TD; one rule broken at a time.

#include "attestation/tdx/verify.h"

#include <gtest/gtest.h>

#include "attestation/tdx/result.h"
#include "attestation/testing/dcap_trial.h"
#include "attestation/testing/vector_cases.h"

namespace apm::attestation::tdx {
namespace {

using testing::DcapTrial;
using testing::Reasons;
using testing::SyntheticIntel;
using testing::vector_file;

constexpr std::size_t kAttributes = 120;
constexpr std::size_t kXfam = 128;

TEST(TdxPolicy, EveryBitOfTheDebugGroupIsRefused) {
  for (unsigned bit = 0; bit < 8; ++bit) {
    DcapTrial trial;
    trial.platform.body[kAttributes] = static_cast<std::uint8_t>(1U << bit);
    EXPECT_EQ(trial.failures(), Reasons{"tdx_debug"}) << bit;
    trial.tdx_floor.allow_debug = true;
    EXPECT_EQ(trial.failures(), Reasons()) << bit;
  }
}

TEST(TdxPolicy, MigrationIsRefused) {
  DcapTrial trial;
  trial.platform.body[kAttributes + 3] |= 0x20;
  EXPECT_EQ(trial.failures(), Reasons{"tdx_migratable"});
  trial.tdx_floor.allow_migratable = true;
  EXPECT_EQ(trial.failures(), Reasons());
}

TEST(TdxPolicy, AttributesAndXfam) {
  for (const auto& [offset, bit] : {std::pair{1, 0x01}, {3, 0x80}, {7, 0x40}}) {
    DcapTrial trial;
    trial.platform.body[kAttributes + static_cast<std::size_t>(offset)] |=
        static_cast<std::uint8_t>(bit);
    EXPECT_EQ(trial.failures(), Reasons{"tdx_attributes"}) << offset;
  }
  DcapTrial known;  // SEPT_VE_DISABLE, PKS, PERFMON
  known.platform.body[kAttributes + 3] = 0x50;
  known.platform.body[kAttributes + 7] = 0x80;
  EXPECT_EQ(known.failures(), Reasons());
  DcapTrial required;
  required.platform.body[kAttributes + 3] = 0;
  EXPECT_EQ(required.failures(), Reasons());
  required.tdx_floor.attributes.required = kSeptVeDisable;
  EXPECT_EQ(required.failures(), Reasons{"tdx_attributes"});
  DcapTrial no_sse;
  no_sse.platform.body[kXfam] = 0x01;
  EXPECT_EQ(no_sse.failures(), Reasons{"tdx_xfam"});
  DcapTrial unknown;
  unknown.platform.body[kXfam + 7] = 0x80;
  EXPECT_EQ(unknown.failures(), Reasons{"tdx_xfam"});
}

TEST(TdxPolicy, Measurements) {
  struct Row {
    dcap::Values Floor::* list;
    std::uint8_t value;
    const char* reason;
  };
  const Row rows[] = {{&Floor::mr_seam, 0x5e, "tdx_mrseam"},
                      {&Floor::mr_td, 0xa0, "tdx_mrtd"},
                      {&Floor::mr_config_id, 0xa1, "tdx_mrconfigid"},
                      {&Floor::mr_owner, 0xa2, "tdx_mrowner"},
                      {&Floor::mr_owner_config, 0xa3, "tdx_mrownerconfig"},
                      {&Floor::mr_service_td, 0xb0, "tdx_mrservicetd"}};
  for (const Row& row : rows) {
    DcapTrial trial = DcapTrial::td15();
    trial.tdx_floor.*row.list = {hex_encode(Bytes(48, row.value))};
    EXPECT_EQ(trial.failures(), Reasons());
    trial.tdx_floor.*row.list = {hex_encode(Bytes(48, 0x77))};
    EXPECT_EQ(trial.failures(), Reasons{row.reason});
  }
  for (unsigned i = 0; i < 4; ++i) {
    DcapTrial trial;
    trial.tdx_floor.rtmr.at(i) = {hex_encode(Bytes(48, static_cast<std::uint8_t>(0xa4 + i)))};
    EXPECT_EQ(trial.failures(), Reasons());
    trial.tdx_floor.rtmr.at(i) = {hex_encode(Bytes(48))};
    EXPECT_EQ(trial.failures(), Reasons{concat("tdx_rtmr", i)});
  }
}

// A report without the field shows no service TD: a list that wants one refuses it.
TEST(TdxPolicy, ServiceTdOfAnOlderReport) {
  DcapTrial trial;
  trial.tdx_floor.mr_service_td = {hex_encode(Bytes(48, 0xb0))};
  EXPECT_EQ(trial.failures(), Reasons{"tdx_mrservicetd"});
}

TEST(TdxIdentity, EveryRegisterOfTheSoftwareCounts) {
  TdReport report;
  EXPECT_EQ(enclave_id(report).error().reason, "tdx_identity_unmeasured");
  report.rtmr[2][47] = 1;
  std::set<std::string> ids{*enclave_id(report)};
  const auto with = [&](auto change) {
    TdReport other = report;
    change(other);
    ids.insert(*enclave_id(other));
  };
  with([](TdReport& r) { r.mr_td[0] = 1; });
  for (std::size_t i = 0; i < 4; ++i) with([&](TdReport& r) { r.rtmr.at(i)[0] = 1; });
  with([](TdReport& r) { r.mr_config_id[0] = 1; });
  with([](TdReport& r) { r.mr_owner[0] = 1; });
  with([](TdReport& r) { r.mr_owner_config[0] = 1; });
  EXPECT_EQ(ids.size(), 9U);
  // The platform and the caller are not the software.
  with([](TdReport& r) { r.report_data[0] = 1; });
  with([](TdReport& r) { r.tee_tcb_svn[0] = 1; });
  with([](TdReport& r) { r.mr_seam[0] = 1; });
  with([](TdReport& r) { r.mr_service_td = Register{}; });
  EXPECT_EQ(ids.size(), 9U);
}

TEST(TdxIdentity, ResultHasNoSigner) {
  DcapTrial trial;
  const dcap::Expectation expectation{&DcapTrial::anchors(), testing::kIntelNow, Bytes(64, 0xd0)};
  const dcap::Collateral collateral = trial.platform.collateral();
  Appraisal appraisal;
  const auto claims = verify(trial.platform.quote(), &collateral, expectation, {}, appraisal);
  ASSERT_TRUE(claims.ok()) << claims.error().message;
  const auto result = result_of(*claims);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->family, "tdx");
  EXPECT_EQ(result->enclave_id, *enclave_id(claims->report));
  EXPECT_FALSE(result->signer.exists());  // although MROWNER is not zero
  EXPECT_EQ(result->signer.reason, "tdx_no_signer");
  EXPECT_EQ(*result->claims.find("tdx")->string_at("mrtd"), hex_encode(Bytes(48, 0xa0)));
  EXPECT_EQ(*result->claims.find("tdx")->at("tcb")->string_at("tdx_module"), "UpToDate");
}

// The worked examples of docs/identity.md.
TEST(TdxIdentity, OfCapturedQuotes) {
  const std::pair<const char*, const char*> examples[] = {
      {"v4-dstack-report", "59935c4d89cad8b0d48823e7f6c577042f67fba965f549448b8f130b6cb5f097"},
      {"v4-gcp-eternis", "e7b97db6428fbfcd24ac2dca323765bdc1313fdc9f4419d23b951a5cbff6b888"},
      {"v4-emr2-trustee", "2d0674aa343e709a81f8df1ae319e023c7e1e23f5b7f73b04e1aab0081b16380"},
      {"v5-alibaba", "7305c2e63b3f353adab8283797926a671ddbfac601f6029c7e6e96b72ecce612"},
  };
  for (const auto& [name, id] : examples) {
    const auto raw = vector_file(concat("tdx/", name, ".quote.bin"));
    if (!raw.ok()) GTEST_SKIP() << "no hardware vectors at " << testing::vectors_directory();
    EXPECT_EQ(*enclave_id(*parse_td_report(*dcap::parse_quote(*raw))), id) << name;
  }
  const TdReport azure =
      *parse_td_report(*dcap::parse_quote(*vector_file("tdx/v5-azure-cvmtools.quote.bin")));
  EXPECT_EQ(enclave_id(azure).error().reason, "tdx_identity_unmeasured");
}

}  // namespace
}  // namespace apm::attestation::tdx
