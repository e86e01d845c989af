// The record of a secret's metadata: docs/formats/kv2.md.

#include "base/encoding.h"
#include "secrets/kv2/custom.h"
#include "secrets/kv2/metadata.h"
#include "secrets/limits.h"

namespace apm::secrets::kv2 {
namespace {

constexpr std::int64_t kFormat = 1;
constexpr std::size_t kIdDigits = 32;

Error corrupt() {
  return Error(Code::kCorrupt, "kv_metadata_record", "the metadata of a secret is damaged");
}

std::optional<std::int64_t> number_at(const json::Value& record, std::string_view name) {
  const json::Value* member = record.at(name);
  if (member == nullptr) return std::nullopt;
  const auto number = member->as_int();
  return number && *number >= 0 ? number : std::nullopt;
}

std::optional<bool> flag_at(const json::Value& record, std::string_view name) {
  const json::Value* member = record.at(name);
  if (member == nullptr || member->as_bool() == nullptr) return std::nullopt;
  return *member->as_bool();
}

json::Value version_record(std::uint64_t number, const Version& version) {
  return json::Object{{"number", number},
                      {"created_ns", version.created_ns},
                      {"deletion_ns", version.deletion_ns},
                      {"deleted", version.deleted},
                      {"destroyed", version.destroyed}};
}

// The versions ascend, and none is beyond the current one.
Status read_versions(const json::Value& list, Metadata& metadata) {
  if (list.as_array() == nullptr || list.as_array()->size() > kVersionsKeptMax) return corrupt();
  for (const json::Value& item : *list.as_array()) {
    const auto number = number_at(item, "number");
    const auto created = number_at(item, "created_ns");
    const auto deletion = number_at(item, "deletion_ns");
    const auto deleted = flag_at(item, "deleted");
    const auto destroyed = flag_at(item, "destroyed");
    if (!number || !created || !deletion || !deleted || !destroyed) return corrupt();
    const auto key = static_cast<std::uint64_t>(*number);
    const bool ascends = metadata.versions.empty() || metadata.versions.rbegin()->first < key;
    if (key == 0 || key > metadata.current || !ascends) return corrupt();
    metadata.versions[key] = {*created, *deletion, *deleted, *destroyed};
  }
  return {};
}

Status read_custom(const json::Value& texts, Metadata& metadata) {
  auto read = patched_custom({}, texts, Nulls::kRefused);
  if (!read.ok()) return corrupt();
  metadata.custom = std::move(*read);
  return {};
}

bool is_id(const std::string* id) {
  return id != nullptr && id->size() == kIdDigits &&
         id->find_first_not_of("0123456789abcdef") == std::string::npos;
}

}  // namespace

std::string to_record(const Metadata& metadata) {
  json::Array versions;
  for (const auto& [number, version] : metadata.versions) {
    versions.push_back(version_record(number, version));
  }
  json::Object custom;
  for (const auto& [name, text] : metadata.custom) custom.set(name, text);
  return json::write(json::Object{{"v", kFormat},
                                  {"id", metadata.id},
                                  {"created_ns", metadata.created_ns},
                                  {"updated_ns", metadata.updated_ns},
                                  {"current", metadata.current},
                                  {"oldest", metadata.oldest},
                                  {"settings", to_record(metadata.own)},
                                  {"custom", std::move(custom)},
                                  {"versions", std::move(versions)}});
}

Result<Metadata> metadata_from_record(ByteView stored) {
  json::Limits limits;
  limits.bytes_max = kMetadataBytesMax;
  const auto record = json::parse(stored, limits);
  if (!record.ok() || number_at(*record, "v") != kFormat) return corrupt();
  const std::string* id = record->string_at("id");
  const auto created = number_at(*record, "created_ns");
  const auto updated = number_at(*record, "updated_ns");
  const auto current = number_at(*record, "current");
  const auto oldest = number_at(*record, "oldest");
  const json::Value* settings = record->at("settings");
  const json::Value* custom = record->at("custom");
  const json::Value* versions = record->at("versions");
  if (!is_id(id) || !created || !updated || !current || !oldest || settings == nullptr ||
      custom == nullptr || versions == nullptr) {
    return corrupt();
  }
  const auto own = settings_from_record(*settings);
  if (!own) return corrupt();
  Metadata metadata{*id,
                    *created,
                    *updated,
                    static_cast<std::uint64_t>(*current),
                    static_cast<std::uint64_t>(*oldest),
                    *own,
                    {},
                    {}};
  APM_CHECK_OK(read_custom(*custom, metadata));
  APM_CHECK_OK(read_versions(*versions, metadata));
  return metadata;
}

}  // namespace apm::secrets::kv2
