#include "workload/evidence.h"

#include "attestation/login_binding.h"
#include "base/encoding.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "workload/limits.h"

namespace apm::workload {

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

json::Object login_body(const Evidence& evidence, ByteView nonce,
                        const std::string& vcek_chain_pem) {
  json::Object pcrs;
  for (const auto& [index, value] : evidence.pcrs) {
    pcrs.set(std::to_string(index), hex_encode(value));
  }
  const auto signed_structure = [](const tee::Signed& s) {
    return json::Object{{"attest", base64_encode(s.attest)},
                        {"signature", base64_encode(s.signature)}};
  };
  return json::Object{{"family", "azure-snp-vtpm"},
                      {"nonce", base64url_encode(nonce)},
                      {"hcl_report", base64_encode(evidence.hcl_report)},
                      {"vcek_chain", vcek_chain_pem},
                      {"quote", signed_structure(evidence.quote)},
                      {"pcrs", std::move(pcrs)},
                      {"key_public", base64_encode(evidence.key.tpmt_public)},
                      {"key_certify", signed_structure(evidence.certify)},
                      {"event_log", base64_encode(evidence.event_log)}};
}

}  // namespace apm::workload
