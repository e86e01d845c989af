#pragma once

// From an Intel SGX quote (version 3; 4 and 5 with an enclave's body) and collateral to claims
// about an enclave. Pure: bytes and a time in, claims or a refusal out; any thread.
// Reasons beside those of dcap/: sgx_not_initialised, sgx_debug, sgx_mrenclave, sgx_mrsigner,
// sgx_prod_id, sgx_svn_too_old, sgx_config_id.

#include <optional>

#include "attestation/dcap/verify.h"
#include "base/json.h"

namespace apm::attestation::sgx {

// What a relying party asks of an enclave. An empty list allows any; values in lower-case hex.
struct Floor {
  dcap::Floor platform;
  bool allow_debug = false;
  dcap::Values mr_enclave, mr_signer, config_id;
  std::optional<std::uint16_t> isv_prod_id;
  std::uint16_t isv_svn_min = 0;
};

struct Claims {
  dcap::Evidence evidence;
  dcap::EnclaveReport report;
};

[[nodiscard]] Result<Claims> verify(ByteView quote, const dcap::Collateral* collateral,
                                    const dcap::Expectation& expectation, const Floor& floor,
                                    Appraisal& appraisal);

// The family's own claims, kept under "sgx".
[[nodiscard]] json::Object own_claims(const Claims& claims);

}  // namespace apm::attestation::sgx
