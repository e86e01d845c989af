#pragma once

// One mount as it is kept and shown, and the rules for its path. Values and pure functions.

#include <cstdint>
#include <map>
#include <string>

#include "base/json.h"
#include "base/result.h"

namespace apm::mounts {

enum class Kind { kSecret, kAuth };

struct Entry {
  std::string path;  // "anjuna/"; for a login method "apm/", without the "auth/" in front
  std::string type;
  std::string description;
  std::string uuid;
  std::string accessor;  // "<type>_<8 hex digits>"
  std::map<std::string, std::string> options;
  std::uint64_t default_lease_ttl_s = 0;  // 0: the system's
  std::uint64_t max_lease_ttl_s = 0;
  bool tainted = false;  // being removed: not routed, and removed at the next load
};

// "anjuna", "/anjuna/" -> "anjuna/". kInvalidArgument "mount_path": empty, an empty, "." or ".."
// segment, characters beyond printable ASCII, white space, '*', '+', or too long.
[[nodiscard]] Result<std::string> normalize_mount_path(std::string_view path);

// As sys/mounts and sys/auth show it.
[[nodiscard]] json::Object describe(const Entry& entry, Kind kind);

[[nodiscard]] json::Object to_json(const Entry& entry);
[[nodiscard]] Result<Entry> from_json(const json::Value& value);

}  // namespace apm::mounts
