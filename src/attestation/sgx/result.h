#pragma once

// From verified SGX claims to the result that every family gives: claims in EAT's words, anchor and
// identity (docs/identity.md): MRENCLAVE and MRSIGNER as they are. Pure; any thread.
// Reason of a signer that does not exist: sgx_no_signer (MRSIGNER is zero).

#include "attestation/claims.h"
#include "attestation/sgx/verify.h"

namespace apm::attestation::sgx {

[[nodiscard]] EvidenceResult result_of(const Claims& claims);

}  // namespace apm::attestation::sgx
