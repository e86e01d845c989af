#pragma once

// Enclave ID and Signer ID (docs/identity.md, version 1). Computable offline from PCR values and
// an event log. Pure; any thread.
//
// Reasons (kRefused): identity_pcr_missing, bootloader_pcrs_not_quoted; and of a signer that does
// not exist: event_log_missing, event_log_malformed, event_log_mismatch, secure_boot_off,
// signer_event_missing, signer_event_not_authentic, signer_event_malformed, signer_ambiguous,
// signer_is_public.

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "attestation/claims.h"
#include "attestation/tpm/attest.h"
#include "attestation/tpm/event_log.h"
#include "base/result.h"

namespace apm::attestation {

// The PCRs that the identity covers, and those that a login quotes.
[[nodiscard]] const std::vector<unsigned>& identity_pcrs();
[[nodiscard]] const std::vector<unsigned>& login_pcrs();

// 64 lower-case hex digits.
[[nodiscard]] Result<std::string> azure_vtpm_enclave_id(const tpm::PcrValues& pcrs);

// `allowed_public`: signer ids that are accepted although they are on the list of public signers.
[[nodiscard]] SignerVerdict azure_vtpm_signer(ByteView event_log, const tpm::PcrValues& quoted,
                                              const std::set<std::string>& allowed_public = {});

// Whether a certificate belongs to a signer whose signature anyone can get or has: Microsoft's
// and the distributions' Secure Boot authorities, by the common names of subject and issuer.
[[nodiscard]] bool is_public_signer(std::string_view subject_cn, std::string_view issuer_cn);

}  // namespace apm::attestation
