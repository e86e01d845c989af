#include "boot/runtime.h"

#include "auth/apm/method.h"
#include "base/file.h"
#include "base/text.h"
#include "boot/limits.h"
#include "crypto/digest.h"
#include "secrets/catalog.h"
#include "storage/memory_store.h"
#include "storage/postgres_store.h"
#include "storage/sqlite_store.h"

namespace apm::boot {
namespace {

constexpr Milliseconds kShutdownDeadline{10'000};

Result<http::TlsIdentity> identity_from_files(const ListenerConfig& listener) {
  if (listener.tls_cert_file.empty() || listener.tls_key_file.empty()) {
    return Error(
        Code::kInvalidArgument, "config",
        "listener \"tcp\" needs tls_cert_file and tls_key_file (or tls_disable, on loopback in "
        "a test store)");
  }
  APM_TRY(const Bytes chain, read_file(listener.tls_cert_file, kPemBytesMax));
  APM_TRY(Bytes key, read_file(listener.tls_key_file, kPemBytesMax));
  auto identity = http::TlsIdentity::from_pem(as_text(chain), key);
  crypto::wipe(key);
  if (!identity.ok()) return identity.error().within(listener.tls_cert_file);
  return identity;
}

std::vector<std::string> test_settings(const Config& config) {
  std::vector<std::string> out;
  if (config.listener.tls_disable) out.emplace_back("tls_disable");
  if (!config.test) return out;
  const TestConfig& test = *config.test;
  for (const auto& [name, value] :
       {std::pair<const char*, const std::string&>{"ca_file", test.ca_file},
        {"connect_to", test.connect_to},
        {"imds_endpoint", test.imds_endpoint},
        {"tpm_tcti", test.tpm_tcti},
        {"event_log", test.event_log},
        {"amd_root_file", test.amd_root_file},
        {"intel_root_file", test.intel_root_file},
        {"aws_root_file", test.aws_root_file}}) {
    if (!value.empty()) out.emplace_back(name);
  }
  return out;
}

api::Settings settings_of(const Config& config, const storage::Store& store, const Trust& trust) {
  api::Settings out;
  out.storage_description = store.description();
  out.trust_anchors = trust.named;
  if (config.endorsements) out.endorsement_sources = config.endorsements->describe();
  for (const MaaConfig& maa : config.maa) out.trust_anchors.push_back(maa.url);
  // Azure's own services are trusted through this file's certificates then.
  if (config.test && !config.test->ca_file.empty()) out.trust_anchors.emplace_back("test ca_file");
  out.test_settings = test_settings(config);
  out.memory_locked = !config.disable_mlock;
  return out;
}

}  // namespace

Result<std::unique_ptr<storage::Store>> open_store_of(const Config& config) {
  if (config.storage.type == "sqlite") return storage::open_sqlite_store(config.storage.path);
  if (config.storage.type == "postgresql") {
    return storage::open_postgres_store(config.storage.postgres);
  }
  if (config.storage.type == "azure") {
    APM_TRY(azure::BlobStoreConfig azure, blob_store_config(config));
    return azure::open_blob_store(std::move(azure));
  }
  return std::unique_ptr<storage::Store>(std::make_unique<storage::MemoryStore>());
}

Runtime::Runtime(const Clock& clock, Log& log, std::unique_ptr<storage::Store> store,
                 std::string api_addr)
    : clock_(clock),
      log_(log),
      store_(std::move(store)),
      barrier_(*store_, clock),
      tokens_(barrier_, clock),
      batch_tokens_(clock),
      mounts_(barrier_, factories()),
      policies_(barrier_),
      audit_(log),
      duties_(std::move(api_addr)) {}

mounts::Factories Runtime::factories() {
  return {.secret =
              [this](const mounts::Entry& entry, barrier::View view) {
                return secrets::make_engine(entry.type, entry.options, std::move(view), clock_);
              },
          .auth = [this](const mounts::Entry& entry,
                         barrier::View view) -> Result<std::unique_ptr<logical::Backend>> {
            if (entry.type == "apm") return make_apm_method(std::move(view));
            return Error(Code::kInvalidArgument, "method_unknown",
                         "plugin not found in the catalog: " + entry.type);
          }};
}

Result<std::unique_ptr<logical::Backend>> Runtime::make_apm_method(barrier::View view) {
  APM_TRY(const std::optional<barrier::SealConfig> seal, barrier_.seal_config());
  auth_apm::Dependencies needs;
  needs.clock = &clock_;
  needs.anchors = trust_.amd;
  needs.intel_anchors = trust_.intel;
  needs.aws_anchors = trust_.aws;
  needs.collateral = collateral_;
  needs.maa_providers = maa_providers_;
  needs.cluster_id = seal ? seal->store_id : "";
  needs.server_key_sha256 = [this]() -> Result<Bytes> {
    const MutexLock lock(identity_mutex_);
    if (!server_key_sha256_.empty()) return server_key_sha256_;
    return Error(Code::kUnavailable, "no_tls_identity",
                 "this listener has no TLS key that a login could be bound to");
  };
  needs.issue_token = [this](const logical::AttestedIdentity& identity, std::int64_t issued_s,
                             std::uint64_t ttl_s, const std::string& accessor) {
    return batch_tokens_.issue(identity, issued_s, ttl_s, accessor, "auth/apm/");
  };
  APM_TRY(std::unique_ptr<auth_apm::Method> method,
          auth_apm::Method::open(std::move(view), std::move(needs)));
  return std::unique_ptr<logical::Backend>(std::move(method));
}

Result<std::unique_ptr<Runtime>> Runtime::create(const Config& config, api::Mode mode,
                                                 const Clock& clock, Log& log,
                                                 std::unique_ptr<storage::Store> store) {
  std::unique_ptr<Runtime> runtime(new Runtime(clock, log, std::move(store), config.api_addr));
  APM_TRY(runtime->trust_, load_trust(config.test, log));
  runtime->collateral_ = make_collateral_source(config.endorsements, clock, log);
  APM_TRY(runtime->maa_providers_, load_maa_providers(config.maa, log));
  for (const AuditConfig& device : config.audit) {
    APM_TRY(std::unique_ptr<audit::Device> opened,
            audit::FileDevice::open(device.name, device.file_path));
    runtime->audit_.add(std::move(opened));
  }
  const api::Phase phase =
      mode == api::Mode::kSelfBooted ? api::Phase::kBooting : api::Phase::kServing;
  const api::ServerInfo info{runtime->store_->type(), "anjuna-policy-manager", config.api_addr};
  runtime->core_ = std::make_unique<api::Core>(
      api::CoreParts{runtime->barrier_, runtime->tokens_, runtime->batch_tokens_, runtime->mounts_,
                     runtime->policies_, runtime->audit_, clock, log},
      info, mode, phase, config.kind);
  runtime->core_->set_settings(settings_of(config, *runtime->store_, runtime->trust_));
  runtime->duties_.set_core(*runtime->core_);
  runtime->node_ = std::make_unique<ha::Node>(*runtime->store_, runtime->duties_, log);
  runtime->core_->set_node(*runtime->node_);
  runtime->pipeline_ = std::make_unique<api::Pipeline>(*runtime->core_);
  return runtime;
}

Status Runtime::listen(const Config& config, std::optional<http::TlsIdentity> identity) {
  if (!identity && !config.listener.tls_disable) {
    APM_TRY(http::TlsIdentity loaded, identity_from_files(config.listener));
    identity = std::move(loaded);
    identity_is_of_files_ = true;
  }
  listener_ = config.listener;
  if (identity) APM_CHECK_OK(remember_identity(*identity));
  http::ServerConfig listener;
  listener.address = config.listener.address;
  listener.port = config.listener.port;
  listener.tls_disable = config.listener.tls_disable;
  listener.identity = std::move(identity);
  APM_TRY(server_, http::Server::create(std::move(listener), *pipeline_, log_));
  return server_->start();
}

// What logins are bound to.
Status Runtime::remember_identity(const http::TlsIdentity& identity) {
  APM_TRY(const crypto::PublicKey key, identity.leaf().public_key());
  const MutexLock lock(identity_mutex_);
  server_key_sha256_ = crypto::sha256(key.spki_der());
  return {};
}

Status Runtime::reload_identity() {
  if (!identity_is_of_files_) return {};
  APM_TRY(const http::TlsIdentity identity, identity_from_files(listener_));
  APM_CHECK_OK(server_->replace_identity(identity));
  APM_CHECK_OK(remember_identity(identity));
  log_.info("server", "the TLS certificate and key were read again");
  return {};
}

void Runtime::shutdown() {
  if (server_ != nullptr) {
    const Status done = server_->shutdown(Deadline::after(kShutdownDeadline));
    if (!done.ok()) log_.warn("server", "shutting down", {{"cause", done.error().message}});
  }
  node_->stop();  // gives the lease up: another node takes over at once
  core_->on_seal();
}

}  // namespace apm::boot
