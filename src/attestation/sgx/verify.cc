#include "attestation/sgx/verify.h"

#include "attestation/dcap/claims.h"
#include "base/encoding.h"
#include "base/text.h"

namespace apm::attestation::sgx {
namespace {

using dcap::EnclaveReport;

void expect_enclave(const EnclaveReport& report, const Floor& floor, Appraisal& appraisal) {
  const auto expect = [&](bool holds, std::string reason, std::string found, std::string wanted) {
    appraisal.expect(holds,
                     {Stage::kPolicy, std::move(reason), std::move(found), std::move(wanted)});
  };
  expect(report.initialised(), "sgx_not_initialised", hex_encode(report.attributes),
         "ATTRIBUTES.INIT set");
  expect(!report.debug() || floor.allow_debug, "sgx_debug", report.debug() ? "on" : "off",
         "an enclave that cannot be debugged (ATTRIBUTES.DEBUG off)");
  dcap::expect_listed(appraisal, floor.mr_enclave, report.mr_enclave, "sgx_mrenclave");
  dcap::expect_listed(appraisal, floor.mr_signer, report.mr_signer, "sgx_mrsigner");
  dcap::expect_listed(appraisal, floor.config_id, report.config_id, "sgx_config_id");
  if (floor.isv_prod_id) {
    expect(report.isv_prod_id == *floor.isv_prod_id, "sgx_prod_id",
           std::to_string(report.isv_prod_id), concat("ISVPRODID ", *floor.isv_prod_id));
  }
  expect(report.isv_svn >= floor.isv_svn_min, "sgx_svn_too_old", std::to_string(report.isv_svn),
         concat("ISVSVN ", floor.isv_svn_min, " or higher"));
}

}  // namespace

Result<Claims> verify(ByteView raw, const dcap::Collateral* collateral,
                      const dcap::Expectation& expectation, const Floor& floor,
                      Appraisal& appraisal) {
  APM_TRY(dcap::Quote quote, read_quote(raw, dcap::Tee::kSgx, floor.platform, appraisal));
  const auto report = dcap::parse_enclave_report(quote.body);
  APM_CHECK_OK(appraisal.require(report.ok() ? Status() : Status(report.error()), Stage::kFormat,
                                 "sgx_report"));
  APM_TRY(dcap::Evidence evidence, verify_signatures(std::move(quote), expectation, appraisal));
  expect_platform(evidence, expectation, floor.platform, appraisal);
  if (appraisal.covers(Stage::kPolicy)) expect_enclave(*report, floor, appraisal);
  APM_CHECK_OK(verify_tcb(evidence, collateral, nullptr, expectation, floor.platform, appraisal));
  APM_CHECK_OK(appraisal.verdict());
  return Claims{std::move(evidence), *report};
}

json::Object own_claims(const Claims& claims) {
  const EnclaveReport& report = claims.report;
  json::Object out = dcap::platform_claims(claims.evidence);
  out.set("mrenclave", hex_encode(report.mr_enclave));
  out.set("mrsigner", hex_encode(report.mr_signer));
  out.set("isvprodid", report.isv_prod_id);
  out.set("isvsvn", report.isv_svn);
  out.set("attributes", hex_encode(report.attributes));
  out.set("debug", report.debug());
  out.set("miscselect", hex_encode(report.misc_select));
  out.set("cpusvn", hex_encode(report.cpu_svn));
  out.set("configid", hex_encode(report.config_id));
  out.set("configsvn", report.config_svn);
  out.set("isvextprodid", hex_encode(report.isv_ext_prod_id));
  out.set("isvfamilyid", hex_encode(report.isv_family_id));
  out.set("report_data", hex_encode(report.report_data));
  return out;
}

}  // namespace apm::attestation::sgx
