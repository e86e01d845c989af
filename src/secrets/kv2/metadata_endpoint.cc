// metadata/: what is known of a secret besides its values.

#include "secrets/kv2/engine.h"
#include "secrets/kv2/fields.h"

namespace apm::secrets::kv2 {
namespace {

constexpr std::string_view kCustom = "custom_metadata";

// Members that are null are left out of a write; a patch gives null its meaning.
json::Object without_nulls(const json::Object& data) {
  json::Object rest;
  for (const auto& [name, value] : data) {
    if (!value.is_null()) rest.set(name, value);
  }
  return rest;
}

bool changes_nothing(const json::Object& data) {
  return !names_a_setting(data) && data.find(kCustom) == nullptr;
}

// What the mount demands of all its secrets cannot be switched off for one.
void note_mandated(const json::Object& data, const Settings& mount, const Settings& own,
                   logical::Response& response) {
  if (!mount.cas_required || own.cas_required || data.find("cas_required") == nullptr) return;
  response.warnings.emplace_back(
      "\"cas_required\" set to false, but is mandated by backend config. This value will be "
      "ignored.");
}

void note_unknown(const logical::Request& request, logical::Response& response) {
  note_ignored(request, response,
               {"max_versions", "cas_required", "delete_version_after", kCustom});
}

}  // namespace

Result<logical::Response> Engine::serve_metadata(const logical::Request& request,
                                                 const std::string& path) {
  switch (request.operation) {
    case logical::Operation::kRead: return read_metadata(path);
    case logical::Operation::kCreate:
    case logical::Operation::kUpdate: return write_metadata(request, path);
    case logical::Operation::kPatch: return patch_metadata(request, path);
    case logical::Operation::kDelete: return delete_metadata(path);
    case logical::Operation::kList: break;
  }
  logical::Response response;
  APM_TRY(response.data, records_.list(path));
  return response;
}

Result<logical::Response> Engine::read_metadata(const std::string& path) {
  APM_TRY(const std::optional<Held<Metadata>> secret, records_.find(path));
  if (!secret) return absent();
  logical::Response response;
  response.data = describe_metadata(secret->content);
  return response;
}

Result<logical::Response> Engine::write_metadata(const logical::Request& request,
                                                 const std::string& path) {
  const json::Object data = without_nulls(request.data);
  return change(path, [&](std::optional<Held<Metadata>> found) -> Answer {
    logical::Response response;
    note_unknown(request, response);
    if (changes_nothing(data)) return response;
    Held<Metadata> secret = found ? std::move(*found) : Held<Metadata>{new_metadata(now_ns()), {}};
    APM_CHECK_OK(change_settings(secret.content.own, data, Whose::kSecret));
    if (const json::Value* custom = data.find(kCustom)) {
      APM_CHECK_OK(replace_custom(secret.content, *custom));
    }
    secret.content.updated_ns = now_ns();
    APM_TRY(const Held<Settings> mount, records_.settings());
    note_mandated(data, mount.content, secret.content.own, response);
    APM_CHECK_OK(records_.put(path, secret, {}));
    return response;
  });
}

Result<logical::Response> Engine::patch_metadata(const logical::Request& request,
                                                 const std::string& path) {
  return change(path, [&](std::optional<Held<Metadata>> secret) -> Answer {
    logical::Response response;
    note_unknown(request, response);
    if (changes_nothing(request.data)) return response;
    if (!secret) return absent();
    APM_CHECK_OK(change_settings(secret->content.own, request.data, Whose::kSecret));
    if (const json::Value* custom = request.data.find(kCustom)) {
      APM_CHECK_OK(patch_custom(secret->content, *custom));
    }
    secret->content.updated_ns = now_ns();
    APM_TRY(const Held<Settings> mount, records_.settings());
    note_mandated(request.data, mount.content, secret->content.own, response);
    APM_CHECK_OK(records_.put(path, *secret, {}));
    return response;
  });
}

Result<logical::Response> Engine::delete_metadata(const std::string& path) {
  return change(path, [&](std::optional<Held<Metadata>> secret) -> Answer {
    if (!secret) return logical::Response();
    APM_CHECK_OK(records_.erase(path, *secret));
    return logical::Response();
  });
}

}  // namespace apm::secrets::kv2
