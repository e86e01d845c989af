#pragma once

// What the endpoints work with: references to the parts, the server's mode and phase, and the two
// moments when the parts load and drop what they know. Unsealed is not yet active: of several nodes
// on one store one loads and serves, the others stand by with their keys (ha/node.h). Core owns no
// part but the snapshots on their way; boot builds them and they outlive it. Any thread may call.

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "api/policy_store.h"
#include "api/transfers.h"
#include "audit/broker.h"
#include "barrier/barrier.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mutex.h"
#include "expiry/batch_tokens.h"
#include "expiry/token_store.h"
#include "ha/limits.h"
#include "ha/node.h"
#include "mounts/table.h"

namespace apm::api {

// Who may initialise and unseal: operators over the network, or only the server itself at boot.
enum class Mode { kNetworkOperated, kSelfBooted };

// kBooting: health and seal-status alone are answered.
enum class Phase { kBooting, kServing };

inline constexpr std::string_view kVersion = "1.14.0-apm0.1";
inline constexpr std::string_view kBuildDate = "2026-11-24T00:00:00Z";
inline constexpr std::string_view kEnclavePolicy = "anjuna-enclave-default-policy";

struct ServerInfo {
  std::string storage_type;  // Store::type()
  std::string cluster_name;
  std::string api_address;  // "https://host:8200"; may be empty
};

// What the operator configured and sys/apm/status shows; read once, at start.
struct Settings {
  std::string storage_description;               // Store::description()
  std::vector<std::string> trust_anchors;        // names of those that are not a vendor's
  std::vector<std::string> endorsement_sources;  // "amd https://..."; empty: logins fetch nothing
  std::vector<std::string> test_settings;        // keys of the configuration's test stanza
  bool memory_locked = false;
};

// The released master key, as the signed answer of Key Vault described it, and what was different
// at an earlier boot.
struct MasterKeyFacts {
  std::string kid;
  std::string policy_sha256;
  std::string previous_kid;            // empty: never another policy
  std::string previous_policy_sha256;  // empty: never another policy
  std::int64_t since_unix_s = 0;       // the boot that saw this policy first
};

struct CoreParts {
  barrier::Barrier& barrier;
  expiry::TokenStore& tokens;
  expiry::BatchTokens& batch_tokens;
  mounts::Table& mounts;
  PolicyStore& policies;
  audit::Broker& audit;
  const Clock& clock;
  Log& log;
};

class Core {
 public:
  Core(CoreParts parts, ServerInfo info, Mode mode, Phase phase,
       barrier::StoreKind kind = barrier::StoreKind::kProduction);

  // --- Life. on_unseal: the barrier has just been unsealed; the node stands for the lease, and
  // either serves or stands by afterwards. On an error everything is dropped and the barrier sealed
  // again; kRefused "store_kind" when the store is of the other kind than configured. Calling it
  // again changes nothing.
  [[nodiscard]] Status on_unseal() { return on_unseal(Deadline::after(ha::kSettleDeadline)); }
  [[nodiscard]] Status on_unseal(const Deadline& deadline);
  void on_seal();  // drops what is loaded, seals the barrier, gives the lease up
  // Seals, lets `work` change the store while nobody can use it, and only then does what on_seal()
  // does: the right to commit is needed until the end.
  [[nodiscard]] Status replace_store(const std::function<Status(storage::Store&)>& work);
  [[nodiscard]] bool unsealed() const { return unsealed_.load(); }
  // The lease is held: loads keyring, policies, mounts and tokens from the store, and drops them
  // again with every snapshot on its way.
  // When the keyring cannot be opened any more the server is sealed.
  [[nodiscard]] Status load();
  void unload();
  [[nodiscard]] bool active() const { return active_.load(); }  // loaded
  // Set once, before anything is served. Without one this is the only server of its store.
  void set_node(ha::Node& node) { node_ = &node; }
  [[nodiscard]] ha::Node* node() { return node_; }
  void set_phase(Phase phase) { phase_.store(phase); }
  [[nodiscard]] Phase phase() const { return phase_.load(); }
  [[nodiscard]] Mode mode() const { return mode_; }
  // While nobody is served only: both are read without a lock.
  void set_settings(Settings settings) { settings_ = std::move(settings); }
  void set_master_key(MasterKeyFacts facts) { master_key_ = std::move(facts); }
  [[nodiscard]] const Settings& settings() const { return settings_; }
  [[nodiscard]] const std::optional<MasterKeyFacts>& master_key() const { return master_key_; }
  // Kind of store that sys/init makes.
  [[nodiscard]] barrier::StoreKind store_kind() const { return kind_; }

  // --- For boot: in process, without HTTP, idempotent ---
  [[nodiscard]] Status ensure_auth_enabled(const std::string& type);  // at auth/<type>
  [[nodiscard]] Status ensure_mount(const std::string& path, const std::string& type);
  [[nodiscard]] Status ensure_policy(const std::string& name, const std::string& text);
  // ttl 0: never expires.
  [[nodiscard]] Result<std::string> create_root_token(std::uint64_t ttl_s);
  // One request to a backend as the server itself (root): "auth/apm/config".
  [[nodiscard]] Result<logical::Response> write(const std::string& path, json::Object data);

  // Removes tokens that are over; call about once a minute. Not active: nothing.
  [[nodiscard]] Status maintain();

  // Held over init, unseal and seal.
  [[nodiscard]] Mutex& lifecycle() { return lifecycle_; }

  [[nodiscard]] barrier::Barrier& barrier() { return parts_.barrier; }
  [[nodiscard]] expiry::TokenStore& tokens() { return parts_.tokens; }
  [[nodiscard]] expiry::BatchTokens& batch_tokens() { return parts_.batch_tokens; }
  [[nodiscard]] mounts::Table& mounts() { return parts_.mounts; }
  [[nodiscard]] PolicyStore& policies() { return parts_.policies; }
  [[nodiscard]] audit::Broker& audit() { return parts_.audit; }
  [[nodiscard]] Transfers& transfers() { return transfers_; }
  [[nodiscard]] const Clock& clock() const { return parts_.clock; }
  [[nodiscard]] Log& log() { return parts_.log; }
  [[nodiscard]] const ServerInfo& info() const { return info_; }

 private:
  [[nodiscard]] Status load_all();
  [[nodiscard]] Status stand(const Deadline& deadline);
  [[nodiscard]] Status check_store_kind();

  CoreParts parts_;
  Transfers transfers_;  // snapshots on their way; nothing is left of them when sealed
  ServerInfo info_;
  Mode mode_;
  barrier::StoreKind kind_;
  Settings settings_;
  std::optional<MasterKeyFacts> master_key_;
  std::atomic<Phase> phase_;
  ha::Node* node_ = nullptr;
  std::atomic<bool> unsealed_{false};
  std::atomic<bool> active_{false};
  Mutex lifecycle_;
};

}  // namespace apm::api
