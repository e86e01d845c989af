#pragma once

// What is known of one secret besides its values: its versions, its own settings, and the texts
// that people attach. Values and pure functions; times are Unix nanoseconds.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "secrets/kv2/settings.h"

namespace apm::secrets::kv2 {

struct Version {
  std::int64_t created_ns = 0;
  std::int64_t deletion_ns = 0;  // when it was or will be deleted; 0: never
  bool deleted = false;          // by somebody: stays so when the clock goes back
  bool destroyed = false;        // its value is gone for good

  [[nodiscard]] bool readable(std::int64_t now_ns) const {
    return !destroyed && !deleted && (deletion_ns == 0 || now_ns < deletion_ns);
  }
};

struct Metadata {
  std::string id;  // 32 hex digits, random: where the values stand, whatever the secret's path
  std::int64_t created_ns = 0;
  std::int64_t updated_ns = 0;
  std::uint64_t current = 0;  // 0: there was never a version
  std::uint64_t oldest = 0;   // 0 until a version was dropped
  Settings own;
  std::map<std::string, std::string> custom;
  std::map<std::uint64_t, Version> versions;
};

[[nodiscard]] Metadata new_metadata(std::int64_t now_ns);

// Makes the next version the current one; gives the numbers of those that fall out. kTooLarge
// "kv_version_number" when there is no next number.
[[nodiscard]] Result<std::vector<std::uint64_t>> add_version(Metadata& metadata,
                                                             const Settings& mount,
                                                             std::int64_t now_ns);

// --- custom_metadata, within Vault's bounds. kInvalidArgument "kv_custom_metadata". ---
// A write replaces all of it; a patch adds, replaces, and removes what is null.
[[nodiscard]] Status replace_custom(Metadata& metadata, const json::Value& value);
[[nodiscard]] Status patch_custom(Metadata& metadata, const json::Value& value);

// --- As answers show it ---
// "metadata" beside a value, and the answer to a write.
[[nodiscard]] json::Object describe_version(const Metadata& metadata, std::uint64_t number);
[[nodiscard]] json::Object describe_metadata(const Metadata& metadata);

// --- As it is stored (docs/formats/kv2.md). kCorrupt "kv_metadata_record". ---
[[nodiscard]] std::string to_record(const Metadata& metadata);
[[nodiscard]] Result<Metadata> metadata_from_record(ByteView stored);

}  // namespace apm::secrets::kv2
