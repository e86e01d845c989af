#include "secrets/kv2/metadata.h"

#include "base/clock.h"
#include "base/encoding.h"
#include "base/text.h"
#include "crypto/random.h"
#include "secrets/kv2/custom.h"
#include "secrets/limits.h"

namespace apm::secrets::kv2 {
namespace {

constexpr std::size_t kIdBytes = 16;

std::string time_text(std::int64_t unix_ns) { return unix_ns == 0 ? "" : rfc3339_ns(unix_ns); }

json::Value custom_or_null(const Metadata& metadata) {
  if (metadata.custom.empty()) return {};
  json::Object shown;
  for (const auto& [name, text] : metadata.custom) shown.set(name, text);
  return shown;
}

json::Object describe_times(const Version& version) {
  return json::Object{{"created_time", time_text(version.created_ns)},
                      {"deletion_time", time_text(version.deletion_ns)},
                      {"destroyed", version.destroyed}};
}

}  // namespace

Metadata new_metadata(std::int64_t now_ns) {
  Metadata fresh;
  fresh.id = hex_encode(crypto::random_bytes(kIdBytes));
  fresh.created_ns = now_ns;
  fresh.updated_ns = now_ns;
  return fresh;
}

Result<std::vector<std::uint64_t>> add_version(Metadata& metadata, const Settings& mount,
                                               std::int64_t now_ns) {
  if (metadata.current >= kVersionNumberMax) {
    return Error(Code::kTooLarge, "kv_version_number",
                 "this secret has had every version number that there is: delete its metadata");
  }
  const std::uint64_t number = ++metadata.current;
  metadata.updated_ns = now_ns;
  metadata.versions[number] = {now_ns, deletion_time_ns(now_ns, mount, metadata.own), false, false};

  std::vector<std::uint64_t> dropped;
  const std::uint64_t kept = versions_kept(mount, metadata.own);
  while (metadata.versions.size() > kept) {
    const auto first = metadata.versions.begin();
    dropped.push_back(first->first);
    metadata.versions.erase(first);
    metadata.oldest = metadata.versions.begin()->first;
  }
  return dropped;
}

Status replace_custom(Metadata& metadata, const json::Value& value) {
  APM_TRY(metadata.custom, patched_custom({}, value, Nulls::kRefused));
  return {};
}

Status patch_custom(Metadata& metadata, const json::Value& value) {
  if (value.is_null()) {
    metadata.custom.clear();
    return {};
  }
  APM_TRY(metadata.custom, patched_custom(metadata.custom, value, Nulls::kRemove));
  return {};
}

json::Object describe_version(const Metadata& metadata, std::uint64_t number) {
  json::Object shown;
  const auto found = metadata.versions.find(number);
  if (found != metadata.versions.end()) shown = describe_times(found->second);
  shown.set("custom_metadata", custom_or_null(metadata));
  shown.set("version", number);
  return shown;
}

json::Object describe_metadata(const Metadata& metadata) {
  json::Object versions;
  for (const auto& [number, version] : metadata.versions) {
    versions.set(std::to_string(number), describe_times(version));
  }
  json::Object shown{
      {"created_time", time_text(metadata.created_ns)}, {"current_version", metadata.current},
      {"custom_metadata", custom_or_null(metadata)},    {"oldest_version", metadata.oldest},
      {"updated_time", time_text(metadata.updated_ns)}, {"versions", std::move(versions)}};
  describe_settings(metadata.own, shown);
  return shown;
}

}  // namespace apm::secrets::kv2
