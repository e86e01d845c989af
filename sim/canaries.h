#pragma once

// The secrets of a deployment that a test looks for where they must not be: what the simulated
// vault can open with the master key that it holds. For the control API alone. Pure.

#include "sim/state.h"

namespace apm::sim {

// {"canaries":[{"name","hex"}]}: the private number of the master key and of the server's TLS key,
// the factors of both, the PFX password, the storage key. Nothing in it is public.
[[nodiscard]] Result<json::Value> canaries_of(const VaultData& data);

}  // namespace apm::sim
