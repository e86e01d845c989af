// What a relying party asks of an enclave; one rule broken at a time.

#include "attestation/sgx/verify.h"

#include <gtest/gtest.h>

#include "attestation/sgx/result.h"
#include "attestation/testing/dcap_trial.h"
#include "attestation/testing/vector_cases.h"

namespace apm::attestation::sgx {
namespace {

using testing::DcapTrial;
using testing::Reasons;

TEST(SgxPolicy, DebugIsRefused) {
  DcapTrial trial = DcapTrial::sgx();
  trial.platform.body[48] |= 0x02;
  EXPECT_EQ(trial.failures(), Reasons{"sgx_debug"});
  EXPECT_EQ(trial.failures(Appraisal(Stage::kTcb)), Reasons());
  trial.sgx_floor.allow_debug = true;
  EXPECT_EQ(trial.failures(), Reasons());
}

TEST(SgxPolicy, Initialised) {
  DcapTrial trial = DcapTrial::sgx();
  trial.platform.body[48] = 0x04;
  EXPECT_EQ(trial.failures(), Reasons{"sgx_not_initialised"});
}

TEST(SgxPolicy, Measurements) {
  struct Row {
    dcap::Values Floor::* list;
    Bytes value;
    const char* reason;
  };
  const Row rows[] = {{&Floor::mr_enclave, Bytes(32, 0xe1), "sgx_mrenclave"},
                      {&Floor::mr_signer, Bytes(32, 0x51), "sgx_mrsigner"},
                      {&Floor::config_id, Bytes(64), "sgx_config_id"}};
  for (const Row& row : rows) {
    DcapTrial trial = DcapTrial::sgx();
    trial.sgx_floor.*row.list = {hex_encode(row.value)};
    EXPECT_EQ(trial.failures(), Reasons());
    trial.sgx_floor.*row.list = {hex_encode(Bytes(row.value.size(), 0x77))};
    EXPECT_EQ(trial.failures(), Reasons{row.reason});
  }
}

TEST(SgxPolicy, ProductAndVersion) {
  DcapTrial trial = DcapTrial::sgx();
  trial.sgx_floor.isv_prod_id = 3;
  trial.sgx_floor.isv_svn_min = 4;
  EXPECT_EQ(trial.failures(), Reasons());
  trial.sgx_floor.isv_prod_id = 4;
  EXPECT_EQ(trial.failures(), Reasons{"sgx_prod_id"});
  trial.sgx_floor.isv_prod_id = 3;
  trial.sgx_floor.isv_svn_min = 5;
  EXPECT_EQ(trial.failures(), Reasons{"sgx_svn_too_old"});
}

// All rules of policy are tried, beside missing collateral.
TEST(SgxPolicy, EveryRuleIsTried) {
  DcapTrial trial = DcapTrial::sgx();
  trial.platform.body[48] |= 0x02;
  trial.sgx_floor.isv_svn_min = 5;
  trial.with_collateral = false;
  EXPECT_EQ(trial.failures(), (Reasons{"sgx_debug", "sgx_svn_too_old", "dcap_collateral_missing"}));
}

TEST(SgxResult, IdentityIsMrenclaveAndMrsigner) {
  DcapTrial trial = DcapTrial::sgx();
  const dcap::Expectation expectation{&DcapTrial::anchors(), testing::kIntelNow, Bytes(64, 0xd0)};
  const dcap::Collateral collateral = trial.platform.collateral();
  Appraisal appraisal;
  const auto claims = verify(trial.platform.quote(), &collateral, expectation, {}, appraisal);
  ASSERT_TRUE(claims.ok()) << claims.error().message;
  const EvidenceResult result = result_of(*claims);
  EXPECT_EQ(result.family, "sgx");
  EXPECT_EQ(result.enclave_id, hex_encode(Bytes(32, 0xe1)));
  EXPECT_EQ(result.signer.signer_id, hex_encode(Bytes(32, 0x51)));
  EXPECT_EQ(result.trust_anchor, "test");
  EXPECT_FALSE(result.vendor_anchor);
  const json::Value* own = result.claims.find("sgx");
  ASSERT_NE(own, nullptr);
  EXPECT_EQ(*own->string_at("mrenclave"), result.enclave_id);
  EXPECT_EQ(*own->at("tcb")->string_at("status"), "UpToDate");
  EXPECT_EQ(*result.claims.find(kDebugStatus)->as_string(), kDebugDisabled);

  DcapTrial zero = DcapTrial::sgx();
  testing::SyntheticIntel::put(zero.platform.body, 128, Bytes(32));
  const dcap::Collateral beside = zero.platform.collateral();
  Appraisal again;
  const auto unsigned_enclave = verify(zero.platform.quote(), &beside, expectation, {}, again);
  ASSERT_TRUE(unsigned_enclave.ok());
  const EvidenceResult none = result_of(*unsigned_enclave);
  EXPECT_FALSE(none.signer.exists());
  EXPECT_EQ(none.signer.reason, "sgx_no_signer");
}

// The worked examples of docs/identity.md.
TEST(SgxResult, IdentityOfACapturedQuote) {
  const auto raw = testing::vector_file("sgx/dcapqvl.quote.bin");
  if (!raw.ok()) GTEST_SKIP() << "no hardware vectors at " << testing::vectors_directory();
  const auto collateral =
      dcap::collateral_from_json(as_text(*testing::vector_file("sgx/dcapqvl.collateral.json")));
  const auto anchors = dcap::Anchors::vendor();
  Floor floor;
  floor.platform.allowed_statuses.insert(dcap::TcbStatus::kConfigurationAndSwHardeningNeeded);
  Bytes report_data = to_bytes(std::string_view("Hello, world!"));
  report_data.resize(64);
  Appraisal appraisal;
  const auto claims =
      verify(*raw, &*collateral, {&*anchors, *parse_rfc3339_s("2025-07-01T00:00:00Z"), report_data},
             floor, appraisal);
  ASSERT_TRUE(claims.ok()) << claims.error().message;
  const EvidenceResult result = result_of(*claims);
  EXPECT_TRUE(result.vendor_anchor);
  EXPECT_EQ(result.enclave_id, "33d8736db756ed4997e04ba358d27833188f1932ff7b1d156904d3f560452fbb");
  EXPECT_EQ(result.signer.signer_id,
            "815f42f11cf64430c30bab7816ba596a1da0130c3b028b673133a66cf9a3e0e6");
}

}  // namespace
}  // namespace apm::attestation::sgx
