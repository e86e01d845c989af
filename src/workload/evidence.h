#pragma once

// Evidence of this machine for one challenge, from its TPM and from IMDS: Azure's confidential VMs,
// of either kind. One thread.

#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "net/http_client.h"
#include "tee/tpm.h"

namespace apm::workload {

struct EvidenceRequest {
  Bytes nonce;
  std::string cluster_id;
  Bytes server_key_sha256;
  std::vector<unsigned> pcrs;
  std::string event_log_path;
};

struct Evidence {
  tee::PcrBoundKey key;
  Bytes unique;   // SHA-256(nonce): goes into the key's template
  Bytes binding;  // what the TPM signed
  Bytes hcl_report;
  tee::Signed quote;
  tee::Signed certify;
  tee::PcrValues pcrs;
  Bytes event_log;
};

[[nodiscard]] Result<Evidence> collect_evidence(tee::Tpm& tpm, const EvidenceRequest& request);

// What a file of evidence holds: no login, so no key, but a value of the caller's in the quote.
struct MachineQuote {
  Bytes hcl_report;
  tee::Signed quote;  // of all PCRs
  tee::PcrValues pcrs;
  Bytes event_log;  // empty when the kernel shows none
};
// kUnavailable "tpm_pcrs_changed" when the PCRs would not hold still.
[[nodiscard]] Result<MachineQuote> quote_machine(tee::Tpm& tpm, ByteView nonce,
                                                 const std::string& event_log_path);

// The VCEK, then ASK and ARK, as this machine's host gives them (THIM). PEM.
[[nodiscard]] Result<std::string> fetch_vcek_chain(net::HttpClient& client,
                                                   const std::string& imds_endpoint);

// What vouches for the hardware beneath the TPM.
struct Platform {
  std::string family;          // the word of the login request
  std::string vcek_chain_pem;  // of an SNP machine
  Bytes td_quote;              // of a TDX machine
};
// By the kind of machine that the HCL report names. Errors: those of parse_hcl_report, of
// td_quote.h, and "thim_unavailable".
[[nodiscard]] Result<Platform> fetch_platform(net::HttpClient& client,
                                              const std::string& imds_endpoint,
                                              ByteView hcl_report);

// The body of the login request (docs/formats/attested-login.md). `collateral`: Intel's documents
// for a TD quote, where the server has none of its own; may be empty.
[[nodiscard]] json::Object login_body(const Evidence& evidence, ByteView nonce,
                                      const Platform& platform, const std::string& collateral);

}  // namespace apm::workload
