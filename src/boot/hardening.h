#pragma once

// What a process that holds keys does before anything else: no core dumps, no tracing by others,
// the secret pool locked, and all memory locked unless disable_mlock. Each failure is named.

#include "base/result.h"

namespace apm::boot {

[[nodiscard]] Status harden_process();
[[nodiscard]] Status lock_all_memory();

}  // namespace apm::boot
