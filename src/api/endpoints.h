#pragma once

// The endpoints that the API serves itself: sys/ and auth/token/. The table in endpoints.cc says
// who may ask; each group's functions stand in the file of its name.

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "api/call.h"
#include "api/core.h"

namespace apm::api {

enum class Access {
  kOpen,           // no token, no audit, also while sealed: answers bare JSON
  kOptionalToken,  // the endpoint itself decides what this caller sees
  kToken,          // the ACL decides
  kSudo,           // and it must grant sudo
};

using Serve = Result<Answer> (*)(Core& core, Call& call, const std::string& rest);

struct Endpoint {
  std::string_view path;  // ending in '/': everything below it
  Access access;
  bool while_booting;
  Serve serve;
};

struct EndpointMatch {
  const Endpoint* endpoint = nullptr;
  std::string rest;  // behind a path that ends in '/'
};
[[nodiscard]] EndpointMatch find_endpoint(const std::string& path);

// sys_status.cc, sys_leader.cc, sys_init.cc, sys_seal.cc
Result<Answer> serve_health(Core& core, Call& call, const std::string& rest);
Result<Answer> serve_step_down(Core& core, Call& call, const std::string& rest);
Result<Answer> serve_leader(Core& core, Call& call, const std::string& rest);
Result<Answer> serve_init(Core& core, Call& call, const std::string& rest);
Result<Answer> serve_seal_status(Core& core, Call& call, const std::string& rest);
Result<Answer> serve_unseal(Core& core, Call& call, const std::string& rest);
Result<Answer> serve_seal(Core& core, Call& call, const std::string& rest);
// sys_mounts.cc
Result<Answer> serve_mounts(Core& core, Call& call, const std::string& rest);
Result<Answer> serve_mount(Core& core, Call& call, const std::string& rest);
Result<Answer> serve_auths(Core& core, Call& call, const std::string& rest);
Result<Answer> serve_auth(Core& core, Call& call, const std::string& rest);
// sys_policies.cc
Result<Answer> serve_policies(Core& core, Call& call, const std::string& rest);
Result<Answer> serve_policy(Core& core, Call& call, const std::string& rest);
Result<Answer> serve_policies_legacy(Core& core, Call& call, const std::string& rest);
Result<Answer> serve_policy_legacy(Core& core, Call& call, const std::string& rest);
// sys_capabilities.cc
Result<Answer> serve_capabilities(Core& core, Call& call, const std::string& rest);
Result<Answer> serve_capabilities_self(Core& core, Call& call, const std::string& rest);
Result<Answer> serve_capabilities_accessor(Core& core, Call& call, const std::string& rest);
// sys_internal.cc
Result<Answer> serve_ui_mounts(Core& core, Call& call, const std::string& rest);
Result<Answer> serve_ui_mount(Core& core, Call& call, const std::string& rest);
Result<Answer> serve_audit_devices(Core& core, Call& call, const std::string& rest);
// sys_apm.cc
Result<Answer> serve_apm_status(Core& core, Call& call, const std::string& rest);
Result<Answer> serve_handover(Core& core, Call& call, const std::string& rest);
Result<Answer> serve_handover_confirm(Core& core, Call& call, const std::string& rest);
// sys_snapshot.cc
Result<Answer> serve_snapshot_save(Core& core, Call& call, const std::string& rest);
Result<Answer> serve_snapshot_restore(Core& core, Call& call, const std::string& rest);
// token_create.cc, token_lookup.cc
Result<Answer> serve_token_create(Core& core, Call& call, const std::string& rest);
Result<Answer> serve_token_create_orphan(Core& core, Call& call, const std::string& rest);
Result<Answer> serve_token_lookup(Core& core, Call& call, const std::string& rest);
Result<Answer> serve_token_lookup_self(Core& core, Call& call, const std::string& rest);
Result<Answer> serve_token_lookup_accessor(Core& core, Call& call, const std::string& rest);
Result<Answer> serve_token_accessors(Core& core, Call& call, const std::string& rest);
Result<Answer> serve_token_renew(Core& core, Call& call, const std::string& rest);
Result<Answer> serve_token_renew_self(Core& core, Call& call, const std::string& rest);
Result<Answer> serve_token_revoke(Core& core, Call& call, const std::string& rest);
Result<Answer> serve_token_revoke_self(Core& core, Call& call, const std::string& rest);
Result<Answer> serve_token_revoke_accessor(Core& core, Call& call, const std::string& rest);
Result<Answer> serve_token_revoke_orphan(Core& core, Call& call, const std::string& rest);

// --- Shared by the groups ---
[[nodiscard]] Error unsupported();
[[nodiscard]] bool is_write(const Call& call);  // create or update
// Text member; nothing when absent or null; kInvalidArgument "field" when it is no text.
[[nodiscard]] Result<std::optional<std::string>> text_field(const json::Object& data,
                                                            std::string_view name);
[[nodiscard]] Result<std::string> required_text(const json::Object& data, std::string_view name);
// Whole seconds or a Go-style duration, as number or text; 0 when absent.
[[nodiscard]] Result<std::uint64_t> ttl_field(const json::Object& data, std::string_view name);
[[nodiscard]] Result<std::uint64_t> count_field(const json::Object& data, std::string_view name);
[[nodiscard]] Result<bool> flag_field(const json::Object& data, std::string_view name,
                                      bool fallback);
// A list of texts, or one text with commas.
[[nodiscard]] Result<std::vector<std::string>> list_field(const json::Object& data,
                                                          std::string_view name);
// Adds Vault's warning about members that this endpoint does not know.
void note_unknown(const Call& call, Answer& answer, std::initializer_list<std::string_view> known);
// "auth" of an answer that hands out or renews a service token.
[[nodiscard]] json::Object auth_block(const expiry::TokenEntry& entry, const std::string& token,
                                      std::int64_t now_unix_s);

}  // namespace apm::api
