#include "expiry/token_record.h"

#include <algorithm>

#include "crypto/secret_bytes.h"

namespace apm::expiry {
namespace {

Error corrupt(const std::string& why) {
  return Error(Code::kCorrupt, "token_record", "a token record is damaged: " + why);
}

// Reads members and remembers whether one was missing or of the wrong type.
class Members {
 public:
  explicit Members(const json::Value& value) : value_(value) {}

  std::string text(std::string_view name) {
    const std::string* found = value_.string_at(name);
    if (found == nullptr) complete = false;
    return found == nullptr ? std::string() : *found;
  }
  std::int64_t whole(std::string_view name) {
    const json::Value* found = value_.at(name);
    const auto number = found == nullptr ? std::nullopt : found->as_int();
    if (!number) complete = false;
    return number.value_or(0);
  }
  std::uint64_t count(std::string_view name) {
    const json::Value* found = value_.at(name);
    const auto number = found == nullptr ? std::nullopt : found->as_uint();
    if (!number) complete = false;
    return number.value_or(0);
  }
  bool flag(std::string_view name) {
    const json::Value* found = value_.at(name);
    const bool* value = found == nullptr ? nullptr : found->as_bool();
    if (value == nullptr) complete = false;
    return value != nullptr && *value;
  }

  bool complete = true;

 private:
  const json::Value& value_;
};

Status read_lists(const json::Value& value, TokenEntry& entry) {
  const json::Value* policies = value.at("policies");
  const json::Value* metadata = value.at("metadata");
  if (policies == nullptr || policies->as_array() == nullptr || metadata == nullptr ||
      metadata->as_object() == nullptr) {
    return corrupt("policies or metadata are missing");
  }
  for (const json::Value& policy : *policies->as_array()) {
    if (policy.as_string() == nullptr) return corrupt("a policy is no text");
    entry.policies.push_back(*policy.as_string());
  }
  for (const auto& [name, text] : *metadata->as_object()) {
    if (text.as_string() == nullptr) return corrupt("a metadata value is no text");
    entry.metadata[name] = *text.as_string();
  }
  return {};
}

}  // namespace

Bytes write_record(const TokenEntry& entry) {
  json::Array policies(entry.policies.begin(), entry.policies.end());
  json::Object metadata;
  for (const auto& [name, text] : entry.metadata) metadata.set(name, text);
  std::string text = json::write(json::Object{{"v", 1},
                                              {"id", entry.id},
                                              {"accessor", entry.accessor},
                                              {"parent", entry.parent},
                                              {"policies", std::move(policies)},
                                              {"metadata", std::move(metadata)},
                                              {"display_name", entry.display_name},
                                              {"path", entry.path},
                                              {"auth_mount", entry.auth_mount},
                                              {"cubbyhole_id", entry.cubbyhole_id},
                                              {"created", entry.created_unix_s},
                                              {"expires", entry.expires_unix_s},
                                              {"last_renewal", entry.last_renewal_unix_s},
                                              {"creation_ttl", entry.creation_ttl_s},
                                              {"explicit_max_ttl", entry.explicit_max_ttl_s},
                                              {"period", entry.period_s},
                                              {"uses_left", entry.uses_left},
                                              {"limited", entry.limited},
                                              {"renewable", entry.renewable},
                                              {"revoked", entry.revoked}});
  Bytes record = to_bytes(text);
  crypto::wipe(text);
  return record;
}

Result<TokenEntry> read_record(ByteView stored) {
  APM_TRY(const json::Value value, json::parse(stored));
  Members members(value);
  if (members.whole("v") != 1) return corrupt("its version is unknown");
  TokenEntry entry;
  entry.id = members.text("id");
  entry.accessor = members.text("accessor");
  entry.parent = members.text("parent");
  entry.display_name = members.text("display_name");
  entry.path = members.text("path");
  entry.auth_mount = members.text("auth_mount");
  entry.cubbyhole_id = members.text("cubbyhole_id");
  entry.created_unix_s = members.whole("created");
  entry.expires_unix_s = members.whole("expires");
  entry.last_renewal_unix_s = members.whole("last_renewal");
  entry.creation_ttl_s = members.count("creation_ttl");
  entry.explicit_max_ttl_s = members.count("explicit_max_ttl");
  entry.period_s = members.count("period");
  entry.uses_left = members.count("uses_left");
  entry.limited = members.flag("limited");
  entry.renewable = members.flag("renewable");
  entry.revoked = members.flag("revoked");
  APM_CHECK_OK(read_lists(value, entry));
  if (!members.complete || entry.id.empty() || entry.accessor.empty()) {
    return corrupt("a member is missing");
  }
  return entry;
}

bool is_over(const TokenEntry& entry, std::int64_t now_unix_s) {
  if (entry.revoked || (entry.limited && entry.uses_left == 0)) return true;
  return entry.expires_unix_s != 0 && now_unix_s >= entry.expires_unix_s;
}

bool TokenEntry::root() const {
  return std::find(policies.begin(), policies.end(), "root") != policies.end();
}

std::uint64_t TokenEntry::ttl_s(std::int64_t now_unix_s) const {
  if (expires_unix_s == 0 || expires_unix_s <= now_unix_s) return 0;
  return static_cast<std::uint64_t>(expires_unix_s - now_unix_s);
}

logical::Caller TokenEntry::caller() const {
  logical::Caller caller;
  caller.authenticated = true;
  caller.root = root();
  caller.accessor = accessor;
  caller.display_name = display_name;
  caller.token_type = "service";
  caller.policies = policies;
  caller.cubbyhole_id = cubbyhole_id;
  caller.auth_mount = auth_mount;
  return caller;
}

}  // namespace apm::expiry
