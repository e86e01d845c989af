// Evidence of real machines, which answers no challenge of ours: a login is refused, and by the
// rule of the binding alone. That everything else about it is good, the same method's `explain`
// says, which asks for no binding.

#include <gtest/gtest.h>

#include "attestation/testing/vector_cases.h"
#include "auth/apm/testing/login_fixture.h"

namespace apm::auth_apm {
namespace {

using attestation::testing::vector_cases;
using attestation::testing::vector_file;
using attestation::testing::VectorCase;
using attestation::testing::vectors_directory;
using testing::caller;
using testing::must;
using testing::spki_of;
using Reasons = std::vector<std::string>;

// By the vendors' own roots. What is set asks for less than the defaults: clouds' keys, VMPLs and
// statuses as the captured machines have them.
class CapturedLogin : public testing::LoginTest {
 protected:
  void SetUp() override {
    if (!vector_file("cases.json").ok()) {
      GTEST_SKIP() << "no hardware vectors at '" << vectors_directory() << "'";
    }
    testing::LoginTest::SetUp();
    needs_.anchors =
        std::make_shared<attestation::snp::Anchors>(must(attestation::snp::Anchors::vendor()));
    needs_.intel_anchors = nullptr;
    needs_.aws_anchors = nullptr;
    open();
    ASSERT_TRUE(call("config", {{"allow_vlek", true},
                                {"vmpl_max", 3},
                                {"sgx_tcb_statuses", "ConfigurationAndSWHardeningNeeded"}})
                    .ok());
  }
  // Rules that failed when the file logs in; {"accepted"} when none did.
  Reasons login(json::Object evidence) {
    evidence.set("nonce", *challenge().string_at("nonce"));
    if (evidence.find("key_public") == nullptr) {
      evidence.set("caller_key", base64_encode(spki_of(caller())));
    }
    return reason(evidence) == "accepted" ? Reasons{"accepted"} : failed_rules();
  }
  // What explain finds wrong with it.
  Reasons faults(const json::Object& evidence) {
    const auto told = call("explain", evidence);
    if (!told.ok()) return {told.error().message};
    Reasons out;
    for (const json::Value& rule : *told->data->find("rules")->as_array()) {
      const auto holds = rule.at("holds")->as_bool();
      if (holds && !*holds) out.push_back(*rule.string_at("rule"));
    }
    return out;
  }
  static std::string pem(const VectorCase& c, std::string_view input) {
    return must(crypto::Certificate::from_der(c.input(input))).pem();
  }
};

// Images that a cloud signs for everybody have no Signer ID; the evidence is good.
bool only_a_public_signer(const Reasons& faults) {
  return faults.empty() || faults == Reasons{"signer_is_public"};
}

TEST_F(CapturedLogin, SnpReports) {
  std::size_t tried = 0;
  for (const VectorCase& c : vector_cases("snp")) {
    if (c.text("expect") != "accept" || !c.has("report") || !c.has("vek")) continue;
    be_at(c.time());
    const json::Object evidence{{"family", "snp"},
                                {"report", base64_encode(c.input("report"))},
                                {"vcek_chain", pem(c, "vek")}};
    EXPECT_TRUE(only_a_public_signer(faults(evidence)))
        << c.text("id") << ": " << ::testing::PrintToString(faults(evidence));
    EXPECT_EQ(login(evidence), Reasons{"snp_report_data"}) << c.text("id");
    ++tried;
  }
  EXPECT_GE(tried, 10U);
}

TEST_F(CapturedLogin, NitroDocuments) {
  std::size_t tried = 0;
  for (const VectorCase& c : vector_cases("nitro")) {
    if (c.text("expect") != "accept") continue;
    be_at(c.time());
    const json::Object evidence{{"family", "aws-nitro"},
                                {"document", base64_encode(c.input("doc"))}};
    EXPECT_EQ(faults(evidence), Reasons{}) << c.text("id");
    EXPECT_EQ(login(evidence), (Reasons{"nitro_public_key", "nitro_nonce"})) << c.text("id");
    ++tried;
  }
  EXPECT_GE(tried, 4U);
}

// The collateral of a case, in one document.
std::string collateral_of(const VectorCase& c) {
  const auto text = [&c](std::string_view name) { return std::string(as_text(c.input(name))); };
  if (c.has("collateral")) return text("collateral");
  return testing::collateral_text(must(attestation::dcap::collateral_from_files(
      {text("tcb_info"), text("tcb_chain"), text("qe_identity"), text("qe_chain"),
       c.input("pck_crl"), c.input("root_crl")})));
}

TEST_F(CapturedLogin, SgxAndTdxQuotesWithTheirCollateral) {
  std::size_t tried = 0;
  for (const std::string family : {"sgx", "tdx"}) {
    for (const VectorCase& c : vector_cases(family)) {
      if (c.text("stage") != "tcb" || c.text("expect") == "reject") continue;
      be_at(c.time());
      const json::Object evidence{{"family", family},
                                  {"quote", base64_encode(c.input("quote"))},
                                  {"collateral", collateral_of(c)}};
      EXPECT_EQ(faults(evidence), Reasons{}) << c.text("id");
      EXPECT_EQ(login(evidence), Reasons{"dcap_report_data"}) << c.text("id");
      ++tried;
    }
  }
  EXPECT_GE(tried, 3U);
}

// What a capture without collateral lacks, binding or not.
TEST_F(CapturedLogin, QuotesWithoutCollateralAreRefusedByThatName) {
  std::size_t tried = 0;
  for (const std::string family : {"sgx", "tdx"}) {
    for (const VectorCase& c : vector_cases(family)) {
      if (c.text("stage") != "signature" || c.text("expect") != "accept") continue;
      be_at(c.time());
      const json::Object evidence{{"family", family}, {"quote", base64_encode(c.input("quote"))}};
      EXPECT_EQ(faults(evidence), Reasons{"dcap_collateral_missing"}) << c.text("id");
      EXPECT_EQ(login(evidence), (Reasons{"dcap_report_data", "dcap_collateral_missing"}))
          << c.text("id");
      ++tried;
    }
  }
  EXPECT_GE(tried, 8U);
}

// The captured vTPM signed somebody else's challenge. No capture certifies a key: one of ours,
// which this vTPM never saw, stands in its place, and would be refused next.
TEST_F(CapturedLogin, AzureMachines) {
  std::size_t tried = 0;
  for (const VectorCase& c : vector_cases("azure")) {
    if (c.text("expect") != "accept" || !c.has("hcl") || !c.has("vek")) continue;
    be_at(c.time());
    json::Object evidence = testing::azure_snp_login(challenge()).body;
    json::Object pcrs;
    const Bytes values = c.input("pcrs");
    for (std::size_t i = 0; i * 32 < values.size(); ++i) {
      pcrs.set(std::to_string(i), hex_encode(ByteView(values).subspan(i * 32, 32)));
    }
    evidence.set("hcl_report", base64_encode(c.input("hcl")));
    evidence.set("vcek_chain", pem(c, "vek"));
    evidence.set("quote", testing::signed_object(c.input("tpm_msg"), c.input("tpm_sig")));
    evidence.set("pcrs", std::move(pcrs));
    EXPECT_EQ(login(evidence), Reasons{"tpm_extra_data"}) << c.text("id");
    evidence.erase("key_public");
    evidence.erase("key_certify");
    evidence.erase("event_log");
    evidence.erase("nonce");
    EXPECT_EQ(faults(evidence), Reasons{"event_log_missing"}) << c.text("id") << ": no log";
    ++tried;
  }
  EXPECT_GE(tried, 3U);
}

}  // namespace
}  // namespace apm::auth_apm
