#include "attestation/azure_vtpm/verify.h"

#include "attestation/limits.h"
#include "attestation/tpm/public_area.h"
#include "base/encoding.h"
#include "base/text.h"

namespace apm::attestation::azure_vtpm {
namespace {

Error too_large(std::string_view what) {
  return Error(Code::kRefused, "evidence_too_large",
               concat("the evidence's ", what, " is too large"));
}

Status check_sizes(const AzureVtpmEvidence& evidence) {
  if (evidence.quote_attest.size() > kAttestBytesMax ||
      evidence.certify_attest.size() > kAttestBytesMax) {
    return too_large("attestation structure");
  }
  if (evidence.quote_signature.size() > kSignatureBytesMax ||
      evidence.certify_signature.size() > kSignatureBytesMax) {
    return too_large("signature");
  }
  if (evidence.event_log.size() > kEventLogBytesMax) return too_large("event log");
  return {};
}

json::Object tcb_facts(const snp::Tcb& tcb) {
  return json::Object{{"fmc", unsigned{tcb.fmc}},
                      {"bootloader", unsigned{tcb.bootloader}},
                      {"tee", unsigned{tcb.tee}},
                      {"snp", unsigned{tcb.snp}},
                      {"microcode", unsigned{tcb.microcode}}};
}

json::Object make_facts(const PlatformClaims& platform, const tpm::PcrValues& pcrs,
                        const SignerVerdict& signer) {
  const snp::Report& report = platform.snp.report;
  json::Object values;
  for (const auto& [index, value] : pcrs) values.set(std::to_string(index), hex_encode(value));
  json::Object facts{{"family", kFamily},
                     {"trust_anchor", platform.snp.anchor},
                     {"product", snp::product_name(platform.snp.product)},
                     {"snp_report_version", report.version},
                     {"guest_svn", report.guest_svn},
                     {"reported_tcb", tcb_facts(platform.snp.reported)},
                     {"platform_info", report.platform_info},
                     {"guest_policy", report.policy.raw},
                     {"vmpl", report.vmpl},
                     {"launch_measurement", hex_encode(report.measurement)},
                     {"chip_id", hex_encode(report.chip_id)},
                     {"vm_configuration", platform.runtime.vm_configuration},
                     {"pcrs", std::move(values)}};
  if (signer.exists()) facts.set("signer_common_name", signer.common_name);
  return facts;
}

}  // namespace

Result<PlatformClaims> verify_platform(ByteView hcl_report, std::string_view vcek_chain_pem,
                                       const Expectation& expectation) {
  APM_TRY(const HclReport hcl, parse_hcl_report(hcl_report));
  snp::Expectation expected;
  expected.anchors = expectation.anchors;
  expected.now_unix_s = expectation.now_unix_s;
  expected.report_data = expected_report_data(hcl);
  expected.floor = expectation.floor;
  APM_TRY(snp::Claims snp, snp::verify(hcl.hardware_report, vcek_chain_pem, expected));
  // Only now are the claims known to be the paravisor's own words.
  APM_TRY(RuntimeClaims runtime, parse_runtime_claims(hcl.runtime_claims));
  return PlatformClaims{std::move(snp), std::move(runtime)};
}

Result<Claims> verify(const AzureVtpmEvidence& evidence, const Expectation& expectation) {
  APM_CHECK_OK(check_sizes(evidence));
  APM_TRY(PlatformClaims platform,
          verify_platform(evidence.hcl_report, evidence.vcek_chain_pem, expectation));
  APM_TRY(const crypto::PublicKey ak,
          crypto::PublicKey::from_spki_der(platform.runtime.ak_spki_der));
  APM_TRY(const tpm::Attest quote,
          tpm::verify_quote(evidence.quote_attest, evidence.quote_signature, ak, evidence.pcrs,
                            {expectation.binding, expectation.required_pcrs}));
  APM_TRY(const tpm::Attest certified,
          tpm::verify_certify(evidence.certify_attest, evidence.certify_signature, ak,
                              {expectation.binding, tpm::object_name(evidence.key_public)}));
  APM_TRY(crypto::PublicKey caller_key, tpm::check_login_key(evidence.key_public, evidence.pcrs));
  APM_TRY(std::string enclave_id, azure_vtpm_enclave_id(evidence.pcrs));
  SignerVerdict signer =
      azure_vtpm_signer(evidence.event_log, evidence.pcrs, expectation.allowed_public_signers);
  json::Object facts = make_facts(platform, evidence.pcrs, signer);
  return Claims{std::move(platform), evidence.pcrs,         std::move(enclave_id),
                std::move(signer),   std::move(caller_key), std::move(facts)};
}

}  // namespace apm::attestation::azure_vtpm
