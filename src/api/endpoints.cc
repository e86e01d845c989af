#include "api/endpoints.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace apm::api {
namespace {

constexpr Endpoint kEndpoints[] = {
    // path, access, while booting, function
    {"sys/health", Access::kOpen, true, serve_health},
    {"sys/seal-status", Access::kOpen, true, serve_seal_status},
    {"sys/init", Access::kOpen, false, serve_init},
    {"sys/unseal", Access::kOpen, false, serve_unseal},
    {"sys/leader", Access::kOpen, false, serve_leader},
    {"sys/seal", Access::kSudo, false, serve_seal},
    {"sys/step-down", Access::kSudo, false, serve_step_down},
    {"sys/mounts", Access::kToken, false, serve_mounts},
    {"sys/mounts/", Access::kToken, false, serve_mount},
    {"sys/auth", Access::kToken, false, serve_auths},
    {"sys/auth/", Access::kSudo, false, serve_auth},
    {"sys/policies/acl", Access::kToken, false, serve_policies},
    {"sys/policies/acl/", Access::kToken, false, serve_policy},
    {"sys/policy", Access::kToken, false, serve_policies_legacy},
    {"sys/policy/", Access::kToken, false, serve_policy_legacy},
    {"sys/capabilities", Access::kToken, false, serve_capabilities},
    {"sys/capabilities-self", Access::kToken, false, serve_capabilities_self},
    {"sys/capabilities-accessor", Access::kToken, false, serve_capabilities_accessor},
    {"sys/internal/ui/mounts", Access::kOptionalToken, false, serve_ui_mounts},
    {"sys/internal/ui/mounts/", Access::kOptionalToken, false, serve_ui_mount},
    {"sys/audit", Access::kSudo, false, serve_audit_devices},
    {"sys/apm/status", Access::kToken, false, serve_apm_status},
    {"sys/apm/handover", Access::kToken, false, serve_handover},
    {"sys/apm/handover/confirm", Access::kSudo, false, serve_handover_confirm},
    {"sys/apm/snapshot/save", Access::kSudo, false, serve_snapshot_save},
    {"sys/apm/snapshot/save/", Access::kSudo, false, serve_snapshot_save},
    {"sys/apm/snapshot/restore", Access::kSudo, false, serve_snapshot_restore},
    {"sys/apm/snapshot/restore/", Access::kSudo, false, serve_snapshot_restore},
    {"auth/token/create", Access::kToken, false, serve_token_create},
    {"auth/token/create-orphan", Access::kSudo, false, serve_token_create_orphan},
    {"auth/token/lookup", Access::kToken, false, serve_token_lookup},
    {"auth/token/lookup-self", Access::kToken, false, serve_token_lookup_self},
    {"auth/token/lookup-accessor", Access::kToken, false, serve_token_lookup_accessor},
    {"auth/token/accessors", Access::kSudo, false, serve_token_accessors},
    {"auth/token/renew", Access::kToken, false, serve_token_renew},
    {"auth/token/renew-self", Access::kToken, false, serve_token_renew_self},
    {"auth/token/revoke", Access::kToken, false, serve_token_revoke},
    {"auth/token/revoke-self", Access::kToken, false, serve_token_revoke_self},
    {"auth/token/revoke-accessor", Access::kToken, false, serve_token_revoke_accessor},
    {"auth/token/revoke-orphan", Access::kSudo, false, serve_token_revoke_orphan},
};

Error bad_field(std::string_view name, std::string_view wanted) {
  return Error(Code::kInvalidArgument, "field",
               concat("Field validation failed: \"", name, "\" must be ", wanted));
}

const json::Value* member(const json::Object& data, std::string_view name) {
  const json::Value* value = data.find(name);
  return value == nullptr || value->is_null() ? nullptr : value;
}

}  // namespace

EndpointMatch find_endpoint(const std::string& path) {
  EndpointMatch match;
  for (const Endpoint& endpoint : kEndpoints) {
    if (endpoint.path == path) return {&endpoint, ""};
    if (endpoint.path.ends_with('/') && path.starts_with(endpoint.path)) {
      match = {&endpoint, path.substr(endpoint.path.size())};
    }
  }
  return match;
}

Error unsupported() { return Error(Code::kUnsupported, "operation", "unsupported operation"); }

bool is_write(const Call& call) {
  return call.operation == logical::Operation::kUpdate ||
         call.operation == logical::Operation::kCreate;
}

Result<std::optional<std::string>> text_field(const json::Object& data, std::string_view name) {
  const json::Value* value = member(data, name);
  if (value == nullptr) return std::optional<std::string>();
  if (value->as_string() == nullptr) return bad_field(name, "text");
  return std::optional<std::string>(*value->as_string());
}

Result<std::string> required_text(const json::Object& data, std::string_view name) {
  APM_TRY(std::optional<std::string> text, text_field(data, name));
  if (!text || text->empty()) {
    return Error(Code::kInvalidArgument, "field", concat("missing ", name));
  }
  return std::move(*text);
}

Result<std::uint64_t> ttl_field(const json::Object& data, std::string_view name) {
  constexpr std::uint64_t kMaxS = std::uint64_t{1} << 40;
  const json::Value* value = member(data, name);
  if (value == nullptr) return std::uint64_t{0};
  std::optional<std::uint64_t> seconds = value->as_uint();
  if (const std::string* text = value->as_string()) {
    seconds = text->empty() ? 0 : parse_duration_s(*text);
  }
  if (!seconds || *seconds > kMaxS) {
    return bad_field(name, "a duration, for example \"1h\" or 3600");
  }
  return *seconds;
}

Result<std::uint64_t> count_field(const json::Object& data, std::string_view name) {
  const json::Value* value = member(data, name);
  if (value == nullptr) return std::uint64_t{0};
  std::optional<std::uint64_t> number = value->as_uint();
  if (const std::string* text = value->as_string()) number = parse_u64(*text);
  if (!number) return bad_field(name, "a whole number that is not negative");
  return *number;
}

Result<bool> flag_field(const json::Object& data, std::string_view name, bool fallback) {
  const json::Value* value = member(data, name);
  if (value == nullptr) return fallback;
  if (const bool* flag = value->as_bool()) return *flag;
  if (const std::string* text = value->as_string()) {
    if (*text == "true") return true;
    if (*text == "false") return false;
  }
  return bad_field(name, "true or false");
}

Result<std::vector<std::string>> list_field(const json::Object& data, std::string_view name) {
  std::vector<std::string> list;
  const json::Value* value = member(data, name);
  if (value == nullptr) return list;
  if (const std::string* text = value->as_string()) {
    for (const std::string_view part : split(*text, ',')) {
      if (!trim(part).empty()) list.emplace_back(trim(part));
    }
    return list;
  }
  if (value->as_array() == nullptr) return bad_field(name, "a list of texts");
  for (const json::Value& item : *value->as_array()) {
    if (item.as_string() == nullptr) return bad_field(name, "a list of texts");
    list.push_back(*item.as_string());
  }
  return list;
}

void note_unknown(const Call& call, Answer& answer, std::initializer_list<std::string_view> known) {
  std::string names;
  for (const auto& [name, value] : call.data) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    names += (names.empty() ? "" : " ") + name;
  }
  if (!names.empty()) {
    answer.warnings.push_back("Endpoint ignored these unrecognized parameters: [" + names + "]");
  }
}

json::Object auth_block(const expiry::TokenEntry& entry, const std::string& token,
                        std::int64_t now_unix_s) {
  const json::Array policies(entry.policies.begin(), entry.policies.end());
  json::Value metadata;
  if (!entry.metadata.empty()) {
    json::Object members;
    for (const auto& [name, text] : entry.metadata) members.set(name, text);
    metadata = std::move(members);
  }
  return json::Object{{"client_token", token},
                      {"accessor", entry.accessor},
                      {"policies", policies},
                      {"token_policies", policies},
                      {"metadata", std::move(metadata)},
                      {"lease_duration", entry.ttl_s(now_unix_s)},
                      {"renewable", entry.renewable},
                      {"entity_id", ""},
                      {"token_type", "service"},
                      {"orphan", entry.orphan()},
                      {"mfa_requirement", json::Null()},
                      {"num_uses", entry.limited ? entry.uses_left : 0}};
}

}  // namespace apm::api
