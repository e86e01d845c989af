#include "secrets/key_values.h"

#include "base/text.h"
#include "crypto/secret_bytes.h"
#include "secrets/limits.h"

namespace apm::secrets {

Status check_item_path(const std::string& path) {
  if (path.empty() || path.front() == '/' || path.back() == '/') {
    return Error(Code::kInvalidArgument, "secret_path",
                 "a secret's path must have a name and must not begin or end with '/'");
  }
  if (path.size() > kPathBytesMax) {
    return Error(Code::kTooLarge, "secret_path_length",
                 concat("a secret's path is at most ", kPathBytesMax, " bytes long"));
  }
  return {};
}

Result<std::optional<json::Object>> read_item(const barrier::View& view, const std::string& path) {
  APM_CHECK_OK(check_item_path(path));
  APM_TRY(std::optional<Bytes> stored, view.get(path));
  if (!stored) return std::optional<json::Object>();
  json::Limits limits;
  limits.bytes_max = kValueBytesMax;
  auto value = json::parse(*stored, limits);
  crypto::wipe(*stored);
  if (!value.ok() || value->as_object() == nullptr) {
    return Error(Code::kCorrupt, "secret_record", "a stored secret is no JSON object");
  }
  return std::optional<json::Object>(std::move(*value->as_object()));
}

Status write_item(const barrier::View& view, const std::string& path, const json::Object& data) {
  APM_CHECK_OK(check_item_path(path));
  if (data.empty()) {
    return Error(Code::kInvalidArgument, "secret_empty", "missing data fields");
  }
  std::string text = json::write(data);
  if (text.size() > kValueBytesMax) {
    return Error(Code::kTooLarge, "secret_size",
                 concat("a secret is at most ", kValueBytesMax, " bytes of JSON"));
  }
  Status written = view.put(path, as_bytes(text));
  crypto::wipe(text);
  return written;
}

Result<json::Object> list_items(const barrier::View& view, std::string path) {
  if (!path.empty() && path.back() != '/') path += '/';
  if (path.size() > kPathBytesMax + 1) {
    return Error(Code::kTooLarge, "secret_path_length",
                 concat("a secret's path is at most ", kPathBytesMax, " bytes long"));
  }
  APM_TRY(const std::vector<std::string> names, view.list(path));
  if (names.size() > kListKeysMax) {
    return Error(Code::kTooLarge, "list_too_long",
                 concat("this folder has more than ", kListKeysMax, " names"));
  }
  json::Array keys(names.begin(), names.end());
  return json::Object{{"keys", std::move(keys)}};
}

std::uint64_t lease_of(const json::Object& data) {
  for (const std::string_view name : {"ttl", "lease"}) {
    const json::Value* value = data.find(name);
    if (value == nullptr) continue;
    if (const auto number = value->as_uint()) return *number;
    if (const std::string* text = value->as_string()) {
      if (const auto seconds = parse_duration_s(*text)) return *seconds;
    }
  }
  return kLeaseDefaultS;
}

}  // namespace apm::secrets
