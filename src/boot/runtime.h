#pragma once

// The parts of a running server, built once and wired by reference: store, barrier, tokens, mounts,
// policies, audit, API. Owns them all. Built by one thread; afterwards the parts guard themselves.

#include <functional>
#include <memory>
#include <optional>

#include "api/core.h"
#include "api/pipeline.h"
#include "base/mutex.h"
#include "boot/collateral_source.h"
#include "boot/config.h"
#include "boot/duties.h"
#include "boot/trust.h"
#include "boot/trust_maa.h"
#include "ha/node.h"
#include "http/server.h"
#include "storage/store.h"

namespace apm::boot {

class Runtime {
 public:
  // Builds everything over an open store and loads nothing: it stays sealed, and its lease free.
  [[nodiscard]] static Result<std::unique_ptr<Runtime>> create(
      const Config& config, api::Mode mode, const Clock& clock, Log& log,
      std::unique_ptr<storage::Store> store);

  [[nodiscard]] Status listen(const Config& config, std::optional<http::TlsIdentity> identity);
  // Reads certificate and key again when they came from files; connections that exist keep theirs.
  // When the new ones cannot be used, the old ones stay.
  [[nodiscard]] Status reload_identity();
  void shutdown();

  [[nodiscard]] barrier::Barrier& barrier() { return barrier_; }
  [[nodiscard]] api::Core& core() { return *core_; }
  [[nodiscard]] storage::Store& store() { return *store_; }
  [[nodiscard]] ActiveDuties& duties() { return duties_; }
  [[nodiscard]] ha::Node& node() { return *node_; }
  [[nodiscard]] audit::Broker& audit() { return audit_; }
  [[nodiscard]] http::Server* server() { return server_.get(); }

 private:
  [[nodiscard]] Status remember_identity(const http::TlsIdentity& identity);
  Runtime(const Clock& clock, Log& log, std::unique_ptr<storage::Store> store,
          std::string api_addr);
  [[nodiscard]] mounts::Factories factories();
  [[nodiscard]] Result<std::unique_ptr<logical::Backend>> make_apm_method(barrier::View view);

  const Clock& clock_;
  Log& log_;
  std::unique_ptr<storage::Store> store_;
  barrier::Barrier barrier_;
  expiry::TokenStore tokens_;
  expiry::BatchTokens batch_tokens_;
  mounts::Table mounts_;
  api::PolicyStore policies_;
  audit::Broker audit_;
  Trust trust_;
  std::shared_ptr<auth_apm::CollateralSource> collateral_;  // null: none is configured
  auth_apm::MaaProviders maa_providers_;
  ListenerConfig listener_;
  bool identity_is_of_files_ = false;
  Mutex identity_mutex_;
  Bytes server_key_sha256_ APM_GUARDED_BY(identity_mutex_);  // set before any login can come
  ActiveDuties duties_;
  std::unique_ptr<api::Core> core_;
  std::unique_ptr<ha::Node> node_;  // ends before all that it loads
  std::unique_ptr<api::Pipeline> pipeline_;
  std::unique_ptr<http::Server> server_;
};

// How a boot comes by its store; a test of crashes puts another one around it.
using StoreOpener = std::function<Result<std::unique_ptr<storage::Store>>(const Config&)>;
[[nodiscard]] Result<std::unique_ptr<storage::Store>> open_store_of(const Config& config);

}  // namespace apm::boot
