#include "auth/apm/admission.h"

#include <gtest/gtest.h>

namespace apm::auth_apm {
namespace {

attestation::EvidenceResult result() {
  attestation::EvidenceResult out;
  out.family = "snp";
  out.trust_anchor = "amd";
  out.enclave_id = std::string(64, 'e');
  out.signer.signer_id = std::string(64, '5');
  out.claims = {{"sevsnp", json::Object{{"vmpl", 1}}}};
  return out;
}

std::string reason(const Status& status) {
  return status.ok() ? "admitted" : status.error().reason;
}

std::string claims_reason(const attestation::EvidenceResult& of, const char* policy = "") {
  const auto config = merge(Config{}, {{"claims_policy", policy}});
  EXPECT_TRUE(config.ok());
  attestation::Appraisal appraisal;
  const Status status = admit_claims(*config, of, appraisal);
  EXPECT_EQ(status.ok(), appraisal.verdict().ok());  // what refused is in the record
  return reason(status);
}

TEST(ApmAdmission, Families) {
  attestation::Appraisal appraisal;
  EXPECT_EQ(reason(admit_family(Config{}, "snp", appraisal)), "admitted");
  const auto config = merge(Config{}, {{"allowed_families", "sgx,tdx"}});
  ASSERT_TRUE(config.ok());
  EXPECT_EQ(reason(admit_family(*config, "sgx", appraisal)), "admitted");
  EXPECT_EQ(reason(admit_family(*config, "snp", appraisal)), "family_not_allowed");
}

TEST(ApmAdmission, TheClaimsPolicyOfTheConfiguration) {
  EXPECT_EQ(claims_reason(result()), "admitted");
  EXPECT_EQ(claims_reason(result(), R"({"claim": "sevsnp.vmpl", "less": 2})"), "admitted");
  EXPECT_EQ(claims_reason(result(), R"({"claim": "sevsnp.vmpl", "less": 1})"), "claims_policy");
  EXPECT_EQ(claims_reason(result(), R"({"claim": "trust_anchor", "equals": "amd"})"), "admitted");
  EXPECT_EQ(claims_reason(result(), R"({"claim": "trust_anchor", "equals": "test"})"),
            "claims_policy");
  EXPECT_EQ(claims_reason(result(), R"({"anyOf": [{"claim": "family", "equals": "tdx"},
                                                  {"claim": "sevsnp.vmpl", "equals": 1}]})"),
            "admitted");
}

TEST(ApmAdmission, OnlyWhatIsUnsignedByNatureMayHaveNoSigner) {
  attestation::EvidenceResult no_signer = result();
  no_signer.signer = {};
  for (const char* natural :
       {"tdx_no_signer", "snp_signer_missing", "sgx_no_signer", "signer_pcr_zero",
        "signer_pcr_missing", "signer_zero", "signer_is_platform"}) {
    no_signer.signer.reason = natural;
    EXPECT_EQ(claims_reason(no_signer), "admitted") << natural;
  }
  for (const char* fault : {"signer_is_public", "secure_boot_off", "event_log_missing",
                            "signer_ambiguous", "event_log_mismatch"}) {
    no_signer.signer.reason = fault;
    EXPECT_EQ(claims_reason(no_signer), fault);
  }
  attestation::EvidenceResult nobody = result();
  nobody.enclave_id.clear();
  EXPECT_EQ(claims_reason(nobody), "identity_missing");
  nobody.enclave_reason = "identity_pcr_missing";
  EXPECT_EQ(claims_reason(nobody), "identity_pcr_missing") << "the family's own word";
}

}  // namespace
}  // namespace apm::auth_apm
