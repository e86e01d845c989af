#pragma once

// The verbs of anjuna-policy-manager: secrets and authorisations for administrators, fetch and run
// for workloads, verify and identify for anybody.

#include <vector>

#include "cli/session.h"

namespace apm::cli {

[[nodiscard]] std::vector<Verb> admin_verbs();
[[nodiscard]] std::vector<Verb> secret_verbs();  // secret create|get|update|list|delete
[[nodiscard]] std::vector<Verb>
authorization_verbs();  // authorize enclave|signer, revoke, authorizations
[[nodiscard]] std::vector<Verb> workload_verbs();  // fetch, run, whoami
[[nodiscard]] std::vector<Verb> evidence_verbs();  // verify, identify
[[nodiscard]] std::vector<Verb> explain_verbs();   // explain, authorize --dry-run
[[nodiscard]] std::vector<Verb> device_verbs();    // devices, collect

}  // namespace apm::cli
