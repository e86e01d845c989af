#include "boot/custody.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/text.h"
#include "boot/limits.h"
#include "crypto/digest.h"
#include "skr/envelope.h"

namespace apm::boot {
namespace {

constexpr shamir::Scheme kScheme{.shares = 5, .threshold = 3};

std::string share_name(std::size_t index) { return concat("apm-unseal-key-", index); }

// The first store that put unseal keys into this vault and was not declared replaced.
struct Owner {
  std::string store_id;  // "unknown" for a value that is not an envelope of ours
  std::string version;
};

std::string store_id_of(const std::string& value) {
  const auto header = skr::parse_envelope_header(value);
  return header.ok() ? header->store_id : "unknown";
}

Result<std::optional<Owner>> owner_of(const CustodyInput& in) {
  APM_TRY(std::vector<SecretVault::Version> versions, in.vault.versions(share_name(0)));
  if (versions.size() > kVersionsExaminedMax) {
    return Error(Code::kTooLarge, "vault_versions",
                 concat("secret ", share_name(0), " in key vault ", in.vault.name(), " has ",
                        versions.size(), " versions; purge it or use a fresh vault"));
  }
  std::sort(versions.begin(), versions.end(), [](const auto& a, const auto& b) {
    return std::tie(a.created_unix_s, a.id) < std::tie(b.created_unix_s, b.id);
  });
  for (const SecretVault::Version& version : versions) {
    APM_TRY(const std::optional<std::string> value, in.vault.get(share_name(0), version.id));
    if (!value) continue;
    std::string id = store_id_of(*value);
    if (id != in.replaced_store_id) return std::optional<Owner>(Owner{std::move(id), version.id});
  }
  return std::optional<Owner>();
}

Status refuse_foreign_keys(const CustodyInput& in, const std::string& own_id) {
  APM_TRY(const std::optional<Owner> owner, owner_of(in));
  if (!owner || owner->store_id == own_id) return {};
  return Error(
      Code::kRefused, "foreign_unseal_keys",
      concat("key vault ", in.vault.name(), " keeps the unseal keys of store ", owner->store_id,
             " (", share_name(0), " version ", owner->version, "), but ", in.store_description,
             own_id.empty() ? " is empty" : " is store " + own_id,
             ". Nothing was changed. Check the storage account's name; if store ", owner->store_id,
             " is really to be given up, start with APM_REPLACE_STORE_ID=", owner->store_id));
}

struct Kept {
  std::string name;
  std::string version;
  std::string sha256;
};

Result<Kept> keep_share(const CustodyInput& in, const barrier::InitPlan& plan, std::size_t index) {
  const skr::EnvelopeContext context{.key_version = in.master_key_version,
                                     .store_id = plan.config.store_id,
                                     .secret_name = share_name(index),
                                     .generation = 1};
  const crypto::SecretBytes& share = plan.shares[index];
  APM_TRY(const std::string text, skr::seal_envelope(in.master_key, context, share.view()));
  APM_TRY(const std::string version, in.vault.set(context.secret_name, text));
  APM_TRY(const std::optional<std::string> back, in.vault.get(context.secret_name, version));
  if (!back || *back != text) {
    return Error(
        Code::kCorrupt, "unseal_key_not_kept",
        concat("key vault ", in.vault.name(), " did not give back what was stored as ",
               context.secret_name,
               "; the store was not initialised. Check that nobody else "
               "works on this vault and that the identity may read secrets, and boot again"));
  }
  APM_TRY(const skr::OpenedEnvelope opened,
          skr::open_envelope(in.master_key, *back, context.secret_name));
  if (!opened.plaintext.equals(share)) {
    return Error(Code::kCorrupt, "unseal_key_not_kept",
                 concat(context.secret_name,
                        " does not open to what was sealed; the store was not "
                        "initialised. Check this machine's memory and boot again"));
  }
  return Kept{context.secret_name, version, hex_encode(crypto::sha256(as_bytes(text)))};
}

json::Object custody_record(const CustodyInput& in, const std::vector<Kept>& kept) {
  json::Array secrets;
  for (const Kept& one : kept) {
    secrets.push_back(
        json::Object{{"name", one.name}, {"version", one.version}, {"sha256", one.sha256}});
  }
  return json::Object{{"kind", "azure-key-vault"},
                      {"vault", in.vault.name()},
                      {"key_version", in.master_key_version},
                      {"secrets", std::move(secrets)}};
}

void wait_for_date(const CustodyInput& in, SteadyTime stored) {
  const auto gone = std::chrono::duration_cast<Milliseconds>(SystemClock().steady() - stored);
  if (gone < kVersionDateSettles) in.sleep(kVersionDateSettles - gone);
}

Status initialise(const CustodyInput& in) {
  APM_TRY(const std::optional<std::string> journal, in.barrier.journal_store_id());
  APM_CHECK_OK(refuse_foreign_keys(in, journal.value_or("")));
  APM_TRY(barrier::InitPlan plan, in.barrier.plan_init(in.kind, kScheme));
  std::vector<Kept> kept;
  SteadyTime dated{};  // when the version that a race is decided by had been stored
  for (std::size_t i = 0; i < plan.shares.size(); ++i) {
    APM_TRY(Kept one, keep_share(in, plan, i));
    kept.push_back(std::move(one));
    if (i == 0) dated = SystemClock().steady();
  }
  wait_for_date(in, dated);
  // Somebody else may have begun at the same time: the older keys win.
  APM_CHECK_OK(refuse_foreign_keys(in, plan.config.store_id));
  plan.config.custody = custody_record(in, kept);
  in.log.info("boot", "unseal keys are in custody", {{"store_id", plan.config.store_id}});
  return in.barrier.commit_init(std::move(plan));
}

Result<crypto::SecretBytes> fetch_share(const CustodyInput& in, const barrier::SealConfig& config,
                                        const json::Value& entry) {
  APM_TRY(const std::string name, json::require_string(entry, "name"));
  APM_TRY(const std::string version, json::require_string(entry, "version"));
  APM_TRY(const std::string expected, json::require_string(entry, "sha256"));
  APM_TRY(const std::optional<std::string> text, in.vault.get(name, version));
  if (!text) {
    return Error(Code::kNotFound, "unseal_key_missing",
                 concat(name, " version ", version, " is not in key vault ", in.vault.name()));
  }
  if (hex_encode(crypto::sha256(as_bytes(*text))) != expected) {
    return Error(Code::kCorrupt, "unseal_key_changed",
                 concat(name, " version ", version, " is not what the store relies on"));
  }
  APM_TRY(skr::OpenedEnvelope opened, skr::open_envelope(in.master_key, *text, name));
  if (opened.context.store_id != config.store_id) {
    return Error(
        Code::kCorrupt, "unseal_key_foreign",
        concat(name, " belongs to store ", opened.context.store_id, ", not to ", config.store_id));
  }
  return std::move(opened.plaintext);
}

// True for what the other keys would meet as well.
bool concerns_the_vault(const Error& error) {
  return error.code == Code::kUnavailable || error.code == Code::kDeadlineExceeded ||
         error.code == Code::kRateLimited || error.code == Code::kUnauthenticated;
}

Status unseal(const CustodyInput& in) {
  APM_TRY(const std::optional<barrier::SealConfig> config, in.barrier.seal_config());
  const json::Value* secrets = config ? config->custody.find("secrets") : nullptr;
  if (secrets == nullptr || secrets->as_array() == nullptr) {
    return Error(Code::kRefused, "no_custody",
                 concat(in.store_description,
                        " was initialised by hand, not by boot: its unseal "
                        "keys are with its operators. Start it with `server -config`"));
  }
  if (config->kind != in.kind) {
    return Error(
        Code::kRefused, "store_kind",
        concat(in.store_description, " is a ", barrier::kind_name(config->kind),
               " store for ever, and the configuration says ", barrier::kind_name(in.kind)));
  }
  std::string failures;
  in.barrier.reset_unseal();
  for (const json::Value& entry : *secrets->as_array()) {
    auto share = fetch_share(in, *config, entry);
    if (!share.ok()) {
      if (concerns_the_vault(share.error())) return share.error();
      in.log.warn("boot", "an unseal key cannot be used", {{"cause", share.error().message}});
      failures += "\n  - " + share.error().message;
      continue;
    }
    APM_TRY(const barrier::UnsealProgress progress, in.barrier.unseal(*share));
    if (progress.state == barrier::State::kUnsealed) return {};
  }
  return Error(
      Code::kCorrupt, "unseal_keys_insufficient",
      concat("fewer than ", config->scheme.threshold, " of ", config->scheme.shares,
             " unseal keys can be used; make the versions that the store names readable and whole "
             "again in key vault ",
             in.vault.name(), ":", failures));
}

}  // namespace

Result<Opened> open_store(const CustodyInput& in) {
  APM_TRY(const barrier::State state, in.barrier.state());
  switch (state) {
    case barrier::State::kUninitialized: APM_CHECK_OK(initialise(in)); return Opened::kInitialised;
    case barrier::State::kSealed: APM_CHECK_OK(unseal(in)); return Opened::kUnsealed;
    case barrier::State::kUnsealed: return Opened::kUnsealed;
  }
  return Error(Code::kInternal, "barrier state out of range");
}

}  // namespace apm::boot
