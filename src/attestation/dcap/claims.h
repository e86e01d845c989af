#pragma once

// What SGX and TDX claims have in common: the platform and its status.

#include "attestation/dcap/verify.h"
#include "base/json.h"

namespace apm::attestation::dcap {

// Members that were not looked at (an appraisal that stopped early) are absent.
[[nodiscard]] json::Object platform_claims(const Evidence& evidence);

}  // namespace apm::attestation::dcap
