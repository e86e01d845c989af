// auth/token/create and create-orphan.

#include <algorithm>

#include "api/authorise.h"
#include "api/endpoints.h"
#include "base/text.h"

namespace apm::api {
namespace {

Error bad(const char* reason, const char* message) {
  return Error(Code::kInvalidArgument, reason, message);
}

bool has_sudo(Core& core, const Call& call) { return authorise(core, call, true).ok(); }

bool contains(const std::vector<std::string>& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

// The asked policies in their one form, sorted; the parent's when none were asked.
Result<std::vector<std::string>> read_policies(const Call& call) {
  APM_TRY(const std::vector<std::string> asked, list_field(call.data, "policies"));
  APM_TRY(const bool no_default, flag_field(call.data, "no_default_policy", false));
  std::vector<std::string> policies;
  for (const std::string& name : asked.empty() ? call.caller.policies : asked) {
    policies.push_back(policy::normalise_name(name));
    if (policies.back().empty()) return bad("token_policies", "a policy's name is empty");
  }
  if (contains(policies, policy::kRootPolicy)) return std::vector<std::string>{"root"};
  if (no_default) {
    std::erase(policies, policy::kDefaultPolicy);
  } else {
    policies.emplace_back(policy::kDefaultPolicy);
  }
  std::sort(policies.begin(), policies.end());
  policies.erase(std::unique(policies.begin(), policies.end()), policies.end());
  return policies;
}

// A child may have what its parent has; more needs sudo, and root needs root.
Status check_policies(const Call& call, const std::vector<std::string>& policies, bool sudo) {
  if (call.caller.root) return {};
  if (contains(policies, policy::kRootPolicy)) {
    return bad("token_root", "root tokens may not be created without parent token being root");
  }
  if (sudo) return {};
  for (const std::string& name : policies) {
    if (name == policy::kDefaultPolicy || contains(call.caller.policies, name)) continue;
    return bad("token_policies", "child policies must be subset of parent");
  }
  return {};
}

Status read_metadata(const json::Object& data, std::map<std::string, std::string>& metadata) {
  const json::Value* meta = data.find("meta");
  if (meta == nullptr || meta->is_null()) return {};
  if (meta->as_object() == nullptr) return bad("field", "\"meta\" must be an object of texts");
  for (const auto& [name, value] : *meta->as_object()) {
    if (value.as_string() == nullptr) return bad("field", "\"meta\" must be an object of texts");
    metadata[name] = *value.as_string();
  }
  return {};
}

Status read_times(const json::Object& data, expiry::TokenSpec& spec) {
  APM_TRY(spec.ttl_s, ttl_field(data, "ttl"));
  if (spec.ttl_s == 0) {
    APM_TRY(spec.ttl_s, ttl_field(data, "lease"));
  }
  APM_TRY(spec.explicit_max_ttl_s, ttl_field(data, "explicit_max_ttl"));
  APM_TRY(spec.period_s, ttl_field(data, "period"));
  APM_TRY(spec.num_uses, count_field(data, "num_uses"));
  APM_TRY(spec.renewable, flag_field(data, "renewable", true));
  return {};
}

Status refuse_parents(Core& core, const Call& call) {
  if (call.token_id.empty()) return bad("token_parent", "batch tokens cannot create more tokens");
  APM_TRY(const expiry::TokenEntry parent, core.tokens().lookup(call.token));
  if (parent.limited) {
    return bad("token_parent", "restricted use token cannot generate child tokens");
  }
  return {};
}

Result<expiry::TokenSpec> read_spec(Core& core, const Call& call, bool orphan) {
  APM_TRY(const std::optional<std::string> type, text_field(call.data, "type"));
  if (type && !type->empty() && *type != "service") {
    return bad("token_type",
               "only tokens of type service are made here: batch tokens come from "
               "the attested login");
  }
  const bool sudo = has_sudo(core, call);
  expiry::TokenSpec spec;
  APM_TRY(const bool no_parent, flag_field(call.data, "no_parent", false));
  APM_TRY(const std::optional<std::string> id, text_field(call.data, "id"));
  APM_CHECK_OK(read_times(call.data, spec));
  spec.custom = id.value_or("");
  if (!sudo && (no_parent || !spec.custom.empty() || spec.period_s != 0)) {
    return bad("token_sudo", "root or sudo privileges required for an id, a period or no parent");
  }
  if (!orphan && !no_parent) spec.parent = call.token_id;
  APM_TRY(spec.policies, read_policies(call));
  APM_CHECK_OK(check_policies(call, spec.policies, sudo));
  APM_CHECK_OK(read_metadata(call.data, spec.metadata));
  APM_TRY(const std::optional<std::string> name, text_field(call.data, "display_name"));
  spec.display_name = name && !name->empty() ? "token-" + *name : "token";
  spec.path = call.path;
  // A root token ends only if somebody said when.
  spec.never_expires = contains(spec.policies, policy::kRootPolicy) && spec.ttl_s == 0 &&
                       spec.explicit_max_ttl_s == 0 && spec.period_s == 0;
  return spec;
}

Result<Answer> create(Core& core, Call& call, bool orphan) {
  if (!is_write(call)) return unsupported();
  APM_CHECK_OK(refuse_parents(core, call));
  APM_TRY(const expiry::TokenSpec spec, read_spec(core, call, orphan));
  APM_TRY(const expiry::NewToken made, core.tokens().create(spec));
  Answer answer;
  answer.auth = auth_block(made.entry, made.token, core.clock().unix_s());
  for (const std::string& name : spec.policies) {
    if (core.policies().exists(name)) continue;
    answer.warnings.push_back("Policy \"" + name + "\" does not exist");
  }
  note_unknown(
      call, answer,
      {"id", "policies", "meta", "no_parent", "no_default_policy", "renewable", "ttl", "lease",
       "explicit_max_ttl", "display_name", "num_uses", "period", "type", "entity_alias"});
  return answer;
}

}  // namespace

Result<Answer> serve_token_create(Core& core, Call& call, const std::string&) {
  return create(core, call, false);
}

Result<Answer> serve_token_create_orphan(Core& core, Call& call, const std::string&) {
  return create(core, call, true);
}

}  // namespace apm::api
