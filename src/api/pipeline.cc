#include "api/pipeline.h"

#include "api/authorise.h"
#include "api/endpoints.h"
#include "api/envelope.h"
#include "api/request_reader.h"
#include "api/status.h"
#include "base/text.h"
#include "crypto/secret_bytes.h"
#include "ha/advert.h"

namespace apm::api {
namespace {

// Who serves a request: an endpoint of our own, or what is mounted there.
struct Target {
  EndpointMatch own;
  std::optional<mounts::Route> route;
  bool last_use = false;  // of the caller's token
};

Status check_phase(Core& core, const Call& call, const Endpoint* endpoint) {
  if (core.phase() == Phase::kServing) return {};
  const bool reads = call.method == "GET" || call.method == "HEAD";
  if (reads && endpoint != nullptr && endpoint->while_booting) return {};
  return Error(
      Code::kSealed, "starting",
      "the server is starting: only sys/health and sys/seal-status answer until it is ready");
}

logical::Request to_request(const Call& call, const mounts::Route& route) {
  logical::Request request;
  request.operation = call.operation;
  request.mount_path = route.mount_path;
  request.path = route.rest;
  request.data = call.data;
  request.caller = call.caller;
  request.remote_address = call.remote_address;
  request.request_id = call.request_id;
  return request;
}

// A write to what is absent is a create, for backends that can tell.
Status settle_operation(Call& call, const Target& target) {
  if (call.operation != logical::Operation::kUpdate || !target.route) return {};
  APM_TRY(const std::optional<bool> exists,
          target.route->backend->exists(to_request(call, *target.route)));
  if (exists && !*exists) call.operation = logical::Operation::kCreate;
  return {};
}

Status find_target(Core& core, Call& call, Target& target) {
  if (target.own.endpoint != nullptr) {
    call.mount_type = call.path.starts_with("auth/") ? "token" : "system";
    return {};
  }
  target.route = core.mounts().route(call.path);
  if (!target.route || !target.route->backend) {
    target.route.reset();
    return Error(Code::kNotFound, "route_absent",
                 concat("no handler for route \"", call.path, "\". route entry not found."));
  }
  call.mount_type = target.route->entry.type;
  return {};
}

// Token, operation, authorisation, one use of the token. A path that nobody serves is told only to
// callers whose policies reach it.
Status admit(Core& core, Call& call, Target& target) {
  const Status found = find_target(core, call, target);
  const Endpoint* endpoint = target.own.endpoint;
  const std::string rest = target.route ? target.route->rest : "";
  if (target.route && target.route->backend->unauthenticated(rest)) {
    crypto::wipe(call.token);
    call.token.clear();
    return {};
  }
  APM_CHECK_OK(resolve_caller(core, call));
  if (endpoint != nullptr && endpoint->access == Access::kOptionalToken) return {};
  if (!call.caller.authenticated) return authorise(core, call, false);
  APM_CHECK_OK(settle_operation(call, target));
  const bool needs_sudo = endpoint != nullptr
                              ? endpoint->access == Access::kSudo
                              : target.route && target.route->backend->needs_sudo(rest);
  APM_CHECK_OK(authorise(core, call, needs_sudo));
  APM_CHECK_OK(found);
  if (call.token_id.empty()) return {};
  APM_TRY(target.last_use, core.tokens().use(call.token_id));
  return {};
}

Status audit(Core& core, const Call& call, std::string_view type, const Result<Answer>* answer,
             const Status& admitted) {
  audit::Record record;
  record.type = type;
  record.time_ns = core.clock().unix_ns();
  record.request_id = call.request_id;
  record.operation = logical::operation_name(call.operation);
  record.path = call.path;
  record.mount_type = call.mount_type;
  record.data = &call.data;
  record.remote_address = call.remote_address;
  record.remote_port = call.remote_port;
  record.caller = &call.caller;
  record.client_token = call.token;
  if (!admitted.ok())
    record.error = concat(code_name(admitted.error().code), ": ", admitted.error().reason);
  if (answer != nullptr && answer->ok()) {
    if ((*answer)->data) record.response_data = &*(*answer)->data;
    const json::Value* token = (*answer)->auth ? (*answer)->auth->find("client_token") : nullptr;
    if (token != nullptr && token->as_string() != nullptr) {
      record.response_token = *token->as_string();
    }
    record.status = (*answer)->status != 0 ? (*answer)->status : 200;
  } else if (answer != nullptr) {
    record.error = concat(code_name(answer->error().code), ": ", answer->error().reason);
    record.status = http_status(answer->error().code);
  }
  const Status written = core.audit().write(record);
  if (written.ok()) return {};
  return Error(Code::kInternal, "audit_failed",
               "no audit device accepted the record: " + written.error().message);
}

Result<Answer> from_backend(Core& core, const Call& call, logical::Response response) {
  Answer answer;
  answer.status = response.status;
  answer.data = std::move(response.data);
  answer.warnings = std::move(response.warnings);
  answer.lease_duration_s = response.lease_duration_s;
  answer.renewable = response.renewable;
  if (!response.grant) return answer;
  const logical::Grant& grant = *response.grant;
  expiry::TokenSpec spec;
  for (const std::string& name : grant.policies)
    spec.policies.push_back(policy::normalise_name(name));
  spec.metadata = grant.metadata;
  spec.display_name = grant.display_name;
  spec.path = call.path;
  spec.auth_mount = call.path.substr(0, call.path.find('/', 5) + 1);
  spec.ttl_s = grant.ttl_s;
  spec.explicit_max_ttl_s = grant.explicit_max_ttl_s;
  spec.period_s = grant.period_s;
  spec.num_uses = grant.num_uses;
  spec.renewable = grant.renewable;
  for (const std::string& name : spec.policies) {
    if (name == policy::kRootPolicy) {
      return Error(Code::kInternal, "grant_root", "a login method granted the root policy");
    }
  }
  APM_TRY(const expiry::NewToken made, core.tokens().create(spec));
  answer.auth = auth_block(made.entry, made.token, core.clock().unix_s());
  return answer;
}

Result<Answer> dispatch(Core& core, Call& call, const Target& target) {
  if (target.own.endpoint != nullptr) {
    return target.own.endpoint->serve(core, call, target.own.rest);
  }
  APM_TRY(logical::Response response,
          target.route->backend->handle(to_request(call, *target.route)));
  return from_backend(core, call, std::move(response));
}

// What a node that stands by answers: where the active one is. The client asks there itself, so
// that its token and its secrets end in one TLS session with the node that serves (ADR 19).
Result<Answer> send_to_leader(Core& core, const Call& call) {
  if (call.path == "sys/seal" || call.path == "sys/step-down") {
    return Error(Code::kInvalidArgument, "standby",
                 call.path +
                     " concerns the node that is asked, and this one stands by: ask the "
                     "active node (sys/leader names it), or restart this one");
  }
  const std::optional<ha::Leader> leader = core.node()->leader();
  // Our own address is that of a server that was here before us.
  if (!leader || leader->self || !ha::is_api_address(leader->api_addr) ||
      leader->api_addr == core.info().api_address) {
    return Error(
        Code::kUnavailable, std::string(kNoActiveNode),
        "this node stands by, and no active node with an address is known: ask again soon");
  }
  Answer answer;
  answer.status = 307;
  answer.headers.push_back({"Location", leader->api_addr + call.target});
  return answer;
}

// False when somebody else may be active: then what was read may be old, and is not told.
bool still_active(const std::optional<ha::Gate::Pass>& pass) { return !pass || pass->valid(); }

Error not_active_any_more() {
  return Error(Code::kUnavailable, std::string(kNotActiveAnyMore),
               "this node stopped being the active one while it worked on the request, which may "
               "or may not have been done: ask again");
}

Result<Answer> serve(Core& core, Call& call, Target& target,
                     const std::optional<ha::Gate::Pass>& pass) {
  const Status admitted = admit(core, call, target);
  APM_CHECK_OK(audit(core, call, "request", nullptr, admitted));
  APM_CHECK_OK(admitted);

  Result<Answer> answer = dispatch(core, call, target);
  if (target.last_use && core.active()) APM_CHECK_OK(core.tokens().revoke(call.token_id));
  const bool ends_term = answer.ok() && answer->ends_term;
  if (!ends_term && !still_active(pass)) answer = not_active_any_more();
  APM_CHECK_OK(audit(core, call, "response", &answer, {}));
  return answer;
}

// The order of a request.
Result<Answer> run(Core& core, Call& call) {
  Target target;
  target.own = find_endpoint(call.path);
  const Endpoint* endpoint = target.own.endpoint;
  APM_CHECK_OK(check_phase(core, call, endpoint));
  if (endpoint != nullptr && endpoint->access == Access::kOpen) {
    return endpoint->serve(core, call, target.own.rest);
  }
  if (!core.unsealed()) return Error(Code::kSealed, "sealed", "Vault is sealed");
  const std::optional<ha::Gate::Pass> pass =
      core.node() == nullptr ? std::nullopt : core.node()->gate().enter();
  if (core.node() != nullptr && !pass) return send_to_leader(core, call);
  Result<Answer> answer = serve(core, call, target, pass);
  // A refusal, too, says what is in the store.
  if (!answer.ok() && !still_active(pass)) return not_active_any_more();
  return answer;
}

void log_private(Core& core, const Call& call, const Error& error) {
  if (is_public(error.code)) return;
  core.log().error("api", "a request failed",
                   {{"request_id", call.request_id},
                    {"path", call.path},
                    {"code", std::string(code_name(error.code))},
                    {"reason", error.reason},
                    {"detail", error.message}});
}

}  // namespace

http::Response Pipeline::handle(http::Request& request) {
  Result<Call> call = read_call(request);
  if (!call.ok()) return failure(call.error());
  const Result<Answer> answer = run(core_, *call);
  crypto::wipe(call->token);
  if (answer.ok()) return success(*call, *answer);
  log_private(core_, *call, answer.error());
  http::Response response = failure(answer.error());
  if (call->method == "HEAD") response.body.clear();
  return response;
}

}  // namespace apm::api
