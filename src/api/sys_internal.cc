// sys/internal/ui/mounts, which clients ask before they touch a kv path, and sys/audit.

#include "api/authorise.h"
#include "api/endpoints.h"
#include "base/text.h"

namespace apm::api {
namespace {

json::Object visible(Core& core, const policy::Acl& acl, mounts::Kind kind) {
  json::Object shown;
  const std::string prefix = kind == mounts::Kind::kAuth ? "auth/" : "";
  for (const mounts::Entry& entry : core.mounts().list(kind)) {
    if (acl.touches(prefix + entry.path)) shown.set(entry.path, mounts::describe(entry, kind));
  }
  return shown;
}

Error preflight_denied(const std::string& path) {
  return Error(Code::kPermissionDenied, "preflight",
               concat("preflight capability check returned 403, please ensure client's policies "
                      "grant access to path \"",
                      path, "/\""));
}

}  // namespace

Result<Answer> serve_ui_mounts(Core& core, Call& call, const std::string&) {
  if (call.operation != logical::Operation::kRead) return unsupported();
  Answer answer;
  if (!call.caller.authenticated) {
    answer.data = json::Object{{"auth", json::Object()}, {"secret", json::Object()}};
    return answer;
  }
  const policy::Acl acl = core.policies().acl(call.caller.policies);
  answer.data = json::Object{{"auth", visible(core, acl, mounts::Kind::kAuth)},
                             {"secret", visible(core, acl, mounts::Kind::kSecret)}};
  return answer;
}

Result<Answer> serve_ui_mount(Core& core, Call& call, const std::string& rest) {
  if (call.operation != logical::Operation::kRead) return unsupported();
  if (!call.caller.authenticated) return preflight_denied(rest);
  const auto route = core.mounts().route(rest);
  if (!route) return preflight_denied(rest);
  const policy::Acl acl = core.policies().acl(call.caller.policies);
  if (!acl.touches(route->mount_path) && !authorised_to_read(core, call.caller, rest)) {
    return preflight_denied(rest);
  }
  Answer answer;
  json::Object data = mounts::describe(route->entry, route->kind);
  data.set("path", route->mount_path);
  answer.data = std::move(data);
  return answer;
}

Result<Answer> serve_audit_devices(Core& core, Call& call, const std::string&) {
  if (call.operation != logical::Operation::kRead) return unsupported();
  json::Object data;
  for (const std::string& name : core.audit().device_names()) {
    data.set(name + "/", json::Object{{"type", "file"}, {"path", name + "/"}, {"local", false}});
  }
  Answer answer;
  answer.data = std::move(data);
  answer.flatten = true;
  return answer;
}

}  // namespace apm::api
