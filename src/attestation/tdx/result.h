#pragma once

// From verified TDX claims to the result that every family gives: claims in EAT's words, anchor and
// identity (docs/identity.md). Pure; any thread.
//
// A TD has no Signer ID: MROWNER and MROWNERCONFIG are inputs of whoever starts the TD. The module
// reports them and checks no signature over them, so a host could name any owner it likes.
// Reasons: tdx_identity_unmeasured (kRefused); of the signer that does not exist: tdx_no_signer.

#include <string>

#include "attestation/claims.h"
#include "attestation/tdx/verify.h"

namespace apm::attestation::tdx {

// 64 lower-case hex digits. Refused when RTMR0 to RTMR3 are all zero: then nothing beyond the
// launch image was measured, and on Azure that image is Microsoft's paravisor, the same for all.
[[nodiscard]] Result<std::string> enclave_id(const TdReport& report);

// Maker and model in EAT's words, for evidence of another family that a TD quote is part of.
[[nodiscard]] json::Object hardware_claims();

[[nodiscard]] Result<EvidenceResult> result_of(const Claims& claims);

}  // namespace apm::attestation::tdx
