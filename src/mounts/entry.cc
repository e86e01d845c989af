#include "mounts/entry.h"

#include <algorithm>

#include "base/text.h"
#include "mounts/limits.h"

namespace apm::mounts {
namespace {

Error bad_path(const std::string& why) {
  return Error(Code::kInvalidArgument, "mount_path", "this cannot be a mount's path: " + why);
}

Error corrupt() {
  return Error(Code::kCorrupt, "mount_record", "the mount table is damaged: a member is missing");
}

bool allowed(char c) { return c > ' ' && c < 0x7f && c != '*' && c != '+' && c != '%'; }

json::Object options_json(const Entry& entry) {
  json::Object options;
  for (const auto& [name, text] : entry.options) options.set(name, text);
  return options;
}

}  // namespace

Result<std::string> normalize_mount_path(std::string_view path) {
  while (path.starts_with('/')) path.remove_prefix(1);
  while (path.ends_with('/')) path.remove_suffix(1);
  if (path.empty()) return bad_path("it is empty");
  if (path.size() > kMountPathBytesMax) {
    return bad_path(concat("it is longer than ", kMountPathBytesMax, " bytes"));
  }
  if (!std::all_of(path.begin(), path.end(), allowed)) {
    return bad_path("only printable ASCII without blanks, '*', '+' and '%' is accepted");
  }
  const std::vector<std::string_view> segments = split(path, '/');
  if (segments.size() > kMountPathSegmentsMax) {
    return bad_path(concat("it has more than ", kMountPathSegmentsMax, " segments"));
  }
  for (const std::string_view segment : segments) {
    if (segment.empty() || segment == "." || segment == "..") {
      return bad_path("it has an empty segment, \".\" or \"..\"");
    }
  }
  return std::string(path) + "/";
}

json::Object describe(const Entry& entry, Kind kind) {
  json::Object config{{"default_lease_ttl", entry.default_lease_ttl_s},
                      {"force_no_cache", false},
                      {"max_lease_ttl", entry.max_lease_ttl_s}};
  if (kind == Kind::kAuth) config.set("token_type", "default-service");
  json::Value options;
  if (!entry.options.empty()) options = options_json(entry);
  return json::Object{{"accessor", entry.accessor},
                      {"config", std::move(config)},
                      {"deprecation_status", "supported"},
                      {"description", entry.description},
                      {"external_entropy_access", false},
                      {"local", false},
                      {"options", std::move(options)},
                      {"plugin_version", ""},
                      {"running_plugin_version", ""},
                      {"running_sha256", ""},
                      {"seal_wrap", false},
                      {"type", entry.type},
                      {"uuid", entry.uuid}};
}

json::Object to_json(const Entry& entry) {
  return json::Object{{"path", entry.path},
                      {"type", entry.type},
                      {"description", entry.description},
                      {"uuid", entry.uuid},
                      {"accessor", entry.accessor},
                      {"options", options_json(entry)},
                      {"default_lease_ttl", entry.default_lease_ttl_s},
                      {"max_lease_ttl", entry.max_lease_ttl_s},
                      {"tainted", entry.tainted}};
}

Result<Entry> from_json(const json::Value& value) {
  Entry entry;
  APM_TRY(entry.path, json::require_string(value, "path"));
  APM_TRY(entry.type, json::require_string(value, "type"));
  APM_TRY(entry.description, json::require_string(value, "description"));
  APM_TRY(entry.uuid, json::require_string(value, "uuid"));
  APM_TRY(entry.accessor, json::require_string(value, "accessor"));
  const json::Value* options = value.at("options");
  const json::Value* lease = value.at("default_lease_ttl");
  const json::Value* max = value.at("max_lease_ttl");
  const json::Value* tainted = value.at("tainted");
  if (options == nullptr || options->as_object() == nullptr || lease == nullptr ||
      !lease->as_uint() || max == nullptr || !max->as_uint() || tainted == nullptr ||
      tainted->as_bool() == nullptr) {
    return corrupt();
  }
  for (const auto& [name, text] : *options->as_object()) {
    if (text.as_string() == nullptr) return corrupt();
    entry.options[name] = *text.as_string();
  }
  entry.default_lease_ttl_s = *lease->as_uint();
  entry.max_lease_ttl_s = *max->as_uint();
  entry.tainted = *tainted->as_bool();
  return entry;
}

}  // namespace apm::mounts
