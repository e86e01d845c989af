#include "boot/boot.h"

#include <chrono>

#include "azure/imds.h"
#include "base/encoding.h"
#include "base/text.h"
#include "boot/azure_vault.h"
#include "boot/custody.h"
#include "boot/handover.h"
#include "boot/hardening.h"
#include "boot/limits.h"
#include "boot/remembered.h"
#include "crypto/x509.h"
#include "skr/envelope.h"
#include "skr/oaep.h"
#include "skr/release.h"

namespace apm::boot {
namespace {

constexpr const char* kStorageKeySecret = "apm-saa-key";

std::string ms_since(const Clock& clock, SteadyTime since) {
  return std::to_string(std::chrono::duration_cast<Milliseconds>(clock.steady() - since).count());
}

constexpr std::string_view kEnclavePolicyText =
    "# What every attested workload may do: learn what is mounted where.\n"
    "path \"sys/mounts\" {\n  capabilities = [\"read\"]\n}\n";

// What the steps hand on to each other. Lives as long as the runtime, for the terms that begin
// later.
class Boot : public std::enable_shared_from_this<Boot> {
 public:
  explicit Boot(BootInput input)
      : in_(std::move(input)), deadline_(Deadline::after(kBootDeadline)) {}

  Status connect();
  Status release();
  Status fetch_tls();
  Status fetch_storage_key();
  Status open_storage();
  Status open_listener();
  Status open_barrier();
  Status stand();
  Status remember_policy();
  Status ensure_setup();
  Status hand_over_admin();
  Status serve();

  [[nodiscard]] Status run();
  std::unique_ptr<Runtime> take() { return std::move(owned_); }
  // Before this object may end: the runtime's node refers to it.
  void give_up() { owned_.reset(); }

 private:
  struct Step {
    const char* name = nullptr;
    Status (Boot::*action)() = nullptr;
    // A later term goes on without it: who stood by serves, although Key Vault does not answer.
    bool may_fail_later = false;
  };
  static const Step kSteps[];
  static const Step kActiveSteps[];

  [[nodiscard]] Status run_step(const Step& step);
  [[nodiscard]] Status begin_term();
  [[nodiscard]] AzureVault vault() {
    return {*vault_client_, in_.environment.vault_host(), deadline_};
  }
  [[nodiscard]] Result<Opened> initialise_or_unseal();
  void log_handover(const HandoverOutcome& outcome);

  BootInput in_;
  Deadline deadline_;
  std::optional<net::HttpClient> http_;
  std::optional<azure::ImdsClient> imds_;
  azure::TokenSource tokens_;
  std::optional<azure::KeyVaultClient> vault_client_;
  std::optional<skr::ReleasedKey> master_;
  ReleasedFacts released_;
  std::optional<http::TlsIdentity> identity_;
  Runtime* runtime_ = nullptr;
  std::unique_ptr<Runtime> owned_;  // until take()
};

// The order of a boot. What is not listed does not happen.
const Boot::Step Boot::kSteps[] = {
    {"identity token", &Boot::connect},
    {"attestation and key release", &Boot::release},
    {"TLS identity from Key Vault", &Boot::fetch_tls},
    {"storage", &Boot::open_storage},
    {"listener (health and seal status only)", &Boot::open_listener},
    {"initialise or unseal", &Boot::open_barrier},
    {"active or standby", &Boot::stand},
    {"serve", &Boot::serve},
};

// Of each term as the active node, with the lease held and before anybody is served.
const Boot::Step Boot::kActiveSteps[] = {
    {"release policy", &Boot::remember_policy},
    {"auth method, engine and policy", &Boot::ensure_setup},
    {"administrator hand-over", &Boot::hand_over_admin, true},
};

Status Boot::connect() {
  const azure::Transport transport = transport_of(in_.config);
  APM_CHECK_OK(azure::check_transport(transport));
  APM_TRY(net::HttpClient made, azure::make_http_client(transport));
  http_.emplace(std::move(made));
  imds_.emplace(*http_, transport.imds_endpoint);
  azure::Identity identity;
  identity.client_id = in_.environment.identity_client_id;
  tokens_ = azure::managed_identity_tokens(*imds_, identity);
  const auto token = tokens_(azure::kVaultResource, deadline_);
  if (!token.ok()) return token.error();
  APM_TRY(
      azure::KeyVaultClient client,
      azure::KeyVaultClient::create(*http_, "https://" + in_.environment.vault_host(), tokens_));
  vault_client_.emplace(std::move(client));
  return {};
}

Status Boot::release() {
  skr::SkrConfig config;
  config.maa_url = in_.environment.maa_url;
  config.key_url = in_.environment.master_key_url;
  config.identity.client_id = in_.environment.identity_client_id;
  config.tokens = tokens_;
  config.transport = transport_of(in_.config);
  if (in_.config.test) {
    config.tpm.tcti = in_.config.test->tpm_tcti;
    config.event_log = in_.config.test->event_log;
  }
  config.clock = &in_.clock;
  APM_TRY(skr::ReleasedKey released, skr::release_master_key(config, deadline_, in_.log));
  in_.log.info("boot", "the master key was released",
               {{"kid", released.kid}, {"policy_sha256", released.policy_sha256}});
  master_.emplace(std::move(released));
  return {};
}

// A value that a deployer made: plain RSA-OAEP, or bound to its secret's name in an envelope.
Result<crypto::SecretBytes> open_deployers(const skr::ReleasedKey& master, const std::string& name,
                                           std::string_view value) {
  if (!skr::looks_like_envelope(trim(value))) return skr::unwrap_value(master.key, value);
  APM_TRY(skr::OpenedEnvelope opened, skr::open_envelope(master.key, trim(value), name));
  return std::move(opened.plaintext);
}

Status Boot::fetch_tls() {
  APM_TRY(azure::Secret pfx, vault_client_->get_secret("apm-tls-cert", deadline_));
  APM_TRY(azure::Secret wrapped, vault_client_->get_secret("apm-tls-cert-password", deadline_));
  auto password = open_deployers(*master_, "apm-tls-cert-password", wrapped.value);
  if (!password.ok()) return password.error().within("apm-tls-cert-password");
  auto der = base64_decode(trim(pfx.value));
  if (!der.ok()) {
    return Error(Code::kInvalidArgument, "pfx_malformed",
                 "apm-tls-cert is not the base64 of a PFX. Store the file as base64 text");
  }
  auto opened = crypto::open_pkcs12(*der, *password);
  if (!opened.ok()) {
    Error error = opened.error().within("apm-tls-cert");
    error.message += ". Store the PFX and its wrapped password again, both of one certificate";
    return error;
  }
  std::vector<const crypto::Certificate*> chain{&opened->leaf};
  for (const crypto::Certificate& one : opened->chain) chain.push_back(&one);
  if (opened->leaf.not_after_s() < in_.clock.unix_s()) {
    return Error(Code::kRefused, "tls_expired",
                 concat("apm-tls-cert expired at ", rfc3339(opened->leaf.not_after_s()),
                        "; store a renewed PFX in the key vault"));
  }
  APM_TRY(http::TlsIdentity identity, http::TlsIdentity::from_memory(opened->key, chain));
  identity_.emplace(std::move(identity));
  return {};
}

// Wrapped in Key Vault, as the deployer stored it; where there is none, the managed identity is
// used.
Status Boot::fetch_storage_key() {
  if (in_.config.storage.type != "azure") return {};
  AzureStorageConfig& azure = in_.config.storage.azure;
  if (!azure.account_key.empty()) {
    return Error(Code::kInvalidArgument, "config",
                 "a booted server has no accountKey in its configuration or environment: wrap it "
                 "into the Key Vault secret apm-saa-key, and remove it there");
  }
  if (azure.identity_client_id.empty()) {
    azure.identity_client_id = in_.environment.identity_client_id;
  }
  AzureVault own_vault = vault();
  APM_TRY(const std::optional<std::string> wrapped, own_vault.get(kStorageKeySecret, ""));
  if (!wrapped) {
    in_.log.info("boot", "storage \"azure\": no apm-saa-key; the managed identity is used");
    return {};
  }
  auto key = open_deployers(*master_, kStorageKeySecret, *wrapped);
  if (!key.ok()) return key.error().within(kStorageKeySecret);
  azure.account_key = std::move(*key);
  return {};
}

Error storage_error(Error error) {
  if (error.reason.empty()) error.reason = "storage_unreachable";
  error.message +=
      ". Check the storage stanza of the configuration and what is at that place; a damaged store "
      "is restored from a backup";
  return error;
}

Status Boot::open_storage() {
  APM_CHECK_OK(fetch_storage_key());
  auto opened = in_.open_store(in_.config);
  if (!opened.ok()) return storage_error(opened.error());
  std::unique_ptr<storage::Store> store = std::move(*opened);
  APM_TRY(owned_, Runtime::create(in_.config, api::Mode::kSelfBooted, in_.clock, in_.log,
                                  std::move(store)));
  runtime_ = owned_.get();
  return {};
}

Status Boot::open_listener() { return runtime_->listen(in_.config, std::move(identity_)); }

Status Boot::open_barrier() {
  APM_TRY(const Opened opened, initialise_or_unseal());
  in_.log.info("boot", opened == Opened::kInitialised ? "the store was initialised"
                                                      : "the store was unsealed");
  released_ = {master_->kid, master_->policy_sha256};
  master_.reset();  // not needed any more in this boot
  return {};
}

// A store is initialised under its lease alone: of two first boots one does it, and the other waits
// and unseals. Unsealing only reads.
Result<Opened> Boot::initialise_or_unseal() {
  AzureVault own_vault = vault();
  const CustodyInput custody{.barrier = runtime_->barrier(),
                             .vault = own_vault,
                             .master_key = master_->key,
                             .master_key_version = master_->key_version,
                             .kind = in_.config.kind,
                             .replaced_store_id = in_.environment.replaced_store_id,
                             .store_description = runtime_->store().description(),
                             .log = in_.log};
  while (true) {
    APM_TRY(const barrier::State state, runtime_->barrier().state());
    if (state != barrier::State::kUninitialized) return open_store(custody);
    const auto lease = runtime_->node().lease_for_setup(Deadline::after(kStoreLeaseWait));
    if (lease.ok()) return open_store(custody);
    if (lease.error().reason != "lease_held" || deadline_.passed()) return lease.error();
    in_.log.info("boot", "another node initialises the store: waiting for it");
  }
}

Status Boot::stand() {
  runtime_->duties().set_after_load([self = shared_from_this()] { return self->begin_term(); });
  // The steps of a term have this boot's deadline themselves, and tell better what was slow.
  return runtime_->core().on_unseal(Deadline::after(deadline_.left() + kSettleMargin));
}

Status Boot::begin_term() {
  const bool booting = runtime_->core().phase() == api::Phase::kBooting;
  if (!booting) deadline_ = Deadline::after(kTakeoverDeadline);
  for (const Step& step : kActiveSteps) {
    const Status done = run_step(step);
    if (done.ok()) continue;
    if (booting || !step.may_fail_later) return done;
    in_.log.error("boot", "serving without it; the next takeover or boot tries again",
                  {{"cause", done.error().message}});
  }
  return {};
}

Status Boot::remember_policy() {
  APM_TRY(api::MasterKeyFacts known,
          remember_release_policy(runtime_->barrier(), released_, in_.clock, in_.log));
  runtime_->core().set_master_key(std::move(known));
  return {};
}

Status Boot::ensure_setup() {
  api::Core& core = runtime_->core();
  APM_CHECK_OK(core.ensure_auth_enabled("apm"));
  APM_CHECK_OK(core.ensure_mount("anjuna", "kv"));
  APM_CHECK_OK(
      core.ensure_policy(std::string(api::kEnclavePolicy), std::string(kEnclavePolicyText)));
  EnvironmentKeys keys;
  if (const auto method = core.mounts().find(mounts::Kind::kAuth, "apm")) {
    keys.mount_id = method->uuid;
  }
  if (in_.environment.epid_api_key) {
    keys.values.set("epid-api-key", *in_.environment.epid_api_key);
  }
  if (in_.environment.dcap_api_key) {
    keys.values.set("dcap-api-key", *in_.environment.dcap_api_key);
  }
  return apply_environment_keys(runtime_->barrier(), keys, [&core](json::Object changed) -> Status {
    const auto written = core.write("auth/apm/config", std::move(changed));
    return written.ok() ? Status() : Status(written.error());
  });
}

Status Boot::hand_over_admin() {
  const AdminKey* key = in_.environment.admin_key ? &*in_.environment.admin_key : nullptr;
  AzureVault own_vault = vault();
  APM_TRY(const HandoverOutcome outcome,
          hand_over(runtime_->core(), own_vault, {in_.environment.root_token_ttl_s, key}));
  log_handover(outcome);
  return {};
}

// Nags while the token lives.
void Boot::log_handover(const HandoverOutcome& outcome) {
  const api::Handover& record = outcome.record;
  if (outcome.done == HandoverDone::kConfirmed) return;
  const bool now = outcome.done == HandoverDone::kDelivered;
  in_.log.warn(
      "boot",
      now ? "a root token was handed over: make administrators with it, then say "
            "operator handover confirm"
          : "the root token that was handed over still lives: when administrators exist, "
            "say operator handover confirm",
      {{"secret", record.secret_name},
       {"version", record.secret_version},
       {"delivered_as", record.key_sha256.empty() ? "clear" : "encrypted"},
       {"expires", record.expires_unix_s == 0 ? "never" : rfc3339(record.expires_unix_s)}});
  const auto& key = in_.environment.admin_key;
  if (!now && key && key->sha256 != record.key_sha256) {
    in_.log.warn("boot",
                 "APM_ADMIN_PUBLIC_KEY was set after the living root token was handed over, and "
                 "acts on a next one alone");
  }
}

Status Boot::serve() {
  runtime_->core().set_phase(api::Phase::kServing);
  return {};
}

Status Boot::run_step(const Step& step) {
  const SteadyTime start = in_.clock.steady();
  const Status done = (this->*step.action)();
  if (!done.ok()) return done.error().within(concat("boot step \"", step.name, "\""));
  in_.log.info("boot", "step", {{"name", step.name}, {"ms", ms_since(in_.clock, start)}});
  return {};
}

Status Boot::run() {
  const SteadyTime begin = in_.clock.steady();
  for (const Step& step : kSteps) APM_CHECK_OK(run_step(step));
  in_.log.info("boot", std::string(ha::role_name(runtime_->node().role())),
               {{"total_ms", ms_since(in_.clock, begin)}});
  return {};
}

}  // namespace

Result<std::unique_ptr<Runtime>> boot(BootInput input) {
  const auto boot = std::make_shared<Boot>(std::move(input));
  const Status done = boot->run();
  if (done.ok()) return boot->take();
  boot->give_up();
  return done.error();
}

}  // namespace apm::boot
