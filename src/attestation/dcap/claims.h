#pragma once

// What SGX and TDX claims have in common: the platform and its status. Pure; any thread.

#include "attestation/dcap/verify.h"
#include "base/json.h"

namespace apm::attestation::dcap {

// The names of EAT (attestation/claims.h) for maker and model.
[[nodiscard]] json::Object hardware_claims(std::string_view model);

// All the names of EAT: profile, nonce (REPORTDATA), maker, model, debug status.
[[nodiscard]] json::Object common_claims(const Evidence& evidence, std::string_view model,
                                         bool debug);

// Members that were not looked at (an appraisal that stopped early) are absent.
[[nodiscard]] json::Object platform_claims(const Evidence& evidence);

}  // namespace apm::attestation::dcap
