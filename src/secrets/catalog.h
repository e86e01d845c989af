#pragma once

// Which secret engines there are, by the type names that operators use. Pure; any thread.

#include <map>
#include <memory>
#include <string>

#include "barrier/barrier.h"
#include "base/clock.h"
#include "base/result.h"
#include "logical/backend.h"

namespace apm::secrets {

// "kv" (version 1), "kv-v1", "generic", "cubbyhole". kInvalidArgument "engine_unknown" or
// "engine_option" otherwise.
[[nodiscard]] Result<std::unique_ptr<logical::Backend>> make_engine(
    const std::string& type, const std::map<std::string, std::string>& options, barrier::View view,
    const Clock& clock);

}  // namespace apm::secrets
