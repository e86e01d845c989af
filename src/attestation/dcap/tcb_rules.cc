#include "attestation/dcap/tcb_rules.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/text.h"

namespace apm::attestation::dcap {
namespace {

bool masked_equal(ByteView have, ByteView mask, ByteView wanted) {
  if (have.size() != mask.size() || have.size() != wanted.size()) return false;
  for (std::size_t i = 0; i < have.size(); ++i) {
    if ((have[i] & mask[i]) != wanted[i]) return false;
  }
  return true;
}

Rule of_tcb(std::string reason, std::string found, std::string wanted) {
  return {Stage::kTcb, std::move(reason), std::move(found), std::move(wanted)};
}

Rule masked_rule(std::string reason, ByteView have, ByteView mask, ByteView wanted) {
  return of_tcb(std::move(reason), hex_encode(have),
                concat(hex_encode(wanted), " under the mask ", hex_encode(mask)));
}

Status check_qe(const TcbInput& input, const TcbVerdict& verdict, Appraisal& appraisal) {
  const EnclaveReport& qe = *input.qe_report;
  const QeIdentity& want = *input.qe_identity;
  APM_CHECK_OK(appraisal.require(
      equal(qe.mr_signer, want.mr_signer),
      of_tcb("dcap_qe_mrsigner", hex_encode(qe.mr_signer), hex_encode(want.mr_signer))));
  APM_CHECK_OK(appraisal.require(
      qe.isv_prod_id == want.isv_prod_id,
      of_tcb("dcap_qe_prodid", std::to_string(qe.isv_prod_id), std::to_string(want.isv_prod_id))));
  APM_CHECK_OK(appraisal.require(
      masked_equal(qe.misc_select, want.misc_select_mask, want.misc_select),
      masked_rule("dcap_qe_miscselect", qe.misc_select, want.misc_select_mask, want.misc_select)));
  APM_CHECK_OK(appraisal.require(
      masked_equal(qe.attributes, want.attributes_mask, want.attributes),
      masked_rule("dcap_qe_attributes", qe.attributes, want.attributes_mask, want.attributes)));
  return appraisal.require(verdict.qe.has_value(),
                           of_tcb("dcap_qe_level_none", concat("ISVSVN ", qe.isv_svn),
                                  "at least that of the lowest level in the QE identity"));
}

std::string module_name(const TdxTcb& tdx) {
  return concat("module version ", unsigned{tdx.tee_tcb_svn[1]}, ", SVN ",
                unsigned{tdx.tee_tcb_svn[0]});
}

Status check_module(const TcbInput& input, const TcbVerdict& verdict, Appraisal& appraisal) {
  const TdxTcb& tdx = *input.tdx;
  APM_CHECK_OK(appraisal.require(verdict.module_identity.has_value(),
                                 of_tcb("tdx_module_unknown", module_name(tdx),
                                        "a module that the TCB info has an identity for")));
  const TdxModuleIdentity& want = *verdict.module_identity;
  APM_CHECK_OK(appraisal.require(
      equal(tdx.mr_signer_seam, want.mr_signer),
      of_tcb("tdx_module_mrsigner", hex_encode(tdx.mr_signer_seam), hex_encode(want.mr_signer))));
  APM_CHECK_OK(
      appraisal.require(masked_equal(tdx.seam_attributes, want.attributes_mask, want.attributes),
                        masked_rule("tdx_module_attributes", tdx.seam_attributes,
                                    want.attributes_mask, want.attributes)));
  return appraisal.require(verdict.module.has_value() || !verdict.has_module,
                           of_tcb("tdx_module_level_none", module_name(tdx),
                                  "at least the SVN of the lowest level of its identity"));
}

std::string status_text(std::optional<TcbStatus> status) {
  return status ? std::string(tcb_status_name(*status)) : "-";
}

void expect_status(const TcbVerdict& verdict, const Floor& floor, Appraisal& appraisal) {
  const TcbStatus status = *verdict.status;
  std::string allowed;
  for (const TcbStatus one : floor.allowed_statuses) {
    allowed += concat(allowed.empty() ? "" : ", ", tcb_status_name(one));
  }
  appraisal.expect(
      status != TcbStatus::kRevoked && floor.allowed_statuses.contains(status),
      of_tcb(std::string(tcb_status_reason(status)),
             concat(tcb_status_name(status), " (platform ", status_text(verdict.platform),
                    ", TDX module ", status_text(verdict.module), ", QE ", status_text(verdict.qe),
                    ")"),
             concat("a TCB status that the policy allows: ", allowed)));
}

void expect_advisories(const TcbVerdict& verdict, const Floor& floor, Appraisal& appraisal) {
  std::string found;
  bool refused = false;
  for (const std::string& id : verdict.advisories) {
    found += concat(found.empty() ? "" : ", ", id);
    refused |= floor.refused_advisories.contains(id);
  }
  appraisal.expect(!refused, of_tcb("dcap_advisory_refused", found.empty() ? "none" : found,
                                    "no advisory that the policy refuses"));
}

}  // namespace

Status apply_tcb_rules(const TcbInput& input, const TcbVerdict& verdict, const Floor& floor,
                       Appraisal& appraisal) {
  const std::uint64_t number =
      std::min(input.info->header.evaluation_number, input.qe_identity->header.evaluation_number);
  appraisal.expect(number >= floor.evaluation_number_min,
                   of_tcb("dcap_evaluation_number", std::to_string(number),
                          concat("tcbEvaluationDataNumber ", floor.evaluation_number_min,
                                 " or higher in TCB info and QE identity")));
  APM_CHECK_OK(check_qe(input, verdict, appraisal));
  if (input.tdx != nullptr) APM_CHECK_OK(check_module(input, verdict, appraisal));
  APM_CHECK_OK(appraisal.require(
      verdict.platform.has_value(),
      of_tcb("dcap_tcb_level_none",
             concat("SGX components ", hex_encode(input.pck->tcb_components), ", PCESVN ",
                    input.pck->pce_svn,
                    input.tdx == nullptr
                        ? std::string()
                        : concat(", TDX components ", hex_encode(input.tdx->tee_tcb_svn))),
             "at least the lowest level of the TCB info")));
  expect_status(verdict, floor, appraisal);
  expect_advisories(verdict, floor, appraisal);
  return {};
}

}  // namespace apm::attestation::dcap
