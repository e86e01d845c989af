// Azure's vTPM evidence over SNP and TDX, and TPM quotes under a given key.

#include "attestation/azure_vtpm/result.h"
#include "attestation/azure_vtpm/verify.h"
#include "attestation/tdx/result.h"
#include "attestation/tdx/verify.h"
#include "base/text.h"
#include "cli/evidence/amd_inputs.h"
#include "cli/evidence/dcap_inputs.h"
#include "cli/evidence/judge.h"
#include "cli/evidence/tpm_inputs.h"

namespace apm::cli::evidence {
namespace {

namespace azure = attestation::azure_vtpm;
using attestation::Appraisal;
using attestation::Stage;

void copy_rules(const Appraisal& from, Appraisal& to) {
  for (const Appraisal::Entry& entry : from.entries()) to.expect(entry.holds, entry.rule);
}

// The TD quote under the Azure report. A capture without collateral is looked at up to its report
// data; judged in full, it is refused for want of it.
Result<azure::TdVerdict> judge_td_quote(const Case& c, ByteView quote, Appraisal& appraisal) {
  APM_TRY(const attestation::dcap::Anchors anchors, intel_anchors(c));
  APM_TRY(const std::optional<attestation::dcap::Collateral> collateral, intel_collateral(c));
  const auto parsed = attestation::dcap::parse_quote(quote);
  if (!parsed.ok()) return parsed.error();
  const attestation::dcap::Expectation expected{&anchors, c.now_unix_s(),
                                                attestation::dcap::report_data_of(*parsed)};
  const bool bare = !collateral && c.rigour() == Rigour::kCaseFile;
  Appraisal own = bare ? Appraisal(Stage::kFreshness) : c.appraisal();
  attestation::tdx::Floor floor;
  APM_TRY(floor.allow_debug, c.flag("allow_debug"));
  const auto claims =
      attestation::tdx::verify(quote, collateral ? &*collateral : nullptr, expected, floor, own);
  copy_rules(own, appraisal);
  if (!claims.ok()) return claims.error();
  azure::TdVerdict verdict;
  verdict.report_data = to_bytes(claims->report.report_data);
  verdict.debug = claims->report.debug();
  verdict.eat = attestation::tdx::hardware_claims();
  verdict.tdx = attestation::tdx::own_claims(*claims);
  if (claims->evidence.chain) verdict.trust_anchor = claims->evidence.chain->anchor->name;
  verdict.vendor_anchor = !c.has("root") && !verdict.trust_anchor.empty();
  return verdict;
}

Result<azure::Expectation> expectation_of(const Case& c, const attestation::snp::Anchors& anchors) {
  azure::Expectation out;
  out.anchors = &anchors;
  out.now_unix_s = c.now_unix_s();
  out.required_pcrs = all_pcrs();
  APM_TRY(out.floor, snp_floor(c));
  APM_TRY(const std::optional<Bytes> nonce, c.optional_bytes("nonce"));
  out.binding = nonce.value_or(Bytes());
  out.verify_td_quote = [&c](ByteView quote, Appraisal& appraisal) {
    return judge_td_quote(c, quote, appraisal);
  };
  return out;
}

// Ends with the machine's claims and ids when its quote holds.
Status judge_quote(const Case& c, azure::PlatformClaims platform,
                   const azure::Expectation& expected, Outcome& out) {
  APM_TRY(const Bytes attest, c.bytes("tpm_msg"));
  APM_TRY(const Bytes signature, quote_signature(c, out.appraisal));
  APM_TRY(const Pcrs pcrs, pcr_values(c));
  APM_TRY(attestation::tpm::Attest quote,
          azure::appraise_quote({attest, signature, pcrs.values}, platform.runtime, expected,
                                out.appraisal));
  APM_CHECK_OK(judge_event_log(c, pcrs.values, out.appraisal));
  if (out.unrooted) return {};
  APM_TRY(const std::optional<Bytes> log, c.optional_bytes("eventlog"));
  const azure::Claims claims{.platform = std::move(platform),
                             .quote = std::move(quote),
                             .pcrs = pcrs.values,
                             .caller_key = {},
                             .result = {}};
  auto result = azure::to_result(claims, log.value_or(Bytes()), {});
  if (result.ok()) out.result = std::move(*result);
  return {};
}

Status judge_platform_and_quote(const Case& c, const azure::PlatformEvidence& platform,
                                const azure::Expectation& expected, Outcome& out) {
  APM_TRY(azure::PlatformClaims claims,
          out.unrooted ? azure::appraise_unrooted(platform.hcl_report, out.appraisal)
                       : azure::appraise_platform(platform, expected, out.appraisal));
  if (c.has("tpm_msg")) return judge_quote(c, std::move(claims), expected, out);
  if (c.rigour() == Rigour::kCaseFile) return {};
  return out.appraisal.require(false, {Stage::kFormat, "tpm_quote_missing", "no quote",
                                       "tpm_msg, tpm_sig, pcrs and nonce: the report alone says "
                                       "nothing about the guest's software"});
}

// Which hardware the report claims to come from decides whose certificates count; what the report
// says is proved with them, or not at all.
Result<bool> is_tdx(ByteView hcl_report) {
  Appraisal scratch;
  APM_TRY(const azure::HclReport hcl, azure::parse_hcl_report(hcl_report, scratch));
  return hcl.hardware == azure::Hardware::kTdx;
}

}  // namespace

Result<Outcome> judge_azure(const Case& c) {
  if (!c.has("hcl")) return judge_tpm(c);
  azure::PlatformEvidence platform;
  APM_TRY(platform.hcl_report, c.bytes("hcl"));
  APM_TRY(const bool tdx, is_tdx(platform.hcl_report));
  if (!tdx && c.has("td_quote")) {
    return Error(Code::kInvalidArgument, "case_input",
                 "input td_quote does not belong to the HCL report of an SNP machine");
  }
  // Over TDX the case's root is Intel's.
  APM_TRY(const attestation::snp::Anchors anchors,
          tdx ? attestation::snp::Anchors::vendor() : amd_anchors(c));
  APM_TRY(const azure::Expectation expected, expectation_of(c, anchors));
  APM_TRY(platform.endorsements, amd_endorsements(c));
  APM_TRY(const std::optional<Bytes> crl, c.optional_bytes("crl"));
  platform.crl = crl.value_or(Bytes());
  APM_TRY(const std::optional<Bytes> td_quote, c.optional_bytes("td_quote"));
  platform.td_quote = td_quote.value_or(Bytes());
  const bool proved = c.has("vek") || c.has("thim") || td_quote;
  Outcome out{.appraisal = c.appraisal(),
              .status = {},
              .unrooted = !proved && c.rigour() == Rigour::kCaseFile,
              .result = {}};
  out.status = judge_platform_and_quote(c, platform, expected, out);
  return out;
}

Result<Outcome> judge_tpm(const Case& c) {
  Outcome out{.appraisal = c.appraisal(), .status = {}, .unrooted = false, .result = {}};
  APM_TRY(const Bytes key, c.bytes("ak"));
  const auto ak = as_text(key).starts_with("-----") ? crypto::PublicKey::from_pem(as_text(key))
                                                    : crypto::PublicKey::from_spki_der(key);
  if (!ak.ok()) return Error(Code::kRefused, "tpm_ak_malformed", "input ak is not a public key");
  APM_TRY(const Bytes attest, c.bytes("tpm_msg"));
  APM_TRY(const Bytes nonce, c.bytes("nonce"));
  APM_TRY(const Pcrs pcrs, pcr_values(c));
  const auto signature = quote_signature(c, out.appraisal);
  if (!signature.ok()) {
    if (signature.error().code != Code::kRefused) return signature.error();
    out.status = signature.error();
    return out;
  }
  const auto quote = attestation::tpm::verify_quote({attest, *signature, *ak}, pcrs.values,
                                                    {nonce, all_pcrs(), pcrs.bank}, out.appraisal);
  out.status = quote.ok() ? judge_event_log(c, pcrs.values, out.appraisal) : Status(quote.error());
  return out;
}

}  // namespace apm::cli::evidence
