#pragma once

// Whether a request's parameters keep within a rule's required, denied and allowed ones.
// Names compare in lower case. "*" at either end of a wanted string stands for anything there.
// What is allowed must have the wanted type; what is denied is denied in every spelling of the same
// value (5, "5" and 5.0; also as an element of a list).

#include "base/json.h"
#include "policy/acl_policy.h"

namespace apm::policy {

[[nodiscard]] bool parameters_pass(const PathRule& rule, const json::Object& parameters);

}  // namespace apm::policy
