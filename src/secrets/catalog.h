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

// The type and options of a mount, as they are kept and shown.
struct EngineType {
  std::string type;
  std::map<std::string, std::string> options;
};

// "kv-v1" and "kv-v2" are other names for "kv" with an option, as in Vault: clients tell the
// versions apart by the option alone. kInvalidArgument "engine_option" when both say different
// versions.
[[nodiscard]] Result<EngineType> plain_type(EngineType asked);

// "1" or "2" of a "kv" mount, "1" for all others.
[[nodiscard]] std::string engine_version(const EngineType& engine);

// "kv" (version 1 unless the option version says 2), "kv-v1", "generic", "cubbyhole".
// kInvalidArgument "engine_unknown" or "engine_option" otherwise.
[[nodiscard]] Result<std::unique_ptr<logical::Backend>> make_engine(
    const std::string& type, const std::map<std::string, std::string>& options, barrier::View view,
    const Clock& clock);

}  // namespace apm::secrets
