#pragma once

// Key Vault's release policies: the service's re-serialised form, and their evaluation over the
// claims of a token (azure.md section 12.4; only `equals` exists). Pure; any thread.

#include <string>

#include "base/json.h"
#include "base/result.h"

namespace apm::sim {

// Members in the service's order, no white space. kInvalidArgument "release_policy" when it is no
// policy of the grammar.
[[nodiscard]] Result<std::string> normalise_policy(std::string_view text);

struct PolicyVerdict {
  bool authority_known = false;  // an authority of the policy is the token's issuer
  bool satisfied = false;
};
[[nodiscard]] PolicyVerdict evaluate_policy(const json::Value& policy, const std::string& issuer,
                                            const json::Value& claims);

}  // namespace apm::sim
