#pragma once

// The evidence of a login by a token of Microsoft Azure Attestation: the provider appraises this
// machine's evidence, and its token carries the challenge and names the TPM key of this login
// (docs/formats/attested-login.md). All PCRs of the challenge are attested: a token with fewer says
// too little of what runs here. SNP machines only. Asks the TPM, IMDS and the provider; one thread.
//
// Errors: those of skr/guest_evidence.h, skr/maa_answer.h, azure/maa.h, azure/imds.h and tee/tpm.h;
// kUnavailable "maa_keys_unavailable".

#include <string>
#include <vector>

#include "attestation/login_binding.h"
#include "base/json.h"
#include "base/result.h"
#include "tee/tpm.h"

namespace apm::workload {

// Where the provider is; what stands behind the url is for clouds of one's own.
struct MaaSource {
  std::string url;
  std::string ca_file;     // PEM; empty: the system's store
  std::string connect_to;  // "HOST:PORT" instead of the provider's own
};

struct MaaLoginRequest {
  MaaSource source;
  std::string imds_endpoint;
  std::string event_log_path;
  attestation::LoginBinding challenge;  // its key_name is not read: the key is made here
  std::vector<unsigned> pcrs;
};

struct MaaLogin {
  tee::PcrBoundKey key;
  Bytes unique;  // of its template
  Bytes binding;
  json::Object body;  // of the login request
};

[[nodiscard]] Result<MaaLogin> prepare_maa_login(tee::Tpm& tpm, const MaaLoginRequest& request);

}  // namespace apm::workload
