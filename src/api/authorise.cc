#include "api/authorise.h"

#include <algorithm>

#include "api/status.h"
#include "base/text.h"

namespace apm::api {
namespace {

Status resolve_batch(Core& core, Call& call) {
  APM_TRY(expiry::OpenedBatchToken opened, core.batch_tokens().open(call.token));
  const auto route = core.mounts().route(opened.caller.auth_mount);
  if (!route || !route->backend) {
    return Error(Code::kUnauthenticated, "token_invalid", "the token's login method is gone");
  }
  call.caller = std::move(opened.caller);
  call.caller.policies = {std::string(kEnclavePolicy), std::string(policy::kDefaultPolicy)};
  call.token_issued_s = opened.issued_unix_s;
  call.token_expires_s = opened.expires_unix_s;
  return {};
}

// One word for all writes: create and update would tell whether the item exists.
std::string_view doing(logical::Operation operation) {
  switch (operation) {
    case logical::Operation::kRead: return "reading";
    case logical::Operation::kList: return "listing";
    case logical::Operation::kCreate:
    case logical::Operation::kUpdate:
    case logical::Operation::kPatch: return "writing";
    case logical::Operation::kDelete: return "deleting";
  }
  return "";
}

// An attested caller knows his own ids, and needs them to ask for an authorization. The text is the
// same whether the path exists or not.
// Unless the method where he logged in is configured to tell more.
std::string told_by_method(Core& core, const Call& call) {
  const auto route = core.mounts().route(call.caller.auth_mount);
  if (call.operation != logical::Operation::kRead || !route || !route->backend) return "";
  logical::Request request;
  request.operation = call.operation;
  request.path = call.path;
  request.caller = call.caller;
  request.remote_address = call.remote_address;
  request.request_id = call.request_id;
  return route->backend->read_refused(request);
}

Error denied(Core& core, const Call& call) {
  if (!call.caller.identity) return Error(Code::kPermissionDenied, "acl_denied", "");
  const std::string more = told_by_method(core, call);
  const logical::AttestedIdentity& who = *call.caller.identity;
  return Error(Code::kPermissionDenied, std::string(kNotAuthorised),
               concat("no authorization names enclave ", who.enclave_id, " of signer ",
                      who.signer_id.empty() ? "none" : who.signer_id, " for ",
                      doing(call.operation), " ", call.path, more.empty() ? "" : ": ", more));
}

}  // namespace

Status resolve_caller(Core& core, Call& call) {
  if (call.token.empty()) return {};
  if (expiry::is_batch_token(call.token)) return resolve_batch(core, call);
  APM_TRY(const expiry::TokenEntry entry, core.tokens().lookup(call.token));
  call.caller = entry.caller();
  call.token_id = entry.id;
  return {};
}

bool authorised_to_read(Core& core, const logical::Caller& caller, const std::string& full_path) {
  if (!caller.identity) return false;
  const auto route = core.mounts().route(caller.auth_mount);
  return route && route->backend &&
         route->backend->authorises(*caller.identity, logical::Operation::kRead, full_path);
}

Status authorise(Core& core, const Call& call, bool needs_sudo) {
  if (!call.caller.authenticated) {
    return Error(Code::kUnauthenticated, "token_missing", "the request carries no token");
  }
  if (call.caller.root) return {};
  const bool writes = call.operation == logical::Operation::kCreate ||
                      call.operation == logical::Operation::kUpdate ||
                      call.operation == logical::Operation::kPatch;
  const bool lists = call.operation == logical::Operation::kList;
  const policy::Acl acl = core.policies().acl(call.caller.policies);
  const policy::Decision decision = acl.decide(lists ? call.path + "/" : call.path, call.operation,
                                               writes ? &call.data : nullptr);
  if (decision.allowed && (decision.sudo || !needs_sudo)) return {};
  if (!needs_sudo && call.operation == logical::Operation::kRead &&
      authorised_to_read(core, call.caller, call.path)) {
    return {};
  }
  return denied(core, call);
}

std::vector<std::string> capabilities_of(Core& core, const logical::Caller& caller,
                                         const std::string& path) {
  std::vector<std::string> words = core.policies().acl(caller.policies).capabilities(path);
  if (!authorised_to_read(core, caller, path)) return words;
  if (words == std::vector<std::string>{"deny"}) words.clear();
  words.emplace_back("read");
  std::sort(words.begin(), words.end());
  words.erase(std::unique(words.begin(), words.end()), words.end());
  return words;
}

}  // namespace apm::api
