#pragma once

// Evidence of this machine for one challenge, from its TPM and from IMDS. One thread.

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

// The VCEK, then ASK and ARK, as this machine's host gives them (THIM). PEM.
[[nodiscard]] Result<std::string> fetch_vcek_chain(net::HttpClient& client,
                                                   const std::string& imds_endpoint);

// The body of the login request (docs/formats/attested-login.md).
[[nodiscard]] json::Object login_body(const Evidence& evidence, ByteView nonce,
                                      const std::string& vcek_chain_pem);

}  // namespace apm::workload
