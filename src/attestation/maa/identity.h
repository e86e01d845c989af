#pragma once

// Enclave ID and Signer ID of what a Microsoft Azure Attestation token speaks for
// (docs/identity.md). Which claims say what runs there depends on the TEE. Pure; any thread.
//
// Reasons, of an Enclave ID (kRefused): identity_pcr_missing, bootloader_pcrs_not_quoted (azurevm:
// the token does not hold the PCRs that say which image booted), identity_platform_only (a VM
// whose registers name Microsoft's firmware and nothing of the customer's).
// Of a Signer ID that does not exist: signer_is_platform, signer_zero.

#include <string>

#include "attestation/claims.h"
#include "attestation/maa/token.h"
#include "base/result.h"

namespace apm::attestation::maa {

[[nodiscard]] Result<std::string> enclave_id(const Token& token);
[[nodiscard]] SignerVerdict signer_of(const Token& token);

}  // namespace apm::attestation::maa
