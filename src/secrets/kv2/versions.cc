// delete/, undelete/, destroy/, and DELETE of data/: what happens to single versions. Versions that
// the secret does not have are passed over, and so is a secret that is not there, as in Vault.

#include "secrets/kv2/engine.h"
#include "secrets/kv2/fields.h"

namespace apm::secrets::kv2 {
namespace {

constexpr std::string_view kVersions = "versions";

// Deletes, unless it is gone already: when it went stays known.
bool delete_version(Version& version, std::int64_t now_ns) {
  if (!version.readable(now_ns)) return false;
  version.deletion_ns = now_ns;
  version.deleted = true;
  return true;
}

}  // namespace

Result<logical::Response> Engine::delete_current(const std::string& path) {
  return change(path, [&](std::optional<Held<Metadata>> secret) -> Answer {
    if (!secret) return logical::Response();
    const auto current = secret->content.versions.find(secret->content.current);
    if (current == secret->content.versions.end()) return logical::Response();
    if (!delete_version(current->second, now_ns())) return logical::Response();
    APM_CHECK_OK(records_.put(path, *secret, {}));
    return logical::Response();
  });
}

Result<logical::Response> Engine::serve_delete(const logical::Request& request,
                                               const std::string& path) {
  if (!is_write(request)) return not_offered();
  APM_TRY(const std::vector<std::uint64_t> numbers, versions_field(request.data));
  return change(path, [&](std::optional<Held<Metadata>> secret) -> Answer {
    logical::Response response;
    note_ignored(request, response, {kVersions});
    if (!secret) return response;
    bool changed = false;
    for (const std::uint64_t number : numbers) {
      const auto version = secret->content.versions.find(number);
      if (version == secret->content.versions.end()) continue;
      changed = delete_version(version->second, now_ns()) || changed;
    }
    if (changed) APM_CHECK_OK(records_.put(path, *secret, {}));
    return response;
  });
}

// A mount's or secret's delete_version_after counts again from now.
Result<logical::Response> Engine::serve_undelete(const logical::Request& request,
                                                 const std::string& path) {
  if (!is_write(request)) return not_offered();
  APM_TRY(const std::vector<std::uint64_t> numbers, versions_field(request.data));
  return change(path, [&](std::optional<Held<Metadata>> secret) -> Answer {
    logical::Response response;
    note_ignored(request, response, {kVersions});
    if (!secret) return response;
    APM_TRY(const Held<Settings> mount, records_.settings());
    Metadata& metadata = secret->content;
    bool changed = false;
    for (const std::uint64_t number : numbers) {
      const auto version = metadata.versions.find(number);
      if (version == metadata.versions.end() || version->second.destroyed) continue;
      version->second.deletion_ns = deletion_time_ns(now_ns(), mount.content, metadata.own);
      version->second.deleted = false;
      changed = true;
    }
    if (changed) APM_CHECK_OK(records_.put(path, *secret, {}));
    return response;
  });
}

Result<logical::Response> Engine::serve_destroy(const logical::Request& request,
                                                const std::string& path) {
  if (!is_write(request)) return not_offered();
  APM_TRY(const std::vector<std::uint64_t> numbers, versions_field(request.data));
  return change(path, [&](std::optional<Held<Metadata>> secret) -> Answer {
    logical::Response response;
    note_ignored(request, response, {kVersions});
    if (!secret) return response;
    ValueChange values;
    for (const std::uint64_t number : numbers) {
      const auto version = secret->content.versions.find(number);
      if (version == secret->content.versions.end() || version->second.destroyed) continue;
      version->second.destroyed = true;
      values.dropped.push_back(number);
    }
    if (!values.dropped.empty()) APM_CHECK_OK(records_.put(path, *secret, values));
    return response;
  });
}

}  // namespace apm::secrets::kv2
