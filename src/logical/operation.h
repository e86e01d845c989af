#pragma once

// What a request asks of a path, after create and update have been told apart (Vault's logical
// operations). The ACL, the engines and the audit log share these words.

#include <string_view>

namespace apm::logical {

enum class Operation { kRead, kList, kCreate, kUpdate, kPatch, kDelete };

// "read", "list", "create", "update", "patch", "delete": as capabilities and audit spell them.
[[nodiscard]] std::string_view operation_name(Operation operation);

}  // namespace apm::logical
