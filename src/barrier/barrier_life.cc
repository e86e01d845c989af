// The life of a store: initialising, unsealing, sealing, and its keys.

#include <algorithm>

#include "barrier/barrier.h"
#include "barrier/barrier_impl.h"
#include "barrier/limits.h"
#include "barrier/record.h"
#include "barrier/seal_config.h"
#include "base/encoding.h"
#include "base/text.h"
#include "crypto/aead.h"
#include "crypto/digest.h"
#include "crypto/random.h"

namespace apm::barrier {
namespace {

constexpr int kJournalAttemptsMax = 3;
constexpr std::string_view kDeriveLabel = "apm-derive-v1:";

Error already_initialized() {
  return Error(Code::kConflict, "already_initialized",
               "the store is already initialised; unseal it with its shares");
}

Error uninitialized() {
  return Error(Code::kUninitialized, "uninitialized",
               "the store was never initialised; initialise it first");
}

Status check_plan(const InitPlan& plan) {
  APM_CHECK_OK(shamir::check(plan.config.scheme));
  if (plan.seal_key.size() == crypto::kGcmKeySize && plan.root_key.size() == crypto::kGcmKeySize) {
    return {};
  }
  return Error(Code::kInvalidArgument, "init_plan", "the plan does not hold its keys");
}

// A share is the key and one byte x, which is never 0; a single share is the key itself.
Status check_share(const crypto::SecretBytes& share, const shamir::Scheme& scheme) {
  const bool single = scheme.threshold == 1;
  const std::size_t size = crypto::kGcmKeySize + (single ? 0 : 1);
  if (share.size() == size && (single || share.view().back() != 0)) return {};
  return Error(Code::kInvalidArgument, "share_malformed",
               concat("a share of this store has ", size, " bytes; the one given has ",
                      share.size(), " or is malformed"));
}

Error unseal_failed() {
  return Error(Code::kInvalidArgument, "unseal_failed",
               "the shares do not open this store: at least one is wrong or of another store (or "
               "core/root-key is damaged); start again with the first share");
}

Error store_incomplete(std::string_view store) {
  return Error(Code::kRefused, "store_incomplete",
               concat("a restore or a migration into ", store,
                      " was begun and not finished: what is in it is no store. Repeat the restore "
                      "(operator snapshot restore -config) or the migration (operator migrate)"));
}

bool same_config(const SealConfig& a, const SealConfig& b) {
  return json::write(seal_config_to_json(a)) == json::write(seal_config_to_json(b));
}

// Which of the two conditions of an initialisation's commit did not hold.
Error init_conflict(const Result<std::optional<SealConfig>>& config) {
  if (!config.ok() || config->has_value()) return already_initialized();
  return Error(Code::kConflict, "journal_changed",
               "another initialisation of this store is under way; make a new plan");
}

}  // namespace

Barrier::Barrier(storage::Store& store, const Clock& clock)
    : impl_(std::make_unique<Impl>(store, clock)) {}
Barrier::~Barrier() = default;

// --- State ---

Result<std::optional<Bytes>> Barrier::Impl::read_own(std::string_view path) {
  return store.get(std::string(path));
}

Result<std::optional<SealConfig>> Barrier::Impl::read_config() {
  APM_TRY(const std::optional<Bytes> incomplete, read_own(kIncompletePath));
  if (incomplete) return store_incomplete(store.description());
  APM_TRY(const std::optional<Bytes> text, read_own(kSealConfigPath));
  if (!text) return std::optional<SealConfig>();
  APM_TRY(SealConfig config, parse_seal_config(*text));
  return std::optional<SealConfig>(std::move(config));
}

Result<State> Barrier::state() {
  const ReaderLock lock(impl_->mutex);
  if (impl_->unsealed) return State::kUnsealed;
  APM_TRY(const std::optional<SealConfig> config, impl_->read_config());
  return config ? State::kSealed : State::kUninitialized;
}

Result<std::optional<SealConfig>> Barrier::seal_config() {
  const ReaderLock lock(impl_->mutex);
  if (impl_->unsealed) return std::optional<SealConfig>(impl_->unsealed->keyring.config);
  return impl_->read_config();
}

// --- Initialising ---

Result<std::optional<std::string>> Barrier::journal_store_id() {
  APM_TRY(const std::optional<Bytes> text, impl_->read_own(kJournalPath));
  if (!text) return std::optional<std::string>();
  APM_TRY(std::string store_id, parse_journal(*text));
  return std::optional<std::string>(std::move(store_id));
}

// The journal's store id; made when absent. Whoever races us to it wins, and we go on with his.
static Result<std::string> begin_journal(Barrier& barrier, storage::Store& store) {
  for (int attempt = 0; attempt < kJournalAttemptsMax; ++attempt) {
    APM_TRY(const std::optional<SealConfig> config, barrier.seal_config());
    if (config) return already_initialized();
    APM_TRY(std::optional<std::string> known, barrier.journal_store_id());
    if (known) return std::move(*known);
    std::string store_id = hex_encode(crypto::random_bytes(16));
    storage::Batch batch;
    batch.preconditions = {{std::string(kSealConfigPath), std::nullopt},
                           {std::string(kJournalPath), std::nullopt}};
    batch.puts = {{std::string(kJournalPath), journal_text(store_id)}};
    const Status committed = store.commit(batch);
    if (committed.ok()) return store_id;
    if (committed.error().code != Code::kPrecondition) return committed.error();
  }
  return Error(Code::kConflict, "journal_changed",
               "others keep changing this store while it is being initialised");
}

Result<InitPlan> Barrier::plan_init(StoreKind kind, const shamir::Scheme& scheme) {
  APM_CHECK_OK(shamir::check(scheme));
  InitPlan plan;
  APM_TRY(plan.config.store_id, begin_journal(*this, impl_->store));
  plan.config.kind = kind;
  plan.config.scheme = scheme;
  plan.config.created_unix_s = impl_->clock.unix_s();
  plan.seal_key = crypto::SecretBytes::random(crypto::kGcmKeySize);
  plan.root_key = crypto::SecretBytes::random(crypto::kGcmKeySize);
  APM_TRY(plan.shares, shamir::split(plan.seal_key, scheme));
  return plan;
}

Status Barrier::commit_init(InitPlan plan) {
  APM_CHECK_OK(check_plan(plan));
  const WriterLock lock(impl_->mutex);
  if (impl_->unsealed) return already_initialized();
  const Bytes config = to_bytes(std::string_view(json::write(seal_config_to_json(plan.config))));
  // Read back as every later start will: what cannot be read must not be committed.
  APM_CHECK_OK(parse_seal_config(config));
  Keyring keyring;
  keyring.config = plan.config;
  APM_CHECK_OK(keyring.add_term(impl_->clock.unix_s()));
  APM_TRY(const Bytes root_record,
          seal_envelope(plan.seal_key, kRootKeyLabel, plan.root_key.view()));
  APM_TRY(Bytes keyring_record, seal_keyring(plan.root_key, keyring));

  storage::Batch batch;
  batch.preconditions = {{std::string(kSealConfigPath), std::nullopt},
                         {std::string(kJournalPath), journal_text(plan.config.store_id)}};
  batch.puts = {{std::string(kSealConfigPath), config},
                {std::string(kRootKeyPath), root_record},
                {std::string(kKeyringPath), keyring_record}};
  batch.deletes = {std::string(kJournalPath)};
  const Status committed = impl_->store.commit(batch);
  if (!committed.ok()) {
    if (committed.error().code != Code::kPrecondition) return committed;
    return init_conflict(impl_->read_config());
  }
  impl_->install(std::move(keyring), std::move(keyring_record), std::move(plan.root_key));
  return {};
}

void Barrier::Impl::install(Keyring keyring, Bytes record, crypto::SecretBytes root_key) {
  auto open = std::make_unique<Unsealed>();
  open->encryptions = keyring.active().reserved;
  open->last_version = keyring.version_floor;
  open->keyring = std::move(keyring);
  open->keyring_record = std::move(record);
  open->root_key = std::move(root_key);
  unsealed = std::move(open);
  attempt = {};
}

// --- Unsealing and sealing ---

static UnsealProgress progress_of(const SealConfig& config, State state, const Attempt& attempt) {
  UnsealProgress out;
  out.state = state;
  out.threshold = config.scheme.threshold;
  out.shares = config.scheme.shares;
  out.progress = static_cast<unsigned>(attempt.shares.size());
  out.nonce = attempt.nonce;
  return out;
}

Result<UnsealProgress> Barrier::unseal(const crypto::SecretBytes& share) {
  const WriterLock lock(impl_->mutex);
  Attempt& attempt = impl_->attempt;
  if (impl_->unsealed) {
    return progress_of(impl_->unsealed->keyring.config, State::kUnsealed, attempt);
  }
  APM_TRY(const std::optional<SealConfig> config, impl_->read_config());
  if (!config) return uninitialized();
  APM_CHECK_OK(check_share(share, config->scheme));
  const bool known = std::any_of(attempt.shares.begin(), attempt.shares.end(),
                                 [&share](const auto& s) { return s.equals(share); });
  if (!known) {
    if (attempt.shares.empty()) attempt.nonce = crypto::random_uuid();
    attempt.shares.push_back(share.clone());
  }
  if (attempt.shares.size() < config->scheme.threshold) {
    return progress_of(*config, State::kSealed, attempt);
  }
  const Status finished = impl_->finish_unseal(*config);
  attempt = {};
  APM_CHECK_OK(finished);
  return progress_of(*config, State::kUnsealed, attempt);
}

Status Barrier::Impl::finish_unseal(const SealConfig& config) {
  const Result<crypto::SecretBytes> seal_key = shamir::combine(attempt.shares);
  if (!seal_key.ok()) return unseal_failed();
  APM_TRY(const std::optional<Bytes> root_record, read_own(kRootKeyPath));
  APM_TRY(std::optional<Bytes> keyring_record, read_own(kKeyringPath));
  if (!root_record || !keyring_record) {
    return Error(Code::kCorrupt, "keys_missing",
                 "core/root-key or core/keyring is missing; restore the store from a backup");
  }
  Result<crypto::SecretBytes> root_key =
      open_envelope_secret(*seal_key, kRootKeyLabel, *root_record);
  if (!root_key.ok()) {
    return root_key.error().reason == "envelope_corrupt" ? unseal_failed() : root_key.error();
  }
  APM_TRY(Keyring keyring, open_keyring(*root_key, *keyring_record));
  if (!same_config(config, keyring.config)) {
    return Error(Code::kCorrupt, "seal_config_mismatch",
                 "core/seal-config is not the one that this store was initialised with: it was "
                 "changed from outside; restore it from a backup. The store stays sealed");
  }
  install(std::move(keyring), std::move(*keyring_record), std::move(*root_key));
  return {};
}

Status Barrier::reload() {
  const WriterLock lock(impl_->mutex);
  APM_CHECK_OK(impl_->require_unsealed());
  APM_TRY(const std::optional<SealConfig> config, impl_->read_config());
  APM_TRY(std::optional<Bytes> record, impl_->read_own(kKeyringPath));
  if (!config || !record) {
    return Error(Code::kCorrupt, "keys_missing",
                 concat(config ? kKeyringPath : kSealConfigPath,
                        " is missing; restore the store from a backup"));
  }
  const Unsealed& now = *impl_->unsealed;
  APM_TRY(Keyring keyring, open_keyring(now.root_key, *record));
  if (!same_config(keyring.config, now.keyring.config) || !same_config(*config, keyring.config)) {
    return Error(Code::kCorrupt, "seal_config_mismatch",
                 "core/keyring or core/seal-config is of another store than the one that was "
                 "unsealed here; seal this "
                 "server and look at what happened to its storage");
  }
  crypto::SecretBytes root_key = now.root_key.clone();
  const std::uint64_t seen = now.last_version.load();
  impl_->install(std::move(keyring), std::move(*record), std::move(root_key));
  impl_->saw_version(seen);
  return {};
}

Result<UnsealProgress> Barrier::unseal_progress() {
  const ReaderLock lock(impl_->mutex);
  if (impl_->unsealed) {
    return progress_of(impl_->unsealed->keyring.config, State::kUnsealed, impl_->attempt);
  }
  APM_TRY(const std::optional<SealConfig> config, impl_->read_config());
  if (config) return progress_of(*config, State::kSealed, impl_->attempt);
  UnsealProgress none;
  none.state = State::kUninitialized;
  return none;
}

void Barrier::reset_unseal() {
  const WriterLock lock(impl_->mutex);
  impl_->attempt = {};
}

void Barrier::seal() {
  const WriterLock lock(impl_->mutex);
  impl_->unsealed.reset();
  impl_->attempt = {};
}

Status Barrier::seal_and_replace(const std::function<Status(storage::Store&)>& work) {
  const WriterLock lock(impl_->mutex);
  impl_->unsealed.reset();
  impl_->attempt = {};
  return work(impl_->store);
}

// --- Keys ---

Result<KeyStatus> Barrier::key_status() {
  const ReaderLock lock(impl_->mutex);
  APM_CHECK_OK(impl_->require_unsealed());
  const Term& term = impl_->unsealed->keyring.active();
  return KeyStatus{term.number, term.installed_unix_s, impl_->unsealed->encryptions.load()};
}

Status Barrier::rotate() {
  const WriterLock lock(impl_->mutex);
  APM_CHECK_OK(impl_->require_unsealed());
  return impl_->rotate_locked();
}

Status Barrier::Impl::rotate_locked() {
  Keyring next = unsealed->keyring.clone();
  APM_CHECK_OK(next.add_term(clock.unix_s()));
  APM_CHECK_OK(store_keyring(std::move(next)));
  unsealed->encryptions = 0;
  return {};
}

// Makes room for `wanted` more encryptions; a term that was used enough gives way to a new one.
Status Barrier::Impl::reserve_locked(std::uint64_t wanted) {
  if (unsealed->encryptions + wanted <= unsealed->keyring.active().reserved) return {};
  if (unsealed->encryptions + wanted > kEncryptionsPerTermMax) APM_CHECK_OK(rotate_locked());
  Keyring next = unsealed->keyring.clone();
  next.active().reserved = unsealed->encryptions + std::max(wanted, kEncryptionsReserved);
  return store_keyring(std::move(next));
}

Status Barrier::Impl::store_keyring(Keyring next) {
  next.version_floor = unsealed->last_version;
  APM_TRY(Bytes record, seal_keyring(unsealed->root_key, next));
  const std::string path(kKeyringPath);
  storage::Batch batch;
  batch.preconditions = {{path, unsealed->keyring_record}};
  batch.puts = {{path, record}};
  const Status committed = store.commit(batch);
  if (!committed.ok()) {
    // A commit that reports an error may have been made all the same: the record decides.
    APM_TRY(const std::optional<Bytes> stored, store.get(path));
    if (stored != record) {
      if (committed.error().code != Code::kPrecondition) return committed;
      return Error(Code::kConflict, "keyring_changed",
                   "another server changed this store's keyring; seal and unseal this one");
    }
  }
  unsealed->keyring = std::move(next);
  unsealed->keyring_record = std::move(record);
  return {};
}

Result<crypto::SecretBytes> Barrier::derive(std::string_view label) {
  const ReaderLock lock(impl_->mutex);
  APM_CHECK_OK(impl_->require_unsealed());
  const Unsealed& open = *impl_->unsealed;
  return crypto::hkdf_sha256(open.root_key.view(), as_bytes(open.keyring.config.store_id),
                             concat(kDeriveLabel, label), crypto::kGcmKeySize);
}

}  // namespace apm::barrier
