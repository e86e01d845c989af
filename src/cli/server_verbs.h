#pragma once

// The operator verbs of anjuna-policy-manager-server, spelled and printed as Vault's CLI does, so
// that scripts written for it keep working.

#include <vector>

#include "cli/session.h"

namespace apm::cli {

[[nodiscard]] std::vector<Verb> server_verbs();
[[nodiscard]] std::vector<Verb> operator_verbs();     // status, operator init|unseal|seal
[[nodiscard]] std::vector<Verb> handover_verbs();     // operator handover status|confirm|open
[[nodiscard]] std::vector<Verb> snapshot_verbs();     // operator snapshot save|restore, migrate
[[nodiscard]] std::vector<Verb> mount_verbs();        // secrets, auth
[[nodiscard]] std::vector<Verb> data_verbs();         // read, write, list, delete, policy, token
[[nodiscard]] std::vector<Verb> kv_verbs();           // kv get, put, patch, list, delete, ...
[[nodiscard]] std::vector<Verb> kv_metadata_verbs();  // kv metadata get, put, patch, delete

}  // namespace apm::cli
