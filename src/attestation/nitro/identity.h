#pragma once

// Enclave ID and Signer ID of an AWS Nitro enclave (docs/identity.md). Computable offline from the
// PCR values that `nitro-cli build-enclave` prints. Pure; any thread.
//
// Reasons: identity_pcr_missing, identity_debug (kRefused, no Enclave ID); signer_pcr_zero,
// signer_pcr_missing (no Signer ID).

#include <map>
#include <string>

#include "attestation/claims.h"
#include "base/bytes.h"
#include "base/result.h"

namespace apm::attestation::nitro {

using PcrValues = std::map<unsigned, Bytes>;

// Over PCR 0, 1 and 2. 64 lower-case hex digits.
[[nodiscard]] Result<std::string> enclave_id(const PcrValues& pcrs);
// Of PCR 8, the hash of the certificate that signed the enclave image.
[[nodiscard]] SignerVerdict signer_of(const PcrValues& pcrs);

}  // namespace apm::attestation::nitro
