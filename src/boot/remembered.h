#pragma once

// What one boot keeps for the next, behind the barrier: the hash of the master key's release
// policy, so that a policy loosened later is noticed and named; and which service keys the
// environment gave last, so that an operator's later change of them stays. One thread.

#include <functional>
#include <string>

#include "api/core.h"
#include "base/json.h"
#include "base/log.h"
#include "base/result.h"

namespace apm::boot {

inline constexpr const char* kReleasePolicyPath = "core/release-policy";
inline constexpr const char* kEnvironmentKeysPath = "core/environment-keys";

struct ReleasedFacts {
  std::string kid;
  std::string policy_sha256;
};
// Compares with what was kept, warns of another policy naming both, and keeps the new one beside
// the old. kCorrupt "release_policy_record".
[[nodiscard]] Result<api::MasterKeyFacts> remember_release_policy(barrier::Barrier& barrier,
                                                                  const ReleasedFacts& released,
                                                                  const Clock& clock, Log& log);

struct EnvironmentKeys {
  std::string mount_id;  // of the method that takes them: a method made anew is given all again
  json::Object values;   // texts by config name
};
// Calls `apply` with those that are not what the environment gave at an earlier boot, and keeps
// their hashes once that succeeded.
[[nodiscard]] Status apply_environment_keys(barrier::Barrier& barrier, const EnvironmentKeys& keys,
                                            const std::function<Status(json::Object)>& apply);

}  // namespace apm::boot
