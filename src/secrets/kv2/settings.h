#pragma once

// How versions are kept: the settings that a kv version 2 mount and each of its secrets have, and
// what both together say. Values and pure functions.

#include <cstdint>
#include <optional>

#include "base/json.h"
#include "base/result.h"

namespace apm::secrets::kv2 {

inline constexpr std::int64_t kNeverDelete = -1;  // of a mount: whatever its secrets say

struct Settings {
  std::uint64_t max_versions = 0;  // 0: not set
  bool cas_required = false;
  std::int64_t delete_version_after_s = 0;  // 0: not set
};

// --- What the mount's and the secret's own settings say together, as in Vault ---
// The larger number of the two, kVersionsKeptDefault when neither says one.
[[nodiscard]] std::uint64_t versions_kept(const Settings& mount, const Settings& own);
[[nodiscard]] bool cas_required(const Settings& mount, const Settings& own);
// When a version made now is deleted by itself, in Unix nanoseconds: after the shorter time of the
// two that are set. 0: never.
[[nodiscard]] std::int64_t deletion_time_ns(std::int64_t now_ns, const Settings& mount,
                                            const Settings& own);

// --- As a request gives them. Absent members change nothing, null members (of a patch) reset. ---
enum class Whose { kMount, kSecret };  // a mount may say "never": a negative delete_version_after
// kInvalidArgument "field" or "kv_max_versions".
[[nodiscard]] Status change_settings(Settings& settings, const json::Object& data, Whose whose);
[[nodiscard]] bool names_a_setting(const json::Object& data);

// --- As an answer shows them, added to its members ---
void describe_settings(const Settings& settings, json::Object& answer);

// --- As they are stored (docs/formats/kv2.md) ---
[[nodiscard]] json::Object to_record(const Settings& settings);
[[nodiscard]] std::optional<Settings> settings_from_record(const json::Value& record);

}  // namespace apm::secrets::kv2
