// sys/mounts and sys/auth: what is mounted, and mounting.

#include "api/endpoints.h"
#include "base/text.h"
#include "expiry/limits.h"
#include "secrets/catalog.h"

namespace apm::api {
namespace {

using mounts::Kind;

constexpr std::string_view kTune = "/tune";

Error no_mount(const std::string& path) {
  return Error(Code::kInvalidArgument, "mount_absent",
               "No secret engine or login method at " + path);
}

Answer list_mounts(Core& core, Kind kind) {
  json::Object data;
  for (const mounts::Entry& entry : core.mounts().list(kind)) {
    data.set(entry.path, mounts::describe(entry, kind));
  }
  Answer answer;
  answer.data = std::move(data);
  answer.flatten = true;
  return answer;
}

std::uint64_t or_default(std::uint64_t ttl_s, std::uint64_t fallback_s) {
  return ttl_s != 0 ? ttl_s : fallback_s;
}

Answer describe_tune(const mounts::Entry& entry) {
  json::Object options;
  for (const auto& [name, text] : entry.options) options.set(name, text);
  Answer answer;
  answer.data = json::Object{
      {"default_lease_ttl", or_default(entry.default_lease_ttl_s, expiry::kTtlDefaultS)},
      {"max_lease_ttl", or_default(entry.max_lease_ttl_s, expiry::kTtlMaxS)},
      {"description", entry.description},
      {"force_no_cache", false},
      {"options", std::move(options)}};
  answer.flatten = true;
  return answer;
}

Result<std::map<std::string, std::string>> read_options(const json::Object& data) {
  std::map<std::string, std::string> options;
  const json::Value* member = data.find("options");
  if (member == nullptr || member->is_null()) return options;
  if (member->as_object() == nullptr) {
    return Error(Code::kInvalidArgument, "field", "\"options\" must be an object of texts");
  }
  for (const auto& [name, value] : *member->as_object()) {
    if (const std::string* text = value.as_string()) {
      options[name] = *text;
    } else if (const auto number = value.as_uint()) {
      options[name] = std::to_string(*number);
    } else {
      return Error(Code::kInvalidArgument, "field", "\"options\" must be an object of texts");
    }
  }
  return options;
}

// A mount keeps the options that it was made with; naming them again is fine. The version above all
// is what its records are, and they are not rewritten.
Status check_options_kept(const mounts::Entry& entry,
                          const std::map<std::string, std::string>& options) {
  for (const auto& [name, text] : options) {
    const auto present = entry.options.find(name);
    if (name == "version" || (present != entry.options.end() && present->second == text)) continue;
    return Error(Code::kInvalidArgument, "mount_option",
                 concat("the option ", name, " of a mount is chosen when it is made"));
  }
  const auto wanted = options.find("version");
  const std::string present = secrets::engine_version({entry.type, entry.options});
  if (wanted == options.end() || wanted->second == present) return {};
  return Error(Code::kInvalidArgument, "kv_upgrade_unsupported",
               concat("this server does not change the version of a mount in place (", entry.path,
                      " has version ", present, "): mount another one with version ",
                      wanted->second, " and copy what is in this one"));
}

Result<Answer> enable(Core& core, Call& call, Kind kind, const std::string& path) {
  mounts::MountSpec spec;
  spec.path = path;
  APM_TRY(spec.type, required_text(call.data, "type"));
  APM_TRY(const std::optional<std::string> description, text_field(call.data, "description"));
  spec.description = description.value_or("");
  APM_TRY(spec.options, read_options(call.data));
  if (kind == Kind::kSecret) {
    APM_TRY(secrets::EngineType engine, secrets::plain_type({spec.type, spec.options}));
    spec.type = std::move(engine.type);
    spec.options = std::move(engine.options);
  }
  if (const json::Value* config = call.data.find("config"); config != nullptr) {
    if (const json::Object* members = config->as_object()) {
      APM_TRY(spec.default_lease_ttl_s, ttl_field(*members, "default_lease_ttl"));
      APM_TRY(spec.max_lease_ttl_s, ttl_field(*members, "max_lease_ttl"));
    }
  }
  APM_CHECK_OK(core.mounts().enable(kind, spec));
  Answer answer;
  note_unknown(call, answer,
               {"type", "description", "options", "config", "local", "seal_wrap",
                "external_entropy_access", "plugin_name", "plugin_version"});
  return answer;
}

Result<Answer> tune(Core& core, Call& call, Kind kind, const std::string& path) {
  const auto entry = core.mounts().find(kind, path);
  if (!entry) return no_mount(path);
  if (call.operation == logical::Operation::kRead) return describe_tune(*entry);
  if (!is_write(call)) return unsupported();
  APM_TRY(const auto options, read_options(call.data));
  APM_CHECK_OK(check_options_kept(*entry, options));
  mounts::TuneSpec spec;
  APM_TRY(spec.description, text_field(call.data, "description"));
  if (call.data.find("default_lease_ttl") != nullptr) {
    APM_TRY(spec.default_lease_ttl_s, ttl_field(call.data, "default_lease_ttl"));
  }
  if (call.data.find("max_lease_ttl") != nullptr) {
    APM_TRY(spec.max_lease_ttl_s, ttl_field(call.data, "max_lease_ttl"));
  }
  APM_CHECK_OK(core.mounts().tune(kind, path, spec));
  Answer answer;
  note_unknown(call, answer, {"description", "default_lease_ttl", "max_lease_ttl", "options"});
  return answer;
}

Result<Answer> one_mount(Core& core, Call& call, Kind kind, const std::string& rest) {
  if (rest.ends_with(kTune)) {
    return tune(core, call, kind, rest.substr(0, rest.size() - kTune.size()));
  }
  if (call.operation == logical::Operation::kRead) {
    const auto entry = core.mounts().find(kind, rest);
    if (!entry) return no_mount(rest);
    Answer answer;
    answer.data = mounts::describe(*entry, kind);
    answer.flatten = true;
    return answer;
  }
  if (is_write(call)) return enable(core, call, kind, rest);
  if (call.operation != logical::Operation::kDelete) return unsupported();
  APM_CHECK_OK(core.mounts().disable(kind, rest));
  return Answer();
}

}  // namespace

Result<Answer> serve_mounts(Core& core, Call& call, const std::string&) {
  if (call.operation != logical::Operation::kRead) return unsupported();
  return list_mounts(core, Kind::kSecret);
}

Result<Answer> serve_mount(Core& core, Call& call, const std::string& rest) {
  return one_mount(core, call, Kind::kSecret, rest);
}

Result<Answer> serve_auths(Core& core, Call& call, const std::string&) {
  if (call.operation != logical::Operation::kRead) return unsupported();
  return list_mounts(core, Kind::kAuth);
}

Result<Answer> serve_auth(Core& core, Call& call, const std::string& rest) {
  return one_mount(core, call, Kind::kAuth, rest);
}

}  // namespace apm::api
