#include "secrets/kv2/engine.h"

#include "base/text.h"
#include "secrets/kv2/fields.h"

namespace apm::secrets::kv2 {
namespace {

constexpr int kStatusNotFound = 404;

// "data/a/b" is the area "data" and the secret "a/b".
struct Place {
  std::string area;
  std::string path;
};

Place place_of(const std::string& path) {
  const std::size_t slash = path.find('/');
  if (slash == std::string::npos) return {path, ""};
  return {path.substr(0, slash), path.substr(slash + 1)};
}

std::string_view verb_of(logical::Operation operation) {
  switch (operation) {
    case logical::Operation::kRead: return "get";
    case logical::Operation::kList: return "list";
    case logical::Operation::kCreate:
    case logical::Operation::kUpdate: return "put";
    case logical::Operation::kPatch: return "patch";
    case logical::Operation::kDelete: return "delete";
  }
  return "";
}

// Clients of version 1 find out by this warning that they talk to version 2.
logical::Response wrong_version(const logical::Request& request) {
  logical::Response response;
  response.status = kStatusNotFound;
  response.warnings.push_back(concat(
      "Invalid path for a versioned K/V secrets engine. See the API docs for the appropriate "
      "API endpoints to use. If using the Vault CLI, use 'vault kv ",
      verb_of(request.operation), "' for this operation."));
  return response;
}

}  // namespace

Error not_offered() { return Error(Code::kUnsupported, "kv_operation", "unsupported operation"); }

Error absent() { return Error(Code::kNotFound, "secret_absent", ""); }

bool is_write(const logical::Request& request) {
  return request.operation == logical::Operation::kCreate ||
         request.operation == logical::Operation::kUpdate;
}

void note_ignored(const logical::Request& request, logical::Response& response,
                  std::initializer_list<std::string_view> known) {
  std::string warning = ignored_members(request.data, known);
  if (!warning.empty()) response.warnings.push_back(std::move(warning));
}

Result<logical::Response> Engine::handle(const logical::Request& request) {
  const Place place = place_of(request.path);
  if (place.area == "config" && place.path.empty()) return serve_config(request);
  if (place.area == "data") return serve_data(request, place.path);
  if (place.area == "metadata") return serve_metadata(request, place.path);
  if (place.area == "subkeys") return serve_subkeys(request, place.path);
  if (place.area == "delete") return serve_delete(request, place.path);
  if (place.area == "undelete") return serve_undelete(request, place.path);
  if (place.area == "destroy") return serve_destroy(request, place.path);
  return wrong_version(request);
}

Result<std::optional<bool>> Engine::exists(const logical::Request& request) {
  const Place place = place_of(request.path);
  if (place.area != "data" && place.area != "metadata") return std::optional<bool>();
  APM_TRY(const auto secret, records_.find(place.path));
  return std::optional<bool>(secret.has_value());
}

Result<logical::Response> Engine::change(const std::string& path, const Work& work) {
  const MutexLock turn(locks_[std::hash<std::string>()(path) % locks_.size()]);
  for (int attempt = 0; attempt < kWriteAttemptsMax; ++attempt) {
    APM_TRY(std::optional<Held<Metadata>> secret, records_.find(path));
    Answer done = work(std::move(secret));
    if (done.ok() || done.error().code != Code::kPrecondition) return done;
  }
  return Error(Code::kUnavailable, "kv_contended",
               "another server keeps writing this secret: try again");
}

Result<logical::Response> Engine::serve_config(const logical::Request& request) {
  if (is_write(request)) return write_config(request);
  if (request.operation != logical::Operation::kRead) return not_offered();
  APM_TRY(const Held<Settings> settings, records_.settings());
  logical::Response response;
  response.data = json::Object();
  describe_settings(settings.content, *response.data);
  return response;
}

Result<logical::Response> Engine::write_config(const logical::Request& request) {
  const MutexLock turn(config_lock_);
  APM_TRY(Held<Settings> settings, records_.settings());
  APM_CHECK_OK(change_settings(settings.content, request.data, Whose::kMount));
  APM_CHECK_OK(records_.put_settings(settings));
  logical::Response response;
  note_ignored(request, response, {"max_versions", "cas_required", "delete_version_after"});
  return response;
}

}  // namespace apm::secrets::kv2
