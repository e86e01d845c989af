#pragma once

// For tests: what a guest of a simulated VM would send to the attestation service, collected from a
// real software TPM with raw commands. The transfer key stays loaded until flush().

#include <string>

#include "base/clock.h"
#include "base/encoding.h"
#include "crypto/digest.h"
#include "sim/hcl_report.h"
#include "sim/limits.h"
#include "sim/tpm_vm.h"

namespace apm::sim {

struct GuestEvidence {
  json::Value info;
  std::uint32_t transfer_key = 0;
};

inline Result<GuestEvidence> collect_evidence(TpmVm& vm, const Hardware& hardware) {
  APM_TRY(TpmWire tpm, TpmWire::connect(vm.tpm_path()));
  const std::vector<unsigned> set{0, 1, 2, 3, 4, 5, 6, 7};
  const Bytes selection = pcr_selection(set);
  json::Array pcr_set, pcrs;
  Bytes all;
  for (const unsigned pcr : set) {
    APM_TRY(const Bytes value, tpm.read_pcr(pcr));
    append(all, value);
    pcr_set.emplace_back(pcr);
    pcrs.emplace_back(json::Object{{"Index", pcr}, {"Digest", base64_encode(value)}});
  }
  Bytes policy(32, 0);
  append(policy, Bytes{0, 0, 1, 0x7F});
  append(policy, selection);
  append(policy, crypto::sha256(all));
  APM_TRY(const PrimaryKey key, tpm.create_primary(kNullHierarchy, TpmWire::KeyKind::kPcrDecrypt,
                                                   crypto::sha256(policy)));
  APM_TRY(const TpmWire::Attest quote, tpm.quote(kAkHandle, selection));
  APM_TRY(const TpmWire::Attest certify, tpm.certify(key.handle, kAkHandle));
  APM_CHECK_OK(tpm.flush(key.handle));
  APM_TRY(const Bytes ak_certificate, tpm.read_nv(kAkCertificateNv));
  APM_TRY(const PrimaryKey ak, tpm.create_primary(kOwner, TpmWire::KeyKind::kSigning));
  APM_CHECK_OK(tpm.flush(ak.handle));
  APM_TRY(const Bytes hcl, tpm.read_nv(kHclReportNv));
  APM_TRY(const HclParts parts, split_hcl_report(hcl));
  APM_TRY(const Bytes log, read_file(vm.event_log_path(), kFileBytesMax));
  const std::string chain = hardware.vcek.certificate.pem() + hardware.amd_chain_pem();
  const json::Object proof{{"SnpReport", base64url_encode(parts.snp_report)},
                           {"VcekCertChain", base64_encode(as_bytes(chain))}};
  const auto text = [](std::string_view t) { return json::Value(base64_encode(as_bytes(t))); };
  const json::Object tpm_info{{"AikCert", base64_encode(ak_certificate)},
                              {"AikPub", base64_encode(ak.tpm2b_public)},
                              {"PcrQuote", base64_encode(quote.attest)},
                              {"PcrSignature", base64_encode(quote.signature)},
                              {"EncKeyPub", base64_encode(key.tpm2b_public)},
                              {"EncKeyCertifyInfo", base64_encode(certify.attest)},
                              {"EncKeyCertifyInfoSignature", base64_encode(certify.signature)},
                              {"PcrSet", std::move(pcr_set)},
                              {"PCRs", std::move(pcrs)}};
  GuestEvidence out;
  out.info = json::Object{
      {"AttestationProtocolVersion", "2.0"},
      {"OSType", text("Linux")},
      {"OSDistro", text("Debian GNU/Linux")},
      {"OSBuild", text("NotApplication")},
      {"OSVersionMajor", 12},
      {"OSVersionMinor", 0},
      {"TcgLogs", base64_encode(log)},
      {"ClientPayload", json::Object{{"nonce", base64_encode(as_bytes("n1"))}}},
      {"TpmInfo", tpm_info},
      {"IsolationInfo",
       json::Object{{"Type", "SevSnp"},
                    {"Evidence", json::Object{{"Proof", text(json::write(proof))},
                                              {"RunTimeData", text(parts.runtime)}}}}}};
  return out;
}

}  // namespace apm::sim
