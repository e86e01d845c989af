#pragma once

// The least that a key's release policy must demand before this server trusts the key. Pure.

#include <string>

#include "base/json.h"
#include "base/result.h"

namespace apm::skr {

// Every way to satisfy the policy must demand a confidential VM: an isolation-tee attestation type
// of AMD SEV-SNP or Intel TDX, and Azure's compliance status; and every authority must be an Azure
// attestation host. kRefused "release_policy_malformed", "release_policy_authority" or
// "release_policy_floor".
[[nodiscard]] Status check_policy_floor(const json::Value& policy);

}  // namespace apm::skr
