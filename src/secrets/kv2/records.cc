#include "secrets/kv2/records.h"

#include "base/text.h"
#include "crypto/secret_bytes.h"
#include "secrets/key_values.h"
#include "secrets/kv2/merge_patch.h"
#include "secrets/limits.h"

namespace apm::secrets::kv2 {
namespace {

constexpr std::string_view kSettings = "config";
constexpr std::string_view kMetadata = "meta/";
constexpr std::string_view kValues = "value/";
constexpr std::int64_t kSettingsFormat = 1;

std::string metadata_key(const std::string& path) { return concat(kMetadata, path); }

std::string value_key(const Metadata& metadata, std::uint64_t version) {
  return concat(kValues, metadata.id, "/", version);
}

// Nobody wrote the record since it was read, or made it since it was found absent.
template <class T>
void expect_untouched(barrier::Change& change, const std::string& key, const Held<T>& held) {
  if (held.mark) {
    change.must_be_unchanged.push_back({key, *held.mark});
  } else {
    change.must_be_absent.push_back(key);
  }
}

Result<Settings> read_settings(ByteView stored) {
  const auto record = json::parse(stored);
  const json::Value* format = record.ok() ? record->at("v") : nullptr;
  const bool known = format != nullptr && format->as_int() == kSettingsFormat;
  const auto settings = known ? settings_from_record(*record) : std::nullopt;
  if (!settings) {
    return Error(Code::kCorrupt, "kv_config_record", "the config of a kv mount is damaged");
  }
  return *settings;
}

}  // namespace

Result<Held<Settings>> Records::settings() const {
  APM_TRY(std::optional<barrier::MarkedRecord> stored, view_.get_marked(std::string(kSettings)));
  if (!stored) return Held<Settings>();
  APM_TRY(const Settings settings, read_settings(stored->value));
  return Held<Settings>{settings, std::move(stored->mark)};
}

Status Records::put_settings(const Held<Settings>& settings) const {
  json::Object record = to_record(settings.content);
  record.set("v", kSettingsFormat);
  barrier::Change change;
  change.writes.push_back({std::string(kSettings), to_bytes(json::write(record))});
  expect_untouched(change, std::string(kSettings), settings);
  return view_.apply(change);
}

Result<std::optional<Held<Metadata>>> Records::find(const std::string& path) const {
  APM_CHECK_OK(check_item_path(path));
  APM_TRY(std::optional<barrier::MarkedRecord> stored, view_.get_marked(metadata_key(path)));
  if (!stored) return std::optional<Held<Metadata>>();
  APM_TRY(Metadata metadata, metadata_from_record(stored->value));
  return std::optional<Held<Metadata>>({std::move(metadata), std::move(stored->mark)});
}

Result<json::Object> Records::list(const std::string& folder) const {
  return list_items(barrier::View(view_.barrier(), view_.prefix() + std::string(kMetadata)),
                    folder);
}

// Writers remove values together with what the metadata says of them: only when that is still as it
// was read, the value is lost.
Error Records::value_missing(const std::string& path, const Held<Metadata>& secret) const {
  const auto now = view_.get_marked(metadata_key(path));
  if (!now.ok()) return now.error();
  if (!*now || (*now)->mark != secret.mark) {
    return Error(Code::kPrecondition, "kv_changed", "the secret was changed while it was read");
  }
  return Error(Code::kCorrupt, "kv_value_absent",
               "the store lost the value of a version that was neither deleted nor destroyed");
}

Result<json::Object> Records::value(const std::string& path, const Held<Metadata>& secret,
                                    std::uint64_t version) const {
  APM_TRY(std::optional<Bytes> stored, view_.get(value_key(secret.content, version)));
  if (!stored) return value_missing(path, secret);
  json::Limits limits;
  limits.bytes_max = kValueBytesMax;
  limits.values_max = kValueNodesMax;
  auto value = json::parse(*stored, limits);
  crypto::wipe(*stored);
  if (!value.ok() || value->as_object() == nullptr) {
    return Error(Code::kCorrupt, "kv_value_record", "the value of a version is damaged");
  }
  return std::move(*value->as_object());
}

Status Records::put(const std::string& path, const Held<Metadata>& secret,
                    const ValueChange& values) const {
  APM_CHECK_OK(check_item_path(path));
  barrier::Change change;
  expect_untouched(change, metadata_key(path), secret);
  change.writes.push_back({metadata_key(path), to_bytes(to_record(secret.content))});
  if (values.added) {
    const std::string key = value_key(secret.content, *values.added);
    change.writes.push_back({key, to_bytes(values.text)});
    change.must_be_absent.push_back(key);
    expect_untouched(change, std::string(kSettings), values.under);
  }
  for (const std::uint64_t version : values.dropped) {
    change.deletes.push_back(value_key(secret.content, version));
  }
  const Status done = view_.apply(change);
  for (barrier::Write& write : change.writes) crypto::wipe(write.value);
  return done;
}

Status Records::erase(const std::string& path, const Held<Metadata>& secret) const {
  APM_CHECK_OK(check_item_path(path));
  barrier::Change change;
  expect_untouched(change, metadata_key(path), secret);
  change.deletes.push_back(metadata_key(path));
  for (const auto& [number, version] : secret.content.versions) {
    change.deletes.push_back(value_key(secret.content, number));
  }
  return view_.apply(change);
}

Result<std::string> value_text(const json::Object& data) {
  if (count_values(data) > kValueNodesMax) {
    return Error(Code::kTooLarge, "secret_values",
                 concat("a secret holds at most ", kValueNodesMax, " JSON values"));
  }
  std::string text = json::write(data);
  if (text.size() > kValueBytesMax) {
    crypto::wipe(text);
    return Error(Code::kTooLarge, "secret_size",
                 concat("a secret is at most ", kValueBytesMax, " bytes of JSON"));
  }
  return text;
}

}  // namespace apm::secrets::kv2
