// auth/token/lookup*, accessors, renew* and revoke*.

#include "api/authorise.h"
#include "api/endpoints.h"

namespace apm::api {
namespace {

json::Value time_or_null(std::int64_t unix_s) {
  if (unix_s == 0) return {};
  return rfc3339(unix_s);
}

json::Object describe(const expiry::TokenEntry& entry, std::string_view token, std::int64_t now) {
  json::Value meta;
  if (!entry.metadata.empty()) {
    json::Object members;
    for (const auto& [name, text] : entry.metadata) members.set(name, text);
    meta = std::move(members);
  }
  json::Object data{{"id", token},
                    {"accessor", entry.accessor},
                    {"policies", json::Array(entry.policies.begin(), entry.policies.end())},
                    {"path", entry.path},
                    {"meta", std::move(meta)},
                    {"display_name", entry.display_name},
                    {"num_uses", entry.limited ? entry.uses_left : 0},
                    {"orphan", entry.orphan()},
                    {"creation_time", entry.created_unix_s},
                    {"creation_ttl", entry.creation_ttl_s},
                    {"issue_time", rfc3339(entry.created_unix_s)},
                    {"expire_time", time_or_null(entry.expires_unix_s)},
                    {"ttl", entry.ttl_s(now)},
                    {"explicit_max_ttl", entry.explicit_max_ttl_s},
                    {"entity_id", ""},
                    {"type", "service"},
                    {"renewable", entry.renewable}};
  if (entry.period_s != 0) data.set("period", entry.period_s);
  if (entry.last_renewal_unix_s != 0) {
    data.set("last_renewal", rfc3339(entry.last_renewal_unix_s));
    data.set("last_renewal_time", entry.last_renewal_unix_s);
  }
  return data;
}

json::Object describe_batch(const Call& call, std::int64_t now) {
  const logical::Caller& caller = call.caller;
  json::Value meta;
  if (caller.identity) {
    meta = json::Object{{"enclave_id", caller.identity->enclave_id},
                        {"signer_id", caller.identity->signer_id},
                        {"family", caller.identity->family},
                        {"trust_anchor", caller.identity->trust_anchor}};
  }
  return json::Object{{"id", call.token},
                      {"accessor", caller.accessor},
                      {"policies", json::Array(caller.policies.begin(), caller.policies.end())},
                      {"path", caller.auth_mount + "login"},
                      {"meta", std::move(meta)},
                      {"display_name", caller.display_name},
                      {"num_uses", 0},
                      {"orphan", true},
                      {"creation_time", call.token_issued_s},
                      {"creation_ttl", call.token_expires_s - call.token_issued_s},
                      {"issue_time", rfc3339(call.token_issued_s)},
                      {"expire_time", rfc3339(call.token_expires_s)},
                      {"ttl", call.token_expires_s > now ? call.token_expires_s - now : 0},
                      {"explicit_max_ttl", 0},
                      {"entity_id", ""},
                      {"type", "batch"},
                      {"renewable", false}};
}

Answer with_data(json::Object data) {
  Answer answer;
  answer.data = std::move(data);
  return answer;
}

Error bad_token() { return Error(Code::kPermissionDenied, "token_unknown", "bad token"); }

Result<Answer> self(Core& core, const Call& call) {
  const std::int64_t now = core.clock().unix_s();
  if (call.token_id.empty()) return with_data(describe_batch(call, now));
  const auto entry = core.tokens().lookup(call.token);
  if (!entry.ok()) return bad_token();
  return with_data(describe(*entry, call.token, now));
}

Result<Answer> renew(Core& core, const Call& call, const std::string& token) {
  if (!is_write(call)) return unsupported();
  if (expiry::is_batch_token(token)) {
    return Error(Code::kInvalidArgument, "token_not_renewable", "batch tokens cannot be renewed");
  }
  APM_TRY(const std::uint64_t increment_s, ttl_field(call.data, "increment"));
  const auto entry = core.tokens().lookup(token);
  if (!entry.ok()) return bad_token();
  APM_TRY(const expiry::TokenEntry renewed, core.tokens().renew(entry->id, increment_s));
  Answer answer;
  answer.auth = auth_block(renewed, token, core.clock().unix_s());
  return answer;
}

Error batch_revocation() {
  return Error(Code::kInvalidArgument, "token_batch", "batch tokens cannot be revoked");
}

}  // namespace

Result<Answer> serve_token_lookup(Core& core, Call& call, const std::string&) {
  if (call.operation == logical::Operation::kRead && call.data.find("token") == nullptr) {
    return self(core, call);
  }
  Call other;
  APM_TRY(other.token, required_text(call.data, "token"));
  if (!resolve_caller(core, other).ok()) return bad_token();
  return self(core, other);
}

Result<Answer> serve_token_lookup_self(Core& core, Call& call, const std::string&) {
  if (call.operation != logical::Operation::kRead && !is_write(call)) return unsupported();
  return self(core, call);
}

Result<Answer> serve_token_lookup_accessor(Core& core, Call& call, const std::string&) {
  if (!is_write(call)) return unsupported();
  APM_TRY(const std::string accessor, required_text(call.data, "accessor"));
  const auto entry = core.tokens().lookup_accessor(accessor);
  if (!entry.ok()) {
    return Error(Code::kPermissionDenied, "accessor_unknown", "invalid accessor");
  }
  return with_data(describe(*entry, "", core.clock().unix_s()));
}

Result<Answer> serve_token_accessors(Core& core, Call& call, const std::string&) {
  if (call.operation != logical::Operation::kList) return unsupported();
  APM_TRY(const std::vector<std::string> accessors, core.tokens().accessors());
  return with_data(json::Object{{"keys", json::Array(accessors.begin(), accessors.end())}});
}

Result<Answer> serve_token_renew(Core& core, Call& call, const std::string&) {
  APM_TRY(const std::string token, required_text(call.data, "token"));
  return renew(core, call, token);
}

Result<Answer> serve_token_renew_self(Core& core, Call& call, const std::string&) {
  return renew(core, call, call.token);
}

Result<Answer> serve_token_revoke(Core& core, Call& call, const std::string&) {
  if (!is_write(call)) return unsupported();
  APM_TRY(const std::string token, required_text(call.data, "token"));
  if (expiry::is_batch_token(token)) return batch_revocation();
  const auto entry = core.tokens().lookup(token);
  if (!entry.ok()) return Answer();  // what is over needs no revocation
  APM_CHECK_OK(core.tokens().revoke(entry->id));
  return Answer();
}

Result<Answer> serve_token_revoke_self(Core& core, Call& call, const std::string&) {
  if (!is_write(call)) return unsupported();
  if (call.token_id.empty()) return batch_revocation();
  APM_CHECK_OK(core.tokens().revoke(call.token_id));
  return Answer();
}

Result<Answer> serve_token_revoke_accessor(Core& core, Call& call, const std::string&) {
  if (!is_write(call)) return unsupported();
  APM_TRY(const std::string accessor, required_text(call.data, "accessor"));
  const auto entry = core.tokens().lookup_accessor(accessor);
  if (!entry.ok()) {
    return Error(Code::kInvalidArgument, "accessor_unknown", "invalid accessor");
  }
  APM_CHECK_OK(core.tokens().revoke(entry->id));
  return Answer();
}

Result<Answer> serve_token_revoke_orphan(Core& core, Call& call, const std::string&) {
  if (!is_write(call)) return unsupported();
  APM_TRY(const std::string token, required_text(call.data, "token"));
  const auto entry = core.tokens().lookup(token);
  if (!entry.ok())
    return Error(Code::kInvalidArgument, "token_unknown", "token to revoke not found");
  APM_CHECK_OK(core.tokens().revoke_orphan(entry->id));
  return Answer();
}

}  // namespace apm::api
