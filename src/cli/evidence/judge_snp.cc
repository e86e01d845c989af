// SNP reports, and AMD certificates alone.

#include "attestation/snp/verify.h"

#include "base/text.h"
#include "cli/evidence/amd_inputs.h"
#include "cli/evidence/judge.h"
#include "crypto/digest.h"

namespace apm::cli::evidence {
namespace {

namespace snp = attestation::snp;
using attestation::Appraisal;
using attestation::Stage;

constexpr std::size_t kReportDataAt = 0x50;

// The report, and the certificates behind it when it is an extended one. A file of certificates
// alone is a table for the report beside it.
Result<Bytes> report_of(const Case& c, snp::Endorsements& endorsements) {
  if (!c.has("extended")) return c.bytes("report");
  APM_TRY(const Bytes extended, c.bytes("extended"));
  APM_TRY(const std::optional<Bytes> report, c.optional_bytes("report"));
  if (report && report->size() != snp::kReportSize) return *report;  // refused by its size
  const bool has_report = extended.size() > snp::kReportSize &&
                          (!report || equal(*report, ByteView(extended).first(snp::kReportSize)));
  if (report && !has_report) {
    endorsements = {"", extended, ""};
    return *report;
  }
  APM_TRY(const snp::ExtendedReport parts, snp::split_extended_report(extended));
  if (endorsements.chain_pem.empty()) endorsements = {"", parts.certificate_table, ""};
  return parts.report;
}

// The caller's own report data where the case gives one; else what the report says, so that the
// rule holds: a capture's challenge is not known.
Result<Bytes> report_data_of(const Case& c, ByteView report) {
  if (c.has("report_data")) return c.bytes("report_data");
  if (report.size() < kReportDataAt + 64) return Bytes();
  return to_bytes(report.subspan(kReportDataAt, 64));
}

Status check_host_data(const Case& c, const snp::Claims& claims, Appraisal& appraisal) {
  if (!c.has("host_data_preimage")) return {};
  APM_TRY(const Bytes preimage, c.bytes("host_data_preimage"));
  return appraisal.require(equal(crypto::sha256(preimage), claims.report.host_data),
                           {Stage::kBinding, "snp_host_data_preimage", "another hash",
                            "SHA-256 of host_data_preimage as HOST_DATA"});
}

Status judge_certificate(const Case& c, const snp::Endorsements& endorsements,
                         const snp::Expectation& expected, Appraisal& appraisal) {
  APM_TRY(const std::string leaf_pem, c.certificate_pem("vek"));
  const auto leaves = crypto::Certificate::list_from_pem(leaf_pem);
  const bool vlek =
      leaves.ok() && !leaves->empty() && leaves->front().subject_common_name() == "SEV-VLEK";
  const auto kind = vlek ? snp::KeyKind::kVlek : snp::KeyKind::kVcek;
  const auto vek = snp::verify_vek(endorsements, kind,
                                   {expected.anchors, expected.now_unix_s, {}, false}, appraisal);
  return vek.ok() ? Status() : Status(vek.error());
}

}  // namespace

Result<Outcome> judge_snp(const Case& c) {
  APM_TRY(const snp::Anchors anchors, amd_anchors(c));
  snp::Expectation expected;
  expected.anchors = &anchors;
  expected.now_unix_s = c.now_unix_s();
  APM_TRY(expected.floor, snp_floor(c));
  APM_TRY(snp::Endorsements endorsements, amd_endorsements(c));
  Outcome out{.appraisal = c.appraisal(), .status = {}, .unrooted = false, .result = {}};
  if (!c.has("report") && !c.has("extended")) {
    out.status = judge_certificate(c, endorsements, expected, out.appraisal);
    return out;
  }
  const auto report = report_of(c, endorsements);
  if (!report.ok()) {
    if (report.error().code != Code::kRefused) return report.error();
    out.status = report.error();
    return out;
  }
  APM_TRY(expected.report_data, report_data_of(c, *report));
  APM_TRY(const std::optional<Bytes> crl, c.optional_bytes("crl"));
  const auto claims =
      snp::verify({*report, endorsements, crl.value_or(Bytes())}, expected, out.appraisal);
  if (!claims.ok()) {
    out.status = claims.error();
    return out;
  }
  out.status = check_host_data(c, *claims, out.appraisal);
  out.result = snp::to_result(*claims);
  return out;
}

}  // namespace apm::cli::evidence
