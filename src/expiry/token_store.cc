#include "expiry/token_store.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/mutex.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "crypto/random.h"
#include "expiry/limits.h"
#include "expiry/token_index.h"
#include "expiry/token_record.h"

namespace apm::expiry {
namespace {

constexpr std::string_view kKeyLabel = "apm-token-ids-v1";
const std::string kIdPrefix = "sys/token/id/";
const std::string kAccessorPrefix = "sys/token/accessor/";
const std::string kParentPrefix = "sys/token/parent/";

Error invalid_token() {
  return Error(Code::kUnauthenticated, "token_invalid",
               "the token is not valid: it is unknown, over, used up or revoked");
}

Error bad_spec(const char* reason, std::string message) {
  return Error(Code::kInvalidArgument, reason, std::move(message));
}

Status check_spec(const TokenSpec& spec) {
  if (spec.policies.size() > kPoliciesPerTokenMax) {
    return bad_spec("token_policies", concat("more than ", kPoliciesPerTokenMax, " policies"));
  }
  if (spec.metadata.size() > kMetadataMax) {
    return bad_spec("token_metadata", concat("more than ", kMetadataMax, " metadata entries"));
  }
  bool fits = spec.display_name.size() <= kTextBytesMax && spec.path.size() <= 2 * kTextBytesMax;
  for (const std::string& policy : spec.policies) fits = fits && policy.size() <= kTextBytesMax;
  for (const auto& [name, text] : spec.metadata) {
    fits = fits && name.size() <= kTextBytesMax && text.size() <= kTextBytesMax;
  }
  if (!fits) {
    return bad_spec("token_text", concat("a display name, policy or metadata text of the token is "
                                         "longer than ",
                                         kTextBytesMax, " bytes"));
  }
  const bool plain = std::all_of(spec.custom.begin(), spec.custom.end(), [](char c) {
    return c > ' ' && c < 0x7f && c != '.' && c != '/';
  });
  if (!plain || spec.custom.size() > kTextBytesMax) {
    return bad_spec("token_id",
                    "a token id of your own may hold printable characters except "
                    "'.', '/' and blanks, and no more than 512 of them");
  }
  return {};
}

// The time from creation after which no renewal helps.
std::uint64_t max_life_s(std::uint64_t explicit_max_ttl_s, std::uint64_t period_s) {
  if (explicit_max_ttl_s != 0) {
    return period_s != 0 ? explicit_max_ttl_s : std::min(explicit_max_ttl_s, kTtlMaxS);
  }
  return period_s != 0 ? 0 : kTtlMaxS;  // 0: a periodic token lives as long as it is renewed
}

std::uint64_t first_ttl_s(const TokenSpec& spec) {
  const std::uint64_t wanted =
      spec.period_s != 0 ? spec.period_s : (spec.ttl_s != 0 ? spec.ttl_s : kTtlDefaultS);
  const std::uint64_t max = max_life_s(spec.explicit_max_ttl_s, spec.period_s);
  const std::uint64_t capped = std::min(wanted, kTtlMaxS);
  return max == 0 ? capped : std::min(capped, max);
}

}  // namespace

struct TokenStore::Impl {
  Impl(barrier::Barrier& b, const Clock& c) : barrier(b), clock(c) {}

  barrier::Barrier& barrier;
  const Clock& clock;
  CubbyholeEraser eraser;
  Mutex writing;  // held over storage and index, so that they agree
  SharedMutex mutex;
  bool loaded APM_GUARDED_BY(mutex) = false;
  crypto::SecretBytes key;  // changed with both locks held, read with either
  TokenIndex index APM_GUARDED_BY(mutex);

  Status require_loaded() const APM_REQUIRES_SHARED(mutex) {
    if (loaded) return {};
    return Error(Code::kSealed, "tokens_not_loaded", "Vault is sealed");
  }
  std::string id_of(std::string_view token) const {
    return hex_encode(crypto::hmac_sha256(key.view(), {as_bytes("token:"), as_bytes(token)}));
  }
  std::string accessor_key(const std::string& accessor) const {
    return kAccessorPrefix +
           hex_encode(crypto::hmac_sha256(key.view(), {as_bytes("accessor:"), as_bytes(accessor)}));
  }
  static std::string parent_key(const TokenEntry& entry) {
    return kParentPrefix + entry.parent + "/" + entry.id;
  }

  Status load_record(const std::string& id) APM_REQUIRES(writing, mutex);
  Result<TokenEntry> make_entry(const TokenSpec& spec, const std::string& id) APM_REQUIRES(writing)
      APM_REQUIRES_SHARED(mutex);
  Status write_new(const TokenEntry& entry) APM_REQUIRES(writing);
  Status rewrite(const TokenEntry& entry) APM_REQUIRES(writing) APM_EXCLUDES(mutex);
  Status remove(std::vector<std::string> ids) APM_REQUIRES(writing) APM_EXCLUDES(mutex);
  Status remove_tree(const std::string& id) APM_REQUIRES(writing) APM_EXCLUDES(mutex);
  Status orphan_children(const std::string& id) APM_REQUIRES(writing) APM_EXCLUDES(mutex);
  Result<TokenEntry> copy_of(const std::string& id) APM_EXCLUDES(mutex);
};

std::string new_accessor() { return crypto::random_base62(kRandomCharacters); }

TokenStore::TokenStore(barrier::Barrier& barrier, const Clock& clock)
    : impl_(std::make_unique<Impl>(barrier, clock)) {}
TokenStore::~TokenStore() = default;

void TokenStore::set_cubbyhole_eraser(CubbyholeEraser eraser) { impl_->eraser = std::move(eraser); }

Status TokenStore::load() {
  const MutexLock writing(impl_->writing);
  const WriterLock lock(impl_->mutex);
  APM_TRY(impl_->key, impl_->barrier.derive(kKeyLabel));
  impl_->index.clear();
  APM_TRY(const std::vector<std::string> ids, impl_->barrier.list(kIdPrefix));
  if (ids.size() > kServiceTokensMax) {
    return Error(
        Code::kTooLarge, "tokens_too_many",
        concat("the store holds ", ids.size(), " tokens; the limit is ", kServiceTokensMax));
  }
  for (const std::string& id : ids) APM_CHECK_OK(impl_->load_record(id));
  // A stray is what an interrupted revocation left: it is dead, and the sweep removes it.
  for (const std::string& id : impl_->index.strays()) {
    TokenEntry entry = *impl_->index.find(id);
    entry.revoked = true;
    impl_->index.put(std::move(entry));
  }
  impl_->loaded = true;
  return {};
}

Status TokenStore::Impl::load_record(const std::string& id) {
  APM_TRY(const std::optional<Bytes> stored, barrier.get(kIdPrefix + id));
  if (!stored) return {};
  APM_TRY(TokenEntry entry, read_record(*stored));
  if (entry.id != id) {
    return Error(Code::kCorrupt, "token_record", "a token record stands at another token's place");
  }
  index.put(std::move(entry));
  return {};
}

void TokenStore::unload() {
  const MutexLock writing(impl_->writing);
  const WriterLock lock(impl_->mutex);
  impl_->loaded = false;
  impl_->index.clear();
  impl_->key = crypto::SecretBytes();
}

Result<NewToken> TokenStore::create(const TokenSpec& spec) {
  APM_CHECK_OK(check_spec(spec));
  const MutexLock writing(impl_->writing);
  NewToken made;
  made.token =
      spec.custom.empty() ? "hvs." + crypto::random_base62(kRandomCharacters) : spec.custom;
  {
    const ReaderLock lock(impl_->mutex);
    APM_CHECK_OK(impl_->require_loaded());
    APM_TRY(made.entry, impl_->make_entry(spec, impl_->id_of(made.token)));
  }
  APM_CHECK_OK(impl_->write_new(made.entry));
  const WriterLock lock(impl_->mutex);
  impl_->index.put(made.entry);
  return made;
}

Result<TokenEntry> TokenStore::Impl::make_entry(const TokenSpec& spec, const std::string& id) {
  const std::int64_t now = clock.unix_s();
  if (index.size() >= kServiceTokensMax) {
    return Error(Code::kRateLimited, "tokens_too_many",
                 concat("there are already ", kServiceTokensMax, " tokens: revoke some first"));
  }
  if (index.find(id) != nullptr) {
    return bad_spec("token_exists", "cannot create a token with a duplicate ID");
  }
  if (!spec.parent.empty()) {
    const TokenEntry* parent = index.find(spec.parent);
    if (parent == nullptr || !index.alive(*parent, now)) return invalid_token();
    if (index.depth(spec.parent) + 1 >= kTreeDepthMax) {
      return bad_spec("token_depth", concat("a token tree is at most ", kTreeDepthMax, " deep"));
    }
  }
  TokenEntry entry;
  entry.id = id;
  entry.accessor = spec.accessor.empty() ? new_accessor() : spec.accessor;
  entry.parent = spec.parent;
  entry.policies = spec.policies;
  entry.metadata = spec.metadata;
  entry.display_name = spec.display_name;
  entry.path = spec.path;
  entry.auth_mount = spec.auth_mount;
  entry.cubbyhole_id = crypto::random_uuid();
  entry.created_unix_s = now;
  entry.explicit_max_ttl_s = spec.explicit_max_ttl_s;
  entry.period_s = std::min(spec.period_s, kTtlMaxS);
  entry.limited = spec.num_uses != 0;
  entry.uses_left = spec.num_uses;
  if (!spec.never_expires) {
    entry.creation_ttl_s = first_ttl_s(spec);
    entry.expires_unix_s = now + static_cast<std::int64_t>(entry.creation_ttl_s);
    entry.renewable = spec.renewable;
  }
  return entry;
}

Status TokenStore::Impl::write_new(const TokenEntry& entry) {
  barrier::Change change;
  change.writes.push_back({kIdPrefix + entry.id, write_record(entry)});
  change.writes.push_back({accessor_key(entry.accessor), to_bytes(entry.id)});
  if (!entry.parent.empty()) change.writes.push_back({parent_key(entry), to_bytes(entry.accessor)});
  change.must_be_absent.push_back(kIdPrefix + entry.id);
  return barrier.apply(change);
}

Result<NewToken> TokenStore::create_root(std::uint64_t ttl_s, std::string accessor) {
  TokenSpec spec;
  spec.accessor = std::move(accessor);
  spec.policies = {"root"};
  spec.display_name = "root";
  spec.path = "auth/token/root";
  spec.ttl_s = ttl_s;
  spec.renewable = false;
  spec.never_expires = ttl_s == 0;
  return create(spec);
}

Result<TokenEntry> TokenStore::lookup(std::string_view token) {
  if (token.empty() || token.size() > kTokenBytesMax) return invalid_token();
  const ReaderLock lock(impl_->mutex);
  APM_CHECK_OK(impl_->require_loaded());
  const TokenEntry* entry = impl_->index.find(impl_->id_of(token));
  if (entry == nullptr || !impl_->index.alive(*entry, impl_->clock.unix_s())) {
    return invalid_token();
  }
  return *entry;
}

Result<TokenEntry> TokenStore::lookup_accessor(const std::string& accessor) {
  const ReaderLock lock(impl_->mutex);
  APM_CHECK_OK(impl_->require_loaded());
  const TokenEntry* entry = impl_->index.find_by_accessor(accessor);
  if (entry == nullptr || !impl_->index.alive(*entry, impl_->clock.unix_s())) {
    return Error(Code::kNotFound, "accessor_unknown", "no token has this accessor");
  }
  return *entry;
}

Result<bool> TokenStore::descends(const std::string& id, const std::string& ancestor) {
  const ReaderLock lock(impl_->mutex);
  APM_CHECK_OK(impl_->require_loaded());
  const TokenEntry* entry = impl_->index.find(id);
  for (std::size_t depth = 0; entry != nullptr && depth <= kTreeDepthMax; ++depth) {
    if (entry->id == ancestor) return true;
    entry = impl_->index.find(entry->parent);
  }
  return false;
}

Result<std::vector<std::string>> TokenStore::accessors() {
  const ReaderLock lock(impl_->mutex);
  APM_CHECK_OK(impl_->require_loaded());
  std::vector<std::string> accessors;
  for (const auto& [id, entry] : impl_->index.all()) {
    if (impl_->index.alive(entry, impl_->clock.unix_s())) accessors.push_back(entry.accessor);
  }
  std::sort(accessors.begin(), accessors.end());
  return accessors;
}

Result<TokenEntry> TokenStore::Impl::copy_of(const std::string& id) {
  const ReaderLock lock(mutex);
  APM_CHECK_OK(require_loaded());
  const TokenEntry* entry = index.find(id);
  if (entry == nullptr || !index.alive(*entry, clock.unix_s())) return invalid_token();
  return *entry;
}

Status TokenStore::Impl::rewrite(const TokenEntry& entry) {
  APM_CHECK_OK(barrier.put(kIdPrefix + entry.id, write_record(entry)));
  const WriterLock lock(mutex);
  index.put(entry);
  return {};
}

Result<bool> TokenStore::use(const std::string& id) {
  APM_TRY(TokenEntry entry, impl_->copy_of(id));
  if (!entry.limited) return false;
  const MutexLock writing(impl_->writing);
  APM_TRY(entry, impl_->copy_of(id));  // again: another request may have used it meanwhile
  --entry.uses_left;
  APM_CHECK_OK(impl_->rewrite(entry));
  return entry.uses_left == 0;
}

Result<TokenEntry> TokenStore::renew(const std::string& id, std::uint64_t increment_s) {
  const MutexLock writing(impl_->writing);
  APM_TRY(TokenEntry entry, impl_->copy_of(id));
  if (!entry.renewable || entry.expires_unix_s == 0) {
    return bad_spec("token_not_renewable", "lease is not renewable");
  }
  const std::int64_t now = impl_->clock.unix_s();
  const std::uint64_t wanted = entry.period_s != 0
                                   ? entry.period_s
                                   : (increment_s != 0 ? increment_s : entry.creation_ttl_s);
  std::int64_t end = now + static_cast<std::int64_t>(std::min(wanted, kTtlMaxS));
  const std::uint64_t life = max_life_s(entry.explicit_max_ttl_s, entry.period_s);
  if (life != 0) {
    // Capped in seconds that cannot overflow; the end never becomes 0, which would mean "never".
    const std::uint64_t bounded = std::min(life, std::uint64_t{1} << 40);
    end = std::min(end, entry.created_unix_s + static_cast<std::int64_t>(bounded));
  }
  if (end <= now) return invalid_token();
  entry.expires_unix_s = end;
  entry.last_renewal_unix_s = now;
  APM_CHECK_OK(impl_->rewrite(entry));
  return entry;
}

Status TokenStore::revoke(const std::string& id) {
  const MutexLock writing(impl_->writing);
  return impl_->remove_tree(id);
}

Status TokenStore::Impl::remove_tree(const std::string& id) {
  std::vector<std::string> ids;
  {
    const WriterLock lock(mutex);
    APM_CHECK_OK(require_loaded());
    const TokenEntry* found = index.find(id);
    if (found == nullptr) return {};
    ids = index.tree(id);
    TokenEntry entry = *found;
    entry.revoked = true;  // from here on the whole tree is refused
    index.put(std::move(entry));
  }
  // A tree that does not fit one change is first marked in storage, so that a crash in between
  // cannot bring a part of it back.
  if (ids.size() > kRevokeBatchMax) {
    TokenEntry entry;
    {
      const ReaderLock lock(mutex);
      entry = *index.find(id);
    }
    APM_CHECK_OK(barrier.put(kIdPrefix + id, write_record(entry)));
  }
  std::reverse(ids.begin(), ids.end());  // children first
  return remove(std::move(ids));
}

Status TokenStore::Impl::remove(std::vector<std::string> ids) {
  for (std::size_t at = 0; at < ids.size(); at += kRevokeBatchMax) {
    const std::size_t end = std::min(ids.size(), at + kRevokeBatchMax);
    barrier::Change change;
    for (std::size_t i = at; i < end; ++i) {
      TokenEntry entry;
      {
        const ReaderLock lock(mutex);
        const TokenEntry* found = index.find(ids[i]);
        if (found == nullptr) continue;
        entry = *found;
      }
      if (eraser) APM_CHECK_OK(eraser(entry.cubbyhole_id));
      change.deletes.push_back(kIdPrefix + entry.id);
      change.deletes.push_back(accessor_key(entry.accessor));
      if (!entry.parent.empty()) change.deletes.push_back(parent_key(entry));
    }
    APM_CHECK_OK(barrier.apply(change));
    const WriterLock lock(mutex);
    for (std::size_t i = at; i < end; ++i) index.remove(ids[i]);
  }
  return {};
}

Status TokenStore::revoke_orphan(const std::string& id) {
  const MutexLock writing(impl_->writing);
  APM_CHECK_OK(impl_->orphan_children(id));
  return impl_->remove_tree(id);
}

Status TokenStore::Impl::orphan_children(const std::string& id) {
  std::vector<TokenEntry> children;
  {
    const ReaderLock lock(mutex);
    APM_CHECK_OK(require_loaded());
    for (const std::string& child : index.children(id)) children.push_back(*index.find(child));
  }
  for (std::size_t at = 0; at < children.size(); at += kRevokeBatchMax) {
    const std::size_t end = std::min(children.size(), at + kRevokeBatchMax);
    barrier::Change change;
    for (std::size_t i = at; i < end; ++i) {
      change.deletes.push_back(parent_key(children[i]));
      children[i].parent.clear();
      change.writes.push_back({kIdPrefix + children[i].id, write_record(children[i])});
    }
    APM_CHECK_OK(barrier.apply(change));
    const WriterLock lock(mutex);
    for (std::size_t i = at; i < end; ++i) index.put(children[i]);
  }
  return {};
}

Result<std::size_t> TokenStore::sweep() {
  const MutexLock writing(impl_->writing);
  std::vector<std::string> over;
  {
    const ReaderLock lock(impl_->mutex);
    APM_CHECK_OK(impl_->require_loaded());
    over = impl_->index.ended(impl_->clock.unix_s(), kSweepTokensMax);
  }
  for (const std::string& id : over) APM_CHECK_OK(impl_->remove_tree(id));
  return over.size();
}

std::size_t TokenStore::size() {
  const ReaderLock lock(impl_->mutex);
  return impl_->index.size();
}

}  // namespace apm::expiry
