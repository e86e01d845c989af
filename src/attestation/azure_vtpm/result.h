#pragma once

// The family-independent result of a verified Azure vTPM machine (docs/claims.md). Pure.
// Errors: kRefused identity_pcr_missing or bootloader_pcrs_not_quoted.

#include <set>
#include <string>

#include "attestation/azure_vtpm/verify.h"

namespace apm::attestation::azure_vtpm {

[[nodiscard]] Result<EvidenceResult> to_result(const Claims& claims, ByteView event_log,
                                               const std::set<std::string>& allowed_public);

// The object "tpm": PCRs, counters and clock of a verified quote.
[[nodiscard]] json::Object tpm_claims(const tpm::Attest& quote, const tpm::PcrValues& pcrs);

}  // namespace apm::attestation::azure_vtpm
