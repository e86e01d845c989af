#include "workload/evidence.h"

#include <numeric>

#include "attestation/azure_vtpm/verify.h"
#include "attestation/login_binding.h"
#include "base/encoding.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "tee/limits.h"
#include "workload/limits.h"
#include "workload/td_quote.h"

namespace apm::workload {

namespace azure = attestation::azure_vtpm;

Result<Evidence> collect_evidence(tee::Tpm& tpm, const EvidenceRequest& request) {
  Evidence evidence;
  evidence.unique = crypto::sha256(request.nonce);
  APM_TRY(evidence.hcl_report, tpm.read_nv(tee::kAzureHclReportNv));
  APM_TRY(evidence.key, tpm.make_pcr_bound_key(request.pcrs, evidence.unique));
  evidence.binding = attestation::login_binding(
      {request.nonce, request.cluster_id, request.server_key_sha256, evidence.key.name});
  APM_TRY(evidence.certify,
          tpm.certify(evidence.key, evidence.unique, tee::kAzureAkHandle, evidence.binding));
  APM_TRY(evidence.quote, tpm.quote(request.pcrs, tee::kAzureAkHandle, evidence.binding));
  APM_TRY(evidence.pcrs, tpm.read_pcrs(request.pcrs));
  APM_TRY(evidence.event_log, tee::read_event_log(request.event_log_path));
  return evidence;
}

Result<MachineQuote> quote_machine(tee::Tpm& tpm, ByteView nonce,
                                   const std::string& event_log_path) {
  std::vector<unsigned> all(tee::kPcrCount);
  std::iota(all.begin(), all.end(), 0U);
  MachineQuote out;
  APM_TRY(out.hcl_report, tpm.read_nv(tee::kAzureHclReportNv));
  // A kernel that measures while it runs (IMA) extends PCR 10 at any time.
  for (int attempt = 1; attempt <= kAttemptsMax; ++attempt) {
    APM_TRY(out.pcrs, tpm.read_pcrs(all));
    APM_TRY(out.quote, tpm.quote(all, tee::kAzureAkHandle, nonce));
    APM_TRY(const tee::PcrValues after, tpm.read_pcrs(all));
    if (after != out.pcrs) continue;
    APM_TRY(out.event_log, tee::read_event_log(event_log_path));
    return out;
  }
  return Error(Code::kUnavailable, "tpm_pcrs_changed",
               "the PCRs changed while the TPM was quoting them, time and again. Something on this "
               "machine measures all the time (IMA?): try when it is idle");
}

Result<std::string> fetch_vcek_chain(net::HttpClient& client, const std::string& imds_endpoint) {
  net::Request request;
  request.url = concat(imds_endpoint, "/metadata/THIM/amd/certification");
  request.headers.emplace_back("Metadata", "true");
  request.what = "IMDS: this machine's VCEK chain";
  request.retry.attempts_max = kAttemptsMax;
  request.retry.more_statuses = {404};  // not there yet
  APM_TRY(const net::Response answer, client.send(request, Deadline::after(kImdsTimeout)));
  if (answer.status != 200) {
    return Error(Code::kUnavailable, "thim_unavailable",
                 concat("IMDS gives no VCEK chain: HTTP ", answer.status));
  }
  APM_TRY(const json::Value body, json::parse(answer.body));
  APM_TRY(const std::string vcek, json::require_string(body, "vcekCert"));
  APM_TRY(const std::string chain, json::require_string(body, "certificateChain"));
  return concat(vcek, vcek.ends_with('\n') ? "" : "\n", chain);
}

Result<Platform> fetch_platform(net::HttpClient& client, const std::string& imds_endpoint,
                                ByteView hcl_report) {
  attestation::Appraisal appraisal;
  APM_TRY(const azure::HclReport hcl, azure::parse_hcl_report(hcl_report, appraisal));
  Platform platform;
  if (hcl.hardware == azure::Hardware::kTdx) {
    platform.family = azure::kTdxFamily;
    APM_TRY(platform.td_quote, fetch_td_quote(client, imds_endpoint, hcl_report));
  } else {
    platform.family = azure::kFamily;
    APM_TRY(platform.vcek_chain_pem, fetch_vcek_chain(client, imds_endpoint));
  }
  return platform;
}

json::Object login_body(const Evidence& evidence, ByteView nonce, const Platform& platform,
                        const std::string& collateral) {
  json::Object pcrs;
  for (const auto& [index, value] : evidence.pcrs) {
    pcrs.set(std::to_string(index), hex_encode(value));
  }
  const auto signed_structure = [](const tee::Signed& s) {
    return json::Object{{"attest", base64_encode(s.attest)},
                        {"signature", base64_encode(s.signature)}};
  };
  json::Object body{{"family", platform.family},
                    {"nonce", base64url_encode(nonce)},
                    {"hcl_report", base64_encode(evidence.hcl_report)},
                    {"quote", signed_structure(evidence.quote)},
                    {"pcrs", std::move(pcrs)},
                    {"key_public", base64_encode(evidence.key.tpmt_public)},
                    {"key_certify", signed_structure(evidence.certify)},
                    {"event_log", base64_encode(evidence.event_log)}};
  if (!platform.vcek_chain_pem.empty()) body.set("vcek_chain", platform.vcek_chain_pem);
  if (platform.td_quote.empty()) return body;
  body.set("td_quote", base64_encode(platform.td_quote));
  if (!collateral.empty()) body.set("collateral", collateral);
  return body;
}

}  // namespace apm::workload
