#pragma once

// What kv v1 and the cubbyhole share: JSON objects at paths of a view. Pure functions over the
// view; any thread.

#include <optional>
#include <string>

#include "barrier/barrier.h"
#include "base/json.h"
#include "logical/request.h"

namespace apm::secrets {

// kInvalidArgument "secret_path", kTooLarge "secret_path_length".
[[nodiscard]] Status check_item_path(const std::string& path);

[[nodiscard]] Result<std::optional<json::Object>> read_item(const barrier::View& view,
                                                            const std::string& path);
// kInvalidArgument "secret_empty" with "missing data fields" for an object without members.
[[nodiscard]] Status write_item(const barrier::View& view, const std::string& path,
                                const json::Object& data);
// {"keys": [...]}, the array empty when nothing is there. `path` is "" or a folder.
[[nodiscard]] Result<json::Object> list_items(const barrier::View& view, std::string path);

// The value's own "ttl" or "lease" member, else kLeaseDefaultS.
[[nodiscard]] std::uint64_t lease_of(const json::Object& data);

}  // namespace apm::secrets
