#include "attestation/azure_vtpm/verify.h"

#include <algorithm>

#include "attestation/azure_vtpm/result.h"
#include "attestation/limits.h"
#include "attestation/tpm/public_area.h"
#include "base/encoding.h"
#include "base/text.h"

namespace apm::attestation::azure_vtpm {
namespace {

// ---- Sizes, before anything is looked at ----

Status check_size(std::string_view what, std::size_t size, std::size_t max, Appraisal& appraisal) {
  return appraisal.require(size <= max, {Stage::kFormat, "evidence_too_large",
                                         concat("the evidence's ", what, ", ", size, " bytes"),
                                         concat("at most ", max, " bytes")});
}

Status check_quote_sizes(const QuoteEvidence& quote, ByteView event_log, Appraisal& appraisal) {
  APM_CHECK_OK(check_size("quote", quote.attest.size(), kAttestBytesMax, appraisal));
  APM_CHECK_OK(
      check_size("quote signature", quote.signature.size(), kSignatureBytesMax, appraisal));
  return check_size("event log", event_log.size(), kEventLogBytesMax, appraisal);
}

Status check_key_sizes(const AzureVtpmEvidence& evidence, Appraisal& appraisal) {
  APM_CHECK_OK(
      check_size("certification", evidence.certify_attest.size(), kAttestBytesMax, appraisal));
  return check_size("certification signature", evidence.certify_signature.size(),
                    kSignatureBytesMax, appraisal);
}

// ---- The hardware: an SNP report, or a TD quote ----

snp::Expectation expect_snp(const HclReport& hcl, const Expectation& expectation) {
  snp::Expectation expected;
  expected.anchors = expectation.anchors;
  expected.now_unix_s = expectation.now_unix_s;
  expected.report_data = expected_report_data(hcl);
  expected.report_data_stage = Stage::kBinding;
  expected.require_crl = expectation.require_crl;
  expected.floor = expectation.floor;
  return expected;
}

Result<snp::Claims> appraise_snp(const PlatformEvidence& evidence, const HclReport& hcl,
                                 const Expectation& expectation, Appraisal& appraisal) {
  return snp::appraise({hcl.hardware_report, evidence.endorsements, evidence.crl},
                       expect_snp(hcl, expectation), appraisal);
}

// The TDREPORT's own word for REPORTDATA proves nothing; it must be what the quote signs.
Status bind_td_quote(const TdVerdict& verdict, const HclReport& hcl, Appraisal& appraisal) {
  auto report = parse_td_report(hcl.hardware_report);
  APM_CHECK_OK(appraisal.require(report.ok() ? Status() : Status(report.error()), Stage::kFormat,
                                 "tdreport_malformed"));
  if (!appraisal.covers(Stage::kBinding)) return {};
  APM_CHECK_OK(appraisal.require(
      equal(verdict.report_data, report->report_data),
      {Stage::kBinding, "azure_td_report_data",
       concat("the TD quote's REPORTDATA ", hex_encode(verdict.report_data)),
       concat("that of the TDREPORT in the HCL report, ", hex_encode(report->report_data))}));
  const Bytes claims_hash = expected_report_data(hcl);
  return appraisal.require(equal(verdict.report_data, claims_hash),
                           {Stage::kBinding, "azure_td_report_data",
                            concat("the TD quote's REPORTDATA ", hex_encode(verdict.report_data)),
                            concat("the hash of the runtime claims, ", hex_encode(claims_hash))});
}

Result<TdVerdict> appraise_tdx(const PlatformEvidence& evidence, const HclReport& hcl,
                               const Expectation& expectation, Appraisal& appraisal) {
  APM_CHECK_OK(
      appraisal.require(expectation.verify_td_quote != nullptr,
                        {Stage::kFormat, "azure_tdx_unsupported", "the HCL report of a TDX machine",
                         "an SNP machine: TD quotes are not verified here"}));
  APM_CHECK_OK(appraisal.require(!evidence.td_quote.empty(),
                                 {Stage::kFormat, "azure_td_quote_missing",
                                  concat("a TD quote of ", evidence.td_quote.size(), " bytes"),
                                  "the TD quote of this machine's TDREPORT"}));
  APM_TRY(TdVerdict verdict, expectation.verify_td_quote(evidence.td_quote, appraisal));
  APM_CHECK_OK(bind_td_quote(verdict, hcl, appraisal));
  return verdict;
}

// ---- The paravisor's words, once their hash was found ----

Result<RuntimeClaims> read_runtime(const HclReport& hcl, Appraisal& appraisal) {
  auto runtime = parse_runtime_claims(hcl.runtime_claims);
  APM_CHECK_OK(appraisal.require(runtime.ok() ? Status() : Status(runtime.error()), Stage::kBinding,
                                 "runtime_claims_malformed"));
  return runtime;
}

// Compared as bytes, in the paravisor's form: filled with zeros to 64.
Status check_user_data(const RuntimeClaims& runtime, const Expectation& expected,
                       Appraisal& appraisal) {
  if (!expected.user_data || !appraisal.covers(Stage::kFreshness)) return {};
  const auto padded = [](Bytes bytes) {
    bytes.resize(std::max(bytes.size(), kHclUserDataBytesMax), 0);
    return bytes;
  };
  return appraisal.require(
      runtime.user_data && equal(padded(*runtime.user_data), padded(*expected.user_data)),
      {Stage::kFreshness, "runtime_claims_user_data",
       runtime.user_data ? concat("user-data ", hex_encode(*runtime.user_data)) : "no user-data",
       concat("the expected value ", hex_encode(*expected.user_data))});
}

void check_machine(const RuntimeClaims& runtime, const GuestFloor& floor, Appraisal& appraisal) {
  if (!appraisal.covers(Stage::kPolicy)) return;
  appraisal.expect(!floor.require_secure_boot || runtime.secure_boot.value_or(false),
                   {Stage::kPolicy, "azure_secure_boot_off",
                    concat("secure-boot ", runtime.secure_boot.value_or(false) ? "on" : "off"),
                    floor.require_secure_boot ? "on" : "any"});
  appraisal.expect(
      floor.allowed_vm_ids.empty() || floor.allowed_vm_ids.contains(to_lower(runtime.vm_id)),
      {Stage::kPolicy, "azure_vm_not_allowed", concat("VM ", runtime.vm_id),
       floor.allowed_vm_ids.empty() ? "any" : "a VM of the allow list"});
}

void check_pcr_values(const tpm::PcrValues& pcrs, const GuestFloor& floor, Appraisal& appraisal) {
  if (!appraisal.covers(Stage::kPolicy)) return;
  for (const auto& [index, allowed] : floor.allowed_pcrs) {
    const auto have = pcrs.find(index);
    const std::string value = have == pcrs.end() ? "not quoted" : hex_encode(have->second);
    appraisal.expect(have != pcrs.end() && allowed.contains(value),
                     {Stage::kPolicy, "tpm_pcr_not_allowed", concat("PCR ", index, " ", value),
                      "one of the allowed values"});
  }
}

// The shape alone, for a case file that stops before keys are known.
Result<tpm::Attest> parse_quote(const QuoteEvidence& quote, Appraisal& appraisal) {
  auto attest = tpm::parse_attest(quote.attest);
  APM_CHECK_OK(appraisal.require(attest.ok() ? Status() : Status(attest.error()), Stage::kFormat,
                                 "tpm_attest_malformed"));
  return attest;
}

// ---- The caller's key ----

Result<crypto::PublicKey> certified_key(const AzureVtpmEvidence& evidence,
                                        const RuntimeClaims& runtime,
                                        const Expectation& expectation, Appraisal& appraisal) {
  APM_TRY(const crypto::PublicKey ak, crypto::PublicKey::from_spki_der(runtime.ak_spki_der));
  APM_TRY(
      const tpm::Attest certified,
      tpm::verify_certify({evidence.certify_attest, evidence.certify_signature, ak},
                          {expectation.binding, tpm::object_name(evidence.key_public)}, appraisal));
  static_cast<void>(certified);
  auto key = tpm::check_login_key(evidence.key_public, evidence.quote.pcrs);
  APM_CHECK_OK(appraisal.require(key.ok() ? Status() : Status(key.error()), Stage::kBinding,
                                 "tpm_key_policy"));
  return key;
}

Result<Claims> appraise_quoted(const PlatformEvidence& platform, const QuoteEvidence& quote,
                               const Expectation& expectation, Appraisal& appraisal) {
  APM_TRY(PlatformClaims claims, appraise_platform(platform, expectation, appraisal));
  APM_TRY(tpm::Attest attest, appraise_quote(quote, claims.runtime, expectation, appraisal));
  check_pcr_values(quote.pcrs, expectation.guest, appraisal);
  return Claims{std::move(claims), std::move(attest), quote.pcrs, std::nullopt, {}};
}

Status add_identity(Claims& claims, ByteView event_log, const Expectation& expectation,
                    Appraisal& appraisal) {
  auto result = to_result(claims, event_log, expectation.allowed_public_signers);
  APM_CHECK_OK(appraisal.require(result.ok() ? Status() : Status(result.error()), Stage::kBinding,
                                 "identity_pcr_missing"));
  claims.result = std::move(*result);
  return {};
}

Result<Claims> appraise_login(const AzureVtpmEvidence& evidence, const Expectation& expectation,
                              Appraisal& appraisal) {
  APM_CHECK_OK(check_quote_sizes(evidence.quote, evidence.event_log, appraisal));
  APM_CHECK_OK(check_key_sizes(evidence, appraisal));
  APM_TRY(Claims claims,
          appraise_quoted(evidence.platform, evidence.quote, expectation, appraisal));
  if (!appraisal.covers(Stage::kBinding)) return claims;
  APM_TRY(claims.caller_key,
          certified_key(evidence, claims.platform.runtime, expectation, appraisal));
  APM_CHECK_OK(add_identity(claims, evidence.event_log, expectation, appraisal));
  return claims;
}

Result<Claims> appraise_stored(const QuotedPlatform& evidence, const Expectation& expectation,
                               Appraisal& appraisal) {
  APM_CHECK_OK(check_quote_sizes(evidence.quote, evidence.event_log, appraisal));
  APM_TRY(Claims claims,
          appraise_quoted(evidence.platform, evidence.quote, expectation, appraisal));
  if (!appraisal.covers(Stage::kBinding)) return claims;
  APM_CHECK_OK(add_identity(claims, evidence.event_log, expectation, appraisal));
  return claims;
}

// The first rule that failed, be it one that ended the appraisal or one of policy before it.
Result<Claims> verdict_of(Result<Claims> claims, const Appraisal& appraisal) {
  APM_CHECK_OK(appraisal.verdict());
  return claims;
}

}  // namespace

Result<PlatformClaims> appraise_platform(const PlatformEvidence& evidence,
                                         const Expectation& expectation, Appraisal& appraisal) {
  PlatformClaims claims;
  APM_TRY(claims.hcl, parse_hcl_report(evidence.hcl_report, appraisal));
  claims.hardware = claims.hcl.hardware;
  if (claims.hardware == Hardware::kSnp) {
    APM_TRY(claims.snp, appraise_snp(evidence, claims.hcl, expectation, appraisal));
  } else {
    APM_TRY(claims.tdx, appraise_tdx(evidence, claims.hcl, expectation, appraisal));
  }
  if (!appraisal.covers(Stage::kBinding)) return claims;
  APM_TRY(claims.runtime, read_runtime(claims.hcl, appraisal));
  APM_CHECK_OK(check_user_data(claims.runtime, expectation, appraisal));
  check_machine(claims.runtime, expectation.guest, appraisal);
  return claims;
}

Result<PlatformClaims> appraise_unrooted(ByteView hcl_report, Appraisal& appraisal) {
  PlatformClaims claims;
  APM_TRY(claims.hcl, parse_hcl_report(hcl_report, appraisal));
  claims.hardware = claims.hcl.hardware;
  if (claims.hardware == Hardware::kSnp) {
    APM_CHECK_OK(snp::parse_report(claims.hcl.hardware_report, appraisal));
  }
  auto claimed = claimed_report_data(claims.hcl);
  APM_CHECK_OK(appraisal.require(claimed.ok() ? Status() : Status(claimed.error()), Stage::kFormat,
                                 "tdreport_malformed"));
  if (!appraisal.covers(Stage::kBinding)) return claims;
  const Bytes wanted = expected_report_data(claims.hcl);
  const bool snp = claims.hardware == Hardware::kSnp;
  APM_CHECK_OK(appraisal.require(equal(*claimed, wanted),
                                 {Stage::kBinding, snp ? "snp_report_data" : "azure_td_report_data",
                                  concat("REPORT_DATA ", hex_encode(*claimed)),
                                  concat("the hash of the runtime claims, ", hex_encode(wanted))}));
  APM_TRY(claims.runtime, read_runtime(claims.hcl, appraisal));
  return claims;
}

Result<tpm::Attest> appraise_quote(const QuoteEvidence& quote, const RuntimeClaims& runtime,
                                   const Expectation& expectation, Appraisal& appraisal) {
  if (!appraisal.covers(Stage::kBinding)) return parse_quote(quote, appraisal);
  APM_TRY(const crypto::PublicKey ak, crypto::PublicKey::from_spki_der(runtime.ak_spki_der));
  return tpm::verify_quote({quote.attest, quote.signature, ak}, quote.pcrs,
                           {expectation.binding, expectation.required_pcrs}, appraisal);
}

Result<Claims> verify(const AzureVtpmEvidence& evidence, const Expectation& expectation,
                      Appraisal& appraisal) {
  return verdict_of(appraise_login(evidence, expectation, appraisal), appraisal);
}

Status check_unproved(const AzureVtpmEvidence& evidence, const Expectation& expectation,
                      Appraisal& appraisal) {
  APM_CHECK_OK(check_quote_sizes(evidence.quote, evidence.event_log, appraisal));
  APM_CHECK_OK(check_key_sizes(evidence, appraisal));
  APM_TRY(const HclReport hcl, parse_hcl_report(evidence.platform.hcl_report, appraisal));
  APM_CHECK_OK(snp::check_unproved(hcl.hardware_report, expect_snp(hcl, expectation), appraisal));
  APM_TRY(const RuntimeClaims runtime, read_runtime(hcl, appraisal));
  check_machine(runtime, expectation.guest, appraisal);
  APM_CHECK_OK(appraise_quote(evidence.quote, runtime, expectation, appraisal));
  check_pcr_values(evidence.quote.pcrs, expectation.guest, appraisal);
  if (!evidence.key_public.empty()) {
    APM_CHECK_OK(certified_key(evidence, runtime, expectation, appraisal));
  }
  return appraisal.verdict();
}

Result<Claims> verify_quoted(const QuotedPlatform& evidence, const Expectation& expectation,
                             Appraisal& appraisal) {
  return verdict_of(appraise_stored(evidence, expectation, appraisal), appraisal);
}

}  // namespace apm::attestation::azure_vtpm
