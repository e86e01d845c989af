#pragma once

// OpenSSL's start-up: wiping allocator, algorithms fetched once, no configuration file or engine
// from the environment. Call first in main(), before any thread.

#include "base/result.h"

namespace apm::crypto {

[[nodiscard]] Status start_library();

}  // namespace apm::crypto
