// data/ and subkeys/: the values of a secret.

#include "crypto/secret_bytes.h"
#include "secrets/kv2/engine.h"
#include "secrets/kv2/fields.h"
#include "secrets/kv2/merge_patch.h"

namespace apm::secrets::kv2 {
namespace {

constexpr int kStatusNotFound = 404;

// The version that a read asks for; nothing when the secret does not have it.
Result<std::optional<std::uint64_t>> wanted_version(const logical::Request& request,
                                                    const Metadata& metadata) {
  APM_TRY(const std::uint64_t named, number_field(request.data, "version"));
  const std::uint64_t number = named == 0 ? metadata.current : named;
  if (!metadata.versions.contains(number)) return std::optional<std::uint64_t>();
  return std::optional<std::uint64_t>(number);
}

Status check_cas(const logical::Request& request, const Settings& mount, const Metadata& metadata) {
  APM_TRY(const std::optional<std::uint64_t> cas, cas_field(request.data));
  if (!cas && cas_required(mount, metadata.own)) {
    return Error(Code::kInvalidArgument, "kv_cas_required",
                 "check-and-set parameter required for this call");
  }
  if (cas && *cas != metadata.current) {
    return Error(Code::kInvalidArgument, "kv_cas_mismatch",
                 "check-and-set parameter did not match the current version");
  }
  return {};
}

// 404 with what is known of a version whose value nobody gets any more.
logical::Response gone(json::Object data) {
  logical::Response response;
  response.status = kStatusNotFound;
  response.data = std::move(data);
  return response;
}

}  // namespace

Result<logical::Response> Engine::serve_data(const logical::Request& request,
                                             const std::string& path) {
  switch (request.operation) {
    case logical::Operation::kRead: return read_data(request, path);
    case logical::Operation::kCreate:
    case logical::Operation::kUpdate: return write_data(request, path);
    case logical::Operation::kPatch: return patch_data(request, path);
    case logical::Operation::kDelete: return delete_current(path);
    case logical::Operation::kList: break;
  }
  return not_offered();
}

// Beside writers; among them when one of them removed what was about to be read.
Result<logical::Response> Engine::read_data(const logical::Request& request,
                                            const std::string& path) {
  APM_TRY(const std::optional<Held<Metadata>> secret, records_.find(path));
  Answer answer = read_held(request, path, secret);
  if (answer.ok() || answer.error().code != Code::kPrecondition) return answer;
  const auto read = [&](const std::optional<Held<Metadata>>& again) {
    return read_held(request, path, again);
  };
  return change(path, read);
}

Result<logical::Response> Engine::read_held(const logical::Request& request,
                                            const std::string& path,
                                            const std::optional<Held<Metadata>>& secret) {
  if (!secret) return absent();
  const Metadata& metadata = secret->content;
  APM_TRY(const std::optional<std::uint64_t> number, wanted_version(request, metadata));
  if (!number) return absent();
  json::Object shown{{"data", json::Null()}, {"metadata", describe_version(metadata, *number)}};
  if (!metadata.versions.at(*number).readable(now_ns())) return gone(std::move(shown));
  APM_TRY(json::Object value, records_.value(path, *secret, *number));
  shown.set("data", std::move(value));
  logical::Response response;
  response.data = std::move(shown);
  return response;
}

Result<logical::Response> Engine::serve_subkeys(const logical::Request& request,
                                                const std::string& path) {
  if (request.operation != logical::Operation::kRead) return not_offered();
  APM_TRY(const std::uint64_t depth, number_field(request.data, "depth"));
  APM_TRY(logical::Response response, read_data(request, path));
  json::Value* value = response.data->find("data");
  json::Value names;
  if (value->as_object() != nullptr) names = subkeys(*value->as_object(), depth);
  response.data->erase("data");
  response.data->set("subkeys", std::move(names));
  return response;
}

Result<logical::Response> Engine::write_data(const logical::Request& request,
                                             const std::string& path) {
  APM_TRY(const json::Object* data, data_field(request.data));
  APM_TRY(logical::Response response,
          change(path, [&](std::optional<Held<Metadata>> found) -> Answer {
            Held<Metadata> secret =
                found ? std::move(*found) : Held<Metadata>{new_metadata(now_ns()), {}};
            APM_TRY(const Held<Settings> mount, records_.settings());
            APM_CHECK_OK(check_cas(request, mount.content, secret.content));
            return add(path, std::move(secret), mount, *data);
          }));
  note_ignored(request, response, {"data", "options"});
  return response;
}

Result<logical::Response> Engine::patch_data(const logical::Request& request,
                                             const std::string& path) {
  APM_CHECK_OK(data_field(request.data));
  APM_TRY(logical::Response response,
          change(path, [&](std::optional<Held<Metadata>> found) -> Answer {
            if (!found) return absent();
            return patch_current(request, path, std::move(*found));
          }));
  note_ignored(request, response, {"data", "options"});
  return response;
}

Result<logical::Response> Engine::patch_current(const logical::Request& request,
                                                const std::string& path, Held<Metadata> secret) {
  APM_TRY(const json::Object* patch, data_field(request.data));
  APM_TRY(const Held<Settings> mount, records_.settings());
  const Metadata& metadata = secret.content;
  APM_CHECK_OK(check_cas(request, mount.content, metadata));
  const auto current = metadata.versions.find(metadata.current);
  if (current == metadata.versions.end()) return absent();
  if (!current->second.readable(now_ns())) {
    return gone(describe_version(metadata, metadata.current));
  }
  APM_TRY(json::Object value, records_.value(path, secret, metadata.current));
  merge_patch(value, *patch);
  return add(path, std::move(secret), mount, value);
}

Result<logical::Response> Engine::add(const std::string& path, Held<Metadata> secret,
                                      const Held<Settings>& mount, const json::Object& data) {
  ValueChange values;
  APM_TRY(values.text, value_text(data));
  APM_TRY(values.dropped, add_version(secret.content, mount.content, now_ns()));
  values.added = secret.content.current;
  values.under = mount;
  const Status stored = records_.put(path, secret, values);
  crypto::wipe(values.text);
  APM_CHECK_OK(stored);
  logical::Response response;
  response.data = describe_version(secret.content, secret.content.current);
  return response;
}

}  // namespace apm::secrets::kv2
