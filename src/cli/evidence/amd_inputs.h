#pragma once

// The inputs about AMD that direct SNP evidence and Azure's share.

#include "attestation/snp/verify.h"
#include "cli/evidence/case.h"

namespace apm::cli::evidence {

// The case's root is then the only anchor; without one, AMD's.
[[nodiscard]] Result<attestation::snp::Anchors> amd_anchors(const Case& c);
// vek and intermediate, or thim; empty when the case has none.
[[nodiscard]] Result<attestation::snp::Endorsements> amd_endorsements(const Case& c);
// Safe defaults. A case file judges captures: VLEK and any VMPL pass unless it says otherwise.
[[nodiscard]] Result<attestation::snp::Floor> snp_floor(const Case& c);

}  // namespace apm::cli::evidence
