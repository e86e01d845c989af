#include "api/core.h"

#include "base/text.h"

namespace apm::api {
namespace {

constexpr std::string_view kAuditSaltLabel = "apm-audit-salt-v1";

}  // namespace

Core::Core(CoreParts parts, ServerInfo info, Mode mode, Phase phase, barrier::StoreKind kind)
    : parts_(parts),
      transfers_(parts.clock),
      info_(std::move(info)),
      mode_(mode),
      kind_(kind),
      phase_(phase) {
  parts_.tokens.set_cubbyhole_eraser([this](const std::string& cubbyhole_id) -> Status {
    const auto entry = parts_.mounts.find(mounts::Kind::kSecret, "cubbyhole");
    if (!entry || cubbyhole_id.empty()) {
      return Error(Code::kInternal, "cubbyhole_absent", "the cubbyhole mount is not loaded");
    }
    const barrier::View all = parts_.mounts.view_of(mounts::Kind::kSecret, *entry);
    return barrier::View(all.barrier(), all.prefix() + cubbyhole_id + "/").erase_all();
  });
}

Status Core::on_unseal(const Deadline& deadline) {
  // Before it stands: from then on the node may seal the server again.
  if (unsealed_.exchange(true)) return {};
  const Status done = stand(deadline);
  if (!done.ok()) on_seal();
  return done;
}

Status Core::stand(const Deadline& deadline) {
  APM_CHECK_OK(check_store_kind());
  if (node_ == nullptr) return load();
  APM_CHECK_OK(node_->stand(deadline));
  return {};
}

Status Core::load() {
  const Status reloaded = parts_.barrier.reload();
  if (!reloaded.ok()) {
    // Another store stands where ours was, restored perhaps: our root key is of no use for it.
    if (reloaded.error().code == Code::kCorrupt) on_seal();
    return reloaded;
  }
  APM_CHECK_OK(load_all());
  active_.store(true);
  return {};
}

void Core::unload() {
  active_.store(false);
  transfers_.forget_all();
  parts_.tokens.unload();
  parts_.mounts.unload();
  parts_.policies.unload();
}

// A store is a test store or not, for ever; a configuration that says otherwise may have brought
// trust anchors and transports that this store must never be used with.
Status Core::check_store_kind() {
  APM_TRY(const std::optional<barrier::SealConfig> stored, parts_.barrier.seal_config());
  if (!stored || stored->kind == kind_) return {};
  return Error(Code::kRefused, "store_kind",
               concat("this is a ", barrier::kind_name(stored->kind),
                      " store and the configuration says store_kind = \"",
                      barrier::kind_name(kind_), "\": correct the configuration, or its storage"));
}

Status Core::load_all() {
  APM_TRY(crypto::SecretBytes salt, parts_.barrier.derive(kAuditSaltLabel));
  parts_.audit.set_salt(std::move(salt));
  APM_CHECK_OK(parts_.policies.load());
  APM_CHECK_OK(parts_.mounts.load());
  return parts_.tokens.load();
}

void Core::on_seal() {
  unsealed_.store(false);
  unload();
  parts_.barrier.seal();
  if (node_ != nullptr) node_->withdraw();
}

Status Core::replace_store(const std::function<Status(storage::Store&)>& work) {
  unsealed_.store(false);
  active_.store(false);
  const Status done = parts_.barrier.seal_and_replace(work);
  on_seal();
  return done;
}

Status Core::ensure_auth_enabled(const std::string& type) {
  if (const auto entry = parts_.mounts.find(mounts::Kind::kAuth, type)) {
    if (entry->type == type) return {};
    return Error(Code::kConflict, "mount_in_use",
                 "auth/" + type + "/ is taken by a method of type " + entry->type);
  }
  mounts::MountSpec spec;
  spec.path = type;
  spec.type = type;
  return parts_.mounts.enable(mounts::Kind::kAuth, spec);
}

Status Core::ensure_mount(const std::string& path, const std::string& type) {
  if (const auto entry = parts_.mounts.find(mounts::Kind::kSecret, path)) {
    if (entry->type == type) return {};
    return Error(Code::kConflict, "mount_in_use",
                 path + "/ is taken by an engine of type " + entry->type);
  }
  mounts::MountSpec spec;
  spec.path = path;
  spec.type = type;
  return parts_.mounts.enable(mounts::Kind::kSecret, spec);
}

Status Core::ensure_policy(const std::string& name, const std::string& text) {
  if (parts_.policies.text(name)) return {};  // an operator's own version stays
  return parts_.policies.put(name, text);
}

Result<std::string> Core::create_root_token(std::uint64_t ttl_s) {
  APM_TRY(expiry::NewToken made, parts_.tokens.create_root(ttl_s));
  return std::move(made.token);
}

Result<logical::Response> Core::write(const std::string& path, json::Object data) {
  const auto route = parts_.mounts.route(path);
  if (!route || !route->backend) {
    return Error(Code::kNotFound, "route_absent", "no handler for route \"" + path + "\"");
  }
  logical::Request request;
  request.operation = logical::Operation::kUpdate;
  request.mount_path = route->mount_path;
  request.path = route->rest;
  request.data = std::move(data);
  request.caller.authenticated = true;
  request.caller.root = true;
  request.caller.display_name = "server";
  request.caller.policies = {"root"};
  return route->backend->handle(request);
}

Status Core::maintain() {
  transfers_.forget_idle();
  const auto pass = node_ == nullptr ? std::nullopt : node_->gate().enter();
  if (!active_.load() || (node_ != nullptr && !pass)) return {};
  APM_TRY(const std::size_t swept, parts_.tokens.sweep());
  if (swept != 0)
    parts_.log.debug("tokens", "removed tokens that are over", {{"trees", std::to_string(swept)}});
  return {};
}

}  // namespace apm::api
