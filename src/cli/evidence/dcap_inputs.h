#pragma once

// The inputs about Intel that SGX, TDX and Azure's TDX evidence share.

#include <optional>

#include "attestation/dcap/verify.h"
#include "cli/evidence/case.h"

namespace apm::cli::evidence {

// The case's root is then the only anchor; without one, Intel's.
[[nodiscard]] Result<attestation::dcap::Anchors> intel_anchors(const Case& c);
// One file (collateral), or the separate ones; nothing when the case has none.
[[nodiscard]] Result<std::optional<attestation::dcap::Collateral>> intel_collateral(const Case& c);

}  // namespace apm::cli::evidence
