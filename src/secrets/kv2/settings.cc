#include "secrets/kv2/settings.h"

#include <algorithm>
#include <limits>

#include "base/text.h"
#include "secrets/kv2/fields.h"
#include "secrets/limits.h"

namespace apm::secrets::kv2 {
namespace {

constexpr std::int64_t kNsPerS = 1'000'000'000;

constexpr std::string_view kMaxVersions = "max_versions";
constexpr std::string_view kCasRequired = "cas_required";
constexpr std::string_view kDeleteAfter = "delete_version_after";

// The shorter of two times of which 0 is none.
std::int64_t shorter(std::int64_t a, std::int64_t b) {
  if (a == 0 || b == 0) return std::max(a, b);
  return std::min(a, b);
}

Error bad_duration(std::string_view wanted) {
  return Error(Code::kInvalidArgument, "field",
               concat("Field validation failed: \"", kDeleteAfter, "\" must be ", wanted));
}

// "500ms" is not nothing: it must not become "never".
bool only_zeros(std::string_view text) {
  return text.find_first_of("123456789") == std::string_view::npos;
}

// Seconds, negative ones as kNeverDelete.
Result<std::int64_t> read_duration(const json::Value& value) {
  if (const auto number = value.as_int(); number && *number < 0) return kNeverDelete;
  std::optional<std::uint64_t> seconds = value.as_uint();
  if (const std::string* text = value.as_string()) {
    const bool negative = text->starts_with('-');
    const std::string_view size = std::string_view(*text).substr(negative ? 1 : 0);
    seconds = size.empty() && !negative ? 0 : parse_duration_s(size);
    if (seconds && *seconds == 0 && !only_zeros(size)) {
      return bad_duration("0 or at least one second");
    }
    if (negative && seconds && *seconds != 0) return kNeverDelete;
  }
  if (!seconds) return bad_duration("a duration, for example \"1h\" or 3600");
  if (*seconds > kDeleteAfterSMax) {
    return bad_duration(concat("at most ", duration_text(kDeleteAfterSMax)));
  }
  return static_cast<std::int64_t>(*seconds);
}

Status change_max_versions(Settings& settings, const json::Value& value) {
  APM_TRY(const std::uint64_t wanted, whole_number(value, kMaxVersions));
  if (wanted > kVersionsKeptMax) {
    return Error(Code::kInvalidArgument, "kv_max_versions",
                 concat("max_versions is at most ", kVersionsKeptMax, " on this server"));
  }
  settings.max_versions = wanted;
  return {};
}

Status change_delete_after(Settings& settings, const json::Value& value, Whose whose) {
  APM_TRY(const std::int64_t seconds, read_duration(value));
  if (seconds == kNeverDelete && whose == Whose::kSecret) {
    return bad_duration("0 or more; only a mount's config may switch it off with a negative one");
  }
  settings.delete_version_after_s = seconds;
  return {};
}

}  // namespace

std::uint64_t versions_kept(const Settings& mount, const Settings& own) {
  const std::uint64_t most = std::max(mount.max_versions, own.max_versions);
  return most == 0 ? kVersionsKeptDefault : most;
}

bool cas_required(const Settings& mount, const Settings& own) {
  return mount.cas_required || own.cas_required;
}

std::int64_t deletion_time_ns(std::int64_t now_ns, const Settings& mount, const Settings& own) {
  if (mount.delete_version_after_s == kNeverDelete) return 0;
  const std::int64_t after_s = shorter(mount.delete_version_after_s, own.delete_version_after_s);
  if (after_s == 0) return 0;
  constexpr std::int64_t kLatest = std::numeric_limits<std::int64_t>::max();
  const std::int64_t after_ns = after_s * kNsPerS;  // bounded by kDeleteAfterSMax
  return now_ns > kLatest - after_ns ? kLatest : now_ns + after_ns;
}

bool names_a_setting(const json::Object& data) {
  return data.find(kMaxVersions) != nullptr || data.find(kCasRequired) != nullptr ||
         data.find(kDeleteAfter) != nullptr;
}

Status change_settings(Settings& settings, const json::Object& data, Whose whose) {
  if (const json::Value* value = data.find(kMaxVersions)) {
    if (value->is_null()) {
      settings.max_versions = 0;
    } else {
      APM_CHECK_OK(change_max_versions(settings, *value));
    }
  }
  if (const json::Value* value = data.find(kCasRequired)) {
    if (value->is_null()) {
      settings.cas_required = false;
    } else {
      APM_TRY(settings.cas_required, flag(*value, kCasRequired));
    }
  }
  if (const json::Value* value = data.find(kDeleteAfter)) {
    if (value->is_null()) {
      settings.delete_version_after_s = 0;
    } else {
      APM_CHECK_OK(change_delete_after(settings, *value, whose));
    }
  }
  return {};
}

void describe_settings(const Settings& settings, json::Object& answer) {
  answer.set("cas_required", settings.cas_required);
  const std::int64_t seconds = settings.delete_version_after_s;
  answer.set("delete_version_after",
             seconds < 0 ? "-1s" : duration_text(static_cast<std::uint64_t>(seconds)));
  answer.set("max_versions", settings.max_versions);
}

json::Object to_record(const Settings& settings) {
  return json::Object{{"max_versions", settings.max_versions},
                      {"cas_required", settings.cas_required},
                      {"delete_version_after_s", settings.delete_version_after_s}};
}

std::optional<Settings> settings_from_record(const json::Value& record) {
  const json::Value* max = record.at("max_versions");
  const json::Value* cas = record.at("cas_required");
  const json::Value* after = record.at("delete_version_after_s");
  if (max == nullptr || cas == nullptr || after == nullptr) return std::nullopt;
  const auto number = max->as_uint();
  const auto seconds = after->as_int();
  if (!number || *number > kVersionsKeptMax || cas->as_bool() == nullptr || !seconds ||
      *seconds < kNeverDelete || *seconds > static_cast<std::int64_t>(kDeleteAfterSMax)) {
    return std::nullopt;
  }
  return Settings{*number, *cas->as_bool(), *seconds};
}

}  // namespace apm::secrets::kv2
