#include "attestation/tdx/verify.h"

#include "attestation/dcap/claims.h"
#include "base/byte_reader.h"
#include "base/encoding.h"
#include "base/text.h"

namespace apm::attestation::tdx {
namespace {

// As the bytes stand in the report.
std::string bits_text(std::uint64_t bits) {
  Bytes raw;
  append_u64_le(raw, bits);
  return hex_encode(raw);
}

void expect_bits(Appraisal& appraisal, std::uint64_t bits, const BitMask& mask,
                 std::string reason) {
  const bool holds =
      (bits & mask.required) == mask.required && (bits & ~(mask.permitted | mask.required)) == 0;
  appraisal.expect(holds, {Stage::kPolicy, std::move(reason), bits_text(bits),
                           concat("bits ", bits_text(mask.required), " set, and none beyond ",
                                  bits_text(mask.permitted | mask.required))});
}

void expect_attributes(const TdReport& report, const Floor& floor, Appraisal& appraisal) {
  const std::uint64_t bits = report.td_attributes;
  appraisal.expect(!report.debug() || floor.allow_debug,
                   {Stage::kPolicy, "tdx_debug", bits_text(bits),
                    "a TD that is not under debug (TDATTRIBUTES bits 0-7 off)"});
  const bool migratable = (bits & kMigratable) != 0;
  appraisal.expect(!migratable || floor.allow_migratable,
                   {Stage::kPolicy, "tdx_migratable", bits_text(bits),
                    "a TD that cannot be migrated (TDATTRIBUTES bit 29 off)"});
  // Each bit has one rule: those two are judged above.
  expect_bits(appraisal, bits & ~(kTudMask | kMigratable), floor.attributes, "tdx_attributes");
  expect_bits(appraisal, report.xfam, floor.xfam, "tdx_xfam");
}

void expect_tcb_svn(const TdReport& report, const Floor& floor, Appraisal& appraisal) {
  bool holds = true;
  for (std::size_t i = 0; i < report.tee_tcb_svn.size(); ++i) {
    holds = holds && report.tee_tcb_svn[i] >= floor.minimum_tee_tcb_svn[i];
  }
  appraisal.expect(holds,
                   {Stage::kPolicy, "tdx_tcb_svn_too_old", hex_encode(report.tee_tcb_svn),
                    concat("each byte at least that of ", hex_encode(floor.minimum_tee_tcb_svn))});
}

void expect_measurements(const TdReport& report, const Floor& floor, Appraisal& appraisal) {
  using dcap::expect_listed;
  expect_listed(appraisal, floor.mr_seam, report.mr_seam, "tdx_mrseam");
  expect_listed(appraisal, floor.mr_td, report.mr_td, "tdx_mrtd");
  expect_listed(appraisal, floor.mr_config_id, report.mr_config_id, "tdx_mrconfigid");
  expect_listed(appraisal, floor.mr_owner, report.mr_owner, "tdx_mrowner");
  expect_listed(appraisal, floor.mr_owner_config, report.mr_owner_config, "tdx_mrownerconfig");
  expect_listed(appraisal, floor.mr_service_td, report.mr_service_td.value_or(Register{}),
                "tdx_mrservicetd");
  for (std::size_t i = 0; i < report.rtmr.size(); ++i) {
    expect_listed(appraisal, floor.rtmr[i], report.rtmr[i], concat("tdx_rtmr", i));
  }
}

dcap::TdxTcb module_of(const TdReport& report) {
  return {report.tee_tcb_svn, report.tee_tcb_svn2, report.mr_signer_seam, report.seam_attributes};
}

}  // namespace

Result<Claims> verify(ByteView raw, const dcap::Collateral* collateral,
                      const dcap::Expectation& expectation, const Floor& floor,
                      Appraisal& appraisal) {
  APM_TRY(dcap::Quote quote, read_quote(raw, dcap::Tee::kTdx, floor.platform, appraisal));
  APM_TRY(const TdReport report, parse_td_report(quote));
  APM_TRY(dcap::Evidence evidence, verify_signatures(std::move(quote), expectation, appraisal));
  expect_platform(evidence, expectation, floor.platform, appraisal);
  if (appraisal.covers(Stage::kPolicy)) {
    expect_attributes(report, floor, appraisal);
    expect_tcb_svn(report, floor, appraisal);
    expect_measurements(report, floor, appraisal);
  }
  const dcap::TdxTcb module = module_of(report);
  APM_CHECK_OK(verify_tcb(evidence, collateral, &module, expectation, floor.platform, appraisal));
  APM_CHECK_OK(appraisal.verdict());
  return Claims{std::move(evidence), report};
}

json::Object own_claims(const Claims& claims) {
  const TdReport& report = claims.report;
  json::Object out = dcap::platform_claims(claims.evidence);
  out.set("tee_tcb_svn", hex_encode(report.tee_tcb_svn));
  out.set("mrseam", hex_encode(report.mr_seam));
  out.set("mrsignerseam", hex_encode(report.mr_signer_seam));
  out.set("seam_attributes", hex_encode(report.seam_attributes));
  out.set("td_attributes", bits_text(report.td_attributes));
  out.set("debug", report.debug());
  out.set("xfam", bits_text(report.xfam));
  out.set("mrtd", hex_encode(report.mr_td));
  out.set("mrconfigid", hex_encode(report.mr_config_id));
  out.set("mrowner", hex_encode(report.mr_owner));
  out.set("mrownerconfig", hex_encode(report.mr_owner_config));
  for (std::size_t i = 0; i < report.rtmr.size(); ++i) {
    out.set(concat("rtmr", i), hex_encode(report.rtmr[i]));
  }
  out.set("report_data", hex_encode(report.report_data));
  if (report.tee_tcb_svn2) out.set("tee_tcb_svn2", hex_encode(*report.tee_tcb_svn2));
  if (report.mr_service_td) out.set("mrservicetd", hex_encode(*report.mr_service_td));
  return out;
}

}  // namespace apm::attestation::tdx
