// sys/capabilities, -self and -accessor: what a token may do at some paths.

#include "api/authorise.h"
#include "api/endpoints.h"
#include "api/limits.h"
#include "base/text.h"

namespace apm::api {
namespace {

Result<std::vector<std::string>> asked_paths(const json::Object& data) {
  APM_TRY(std::vector<std::string> paths, list_field(data, "paths"));
  if (paths.empty()) {
    APM_TRY(paths, list_field(data, "path"));
  }
  if (paths.empty()) {
    return Error(Code::kInvalidArgument, "field", "paths must be supplied");
  }
  if (paths.size() > kCapabilityPathsMax) {
    return Error(Code::kTooLarge, "paths_too_many",
                 concat("at most ", kCapabilityPathsMax, " paths are answered at once"));
  }
  return paths;
}

Result<Answer> tell(Core& core, const Call& call, const logical::Caller& caller) {
  if (!is_write(call)) return unsupported();
  APM_TRY(const std::vector<std::string> paths, asked_paths(call.data));
  json::Object data;
  for (const std::string& path : paths) {
    const std::vector<std::string> words = capabilities_of(core, caller, path);
    json::Array list(words.begin(), words.end());
    if (paths.size() == 1) data.set("capabilities", list);
    data.set(path, std::move(list));
  }
  Answer answer;
  answer.data = std::move(data);
  answer.flatten = true;
  return answer;
}

}  // namespace

Result<Answer> serve_capabilities(Core& core, Call& call, const std::string&) {
  Call other;
  APM_TRY(other.token, required_text(call.data, "token"));
  const Status known = resolve_caller(core, other);
  crypto::wipe(other.token);
  if (!known.ok()) return Error(Code::kInvalidArgument, "token_invalid", "invalid token");
  return tell(core, call, other.caller);
}

Result<Answer> serve_capabilities_self(Core& core, Call& call, const std::string&) {
  return tell(core, call, call.caller);
}

Result<Answer> serve_capabilities_accessor(Core& core, Call& call, const std::string&) {
  APM_TRY(const std::string accessor, required_text(call.data, "accessor"));
  const auto entry = core.tokens().lookup_accessor(accessor);
  if (!entry.ok()) return Error(Code::kInvalidArgument, "accessor_unknown", "invalid accessor");
  return tell(core, call, entry->caller());
}

}  // namespace apm::api
