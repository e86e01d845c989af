#include "sim/state.h"

#include <sys/stat.h>

#include "base/encoding.h"
#include "base/text.h"
#include "sim/files.h"
#include "sim/limits.h"

namespace apm::sim {
namespace {

std::string stamp_of(const std::string& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return {};
  return concat(info.st_ino, ".", info.st_mtim.tv_sec, ".", info.st_mtim.tv_nsec, ".",
                info.st_size);
}

bool flag(const json::Value& from, std::string_view name) {
  const json::Value* value = from.at(name);
  return value != nullptr && value->as_bool() != nullptr && *value->as_bool();
}

const json::Array& list(const json::Value& from, std::string_view name) {
  static const json::Array kNone;
  const json::Value* value = from.at(name);
  return value == nullptr || value->as_array() == nullptr ? kNone : *value->as_array();
}

Result<StoredSecret> secret_from(const json::Value& in) {
  StoredSecret out;
  APM_TRY(out.name, json::require_string(in, "name"));
  APM_TRY(out.deleted_ms, json::require_int(in, "deleted_ms"));
  for (const json::Value& v : list(in, "versions")) {
    StoredSecretVersion version;
    APM_TRY(version.version, json::require_string(v, "version"));
    APM_TRY(version.value, json::require_string(v, "value"));
    APM_TRY(version.content_type, json::require_string(v, "content_type"));
    APM_TRY(version.created_s, json::require_int(v, "created_s"));
    APM_TRY(version.expires_s, json::require_int(v, "expires_s"));
    version.enabled = flag(v, "enabled");
    if (const json::Value* tags = v.at("tags")) version.tags = *tags;
    out.versions.push_back(std::move(version));
  }
  return out;
}

Result<StoredKey> key_from(const json::Value& in) {
  StoredKey out;
  APM_TRY(out.name, json::require_string(in, "name"));
  APM_TRY(out.kty, json::require_string(in, "kty"));
  APM_TRY(out.release_policy, json::require_string(in, "release_policy"));
  APM_TRY(out.deleted_ms, json::require_int(in, "deleted_ms"));
  out.exportable = flag(in, "exportable");
  out.immutable_policy = flag(in, "immutable_policy");
  for (const json::Value& v : list(in, "operations")) {
    if (v.as_string() != nullptr) out.operations.push_back(*v.as_string());
  }
  for (const json::Value& v : list(in, "versions")) {
    StoredKeyVersion version;
    APM_TRY(version.version, json::require_string(v, "version"));
    APM_TRY(const std::string pkcs8, json::require_string(v, "pkcs8"));
    APM_TRY(version.pkcs8, base64_decode(pkcs8));
    APM_TRY(version.created_s, json::require_int(v, "created_s"));
    version.enabled = flag(v, "enabled");
    out.versions.push_back(std::move(version));
  }
  return out;
}

}  // namespace

json::Value to_json(const VaultData& data) {
  json::Array secrets;
  for (const auto& [id, secret] : data.secrets) {
    json::Array versions;
    for (const StoredSecretVersion& v : secret.versions) {
      versions.emplace_back(json::Object{{"version", v.version},
                                         {"value", v.value},
                                         {"content_type", v.content_type},
                                         {"tags", v.tags},
                                         {"enabled", v.enabled},
                                         {"created_s", v.created_s},
                                         {"expires_s", v.expires_s}});
    }
    secrets.emplace_back(json::Object{{"name", secret.name},
                                      {"deleted_ms", secret.deleted_ms},
                                      {"versions", std::move(versions)}});
  }
  json::Array keys;
  for (const auto& [id, key] : data.keys) {
    json::Array versions, operations;
    for (const StoredKeyVersion& v : key.versions) {
      versions.emplace_back(json::Object{{"version", v.version},
                                         {"pkcs8", base64_encode(v.pkcs8)},
                                         {"enabled", v.enabled},
                                         {"created_s", v.created_s}});
    }
    for (const std::string& operation : key.operations) operations.emplace_back(operation);
    keys.emplace_back(json::Object{{"name", key.name},
                                   {"kty", key.kty},
                                   {"operations", std::move(operations)},
                                   {"exportable", key.exportable},
                                   {"release_policy", key.release_policy},
                                   {"immutable_policy", key.immutable_policy},
                                   {"deleted_ms", key.deleted_ms},
                                   {"versions", std::move(versions)}});
  }
  return json::Object{{"secrets", std::move(secrets)}, {"keys", std::move(keys)}};
}

Result<VaultData> vault_from_json(const json::Value& value) {
  VaultData out;
  for (const json::Value& entry : list(value, "secrets")) {
    APM_TRY(StoredSecret secret, secret_from(entry));
    const std::string id = to_lower(secret.name);
    out.secrets[id] = std::move(secret);
  }
  for (const json::Value& entry : list(value, "keys")) {
    APM_TRY(StoredKey key, key_from(entry));
    const std::string id = to_lower(key.name);
    out.keys[id] = std::move(key);
  }
  return out;
}

Status VaultState::refresh() {
  const std::string now = stamp_of(path_);
  if (now == stamp_) return {};
  APM_TRY(const Bytes text, read_file(path_, kStateBytesMax));
  APM_TRY(const json::Value value, json::parse(text, {kStateBytesMax, 64, 1'000'000}));
  APM_TRY(data_, vault_from_json(value));
  stamp_ = now;
  return {};
}

Status VaultState::with(const std::function<bool(VaultData&)>& act) {
  const MutexLock guard(mutex_);
  APM_TRY(const FileLock lock, FileLock::take(lock_path_));
  static_cast<void>(lock);
  APM_CHECK_OK(refresh());
  if (!act(data_)) return {};
  APM_CHECK_OK(write_private_file(path_, as_bytes(json::write(to_json(data_)))));
  stamp_ = stamp_of(path_);
  return {};
}

}  // namespace apm::sim
