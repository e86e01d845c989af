// Records: what is read and written while the store is unsealed.

#include "barrier/barrier.h"

#include <algorithm>

#include "barrier/barrier_impl.h"
#include "barrier/limits.h"
#include "barrier/record.h"
#include "barrier/seal_config.h"
#include "base/text.h"

namespace apm::barrier {
namespace {

Status check_path(std::string_view path) {
  APM_CHECK_OK(storage::check_key(path));
  if (!is_own_path(path)) return {};
  return Error(Code::kPermissionDenied, "reserved_path",
               concat(path, " belongs to the barrier and is closed to everybody else"));
}

Status check_change(const Change& change) {
  for (const Write& write : change.writes) {
    APM_CHECK_OK(check_path(write.path));
    if (write.value.size() > kPlaintextBytesMax) {
      return Error(Code::kTooLarge, "record_size",
                   concat("the record ", write.path, " has ", write.value.size(),
                          " bytes; at most ", kPlaintextBytesMax, " can be kept"));
    }
  }
  for (const std::string& path : change.deletes) APM_CHECK_OK(check_path(path));
  for (const std::string& path : change.must_be_absent) APM_CHECK_OK(check_path(path));
  for (const Unchanged& read : change.must_be_unchanged) APM_CHECK_OK(check_path(read.path));
  return {};
}

// Format, term, version and nonce: the nonce alone is never used twice.
Bytes mark_of(const Bytes& record) {
  const std::size_t size = std::min(record.size(), kRecordMarkBytes);
  return Bytes(record.begin(), record.begin() + static_cast<std::ptrdiff_t>(size));
}

// The whole stored record, which the commit compares, if it still is the one that was read.
Result<storage::Precondition> still_there(storage::Store& store, const Unchanged& read) {
  APM_TRY(std::optional<Bytes> record, store.get(read.path));
  if (!record || mark_of(*record) != read.mark) return storage::precondition_failed(read.path);
  return storage::Precondition{read.path, std::move(record)};
}

}  // namespace

Status Barrier::Impl::require_unsealed() const {
  if (unsealed) return {};
  return Error(Code::kSealed, "sealed", "the store is sealed; unseal it first");
}

// Later than every version of this life, and than the clock of the life before.
std::uint64_t Barrier::Impl::next_version() {
  const std::int64_t now = clock.unix_ns();
  const std::uint64_t floor = now > 0 ? static_cast<std::uint64_t>(now) : 0;
  std::uint64_t last = unsealed->last_version.load();
  std::uint64_t next = 0;
  do {
    next = std::max(last + 1, floor);
  } while (!unsealed->last_version.compare_exchange_weak(last, next));
  return next;
}

void Barrier::Impl::saw_version(std::uint64_t version) {
  std::uint64_t last = unsealed->last_version.load();
  while (last < version && !unsealed->last_version.compare_exchange_weak(last, version)) {
    // `last` was read again: compare once more.
  }
}

Result<storage::Batch> Barrier::Impl::encrypt(const Change& change) {
  const Keyring& keyring = unsealed->keyring;
  const Term& term = keyring.active();
  storage::Batch batch;
  for (const Write& write : change.writes) {
    const RecordPlace place{keyring.config.store_id, keyring.config.kind, write.path};
    const RecordHeader header{term.number, next_version()};
    APM_TRY(Bytes record, seal_record(term.key, header, place, write.value));
    batch.puts.push_back({write.path, std::move(record)});
  }
  batch.deletes = change.deletes;
  for (const std::string& path : change.must_be_absent) {
    batch.preconditions.push_back({path, std::nullopt});
  }
  for (const Unchanged& read : change.must_be_unchanged) {
    APM_TRY(storage::Precondition precondition, still_there(store, read));
    batch.preconditions.push_back(std::move(precondition));
  }
  return batch;
}

Result<std::optional<Bytes>> Barrier::get(const std::string& path) {
  APM_TRY(std::optional<MarkedRecord> record, get_marked(path));
  if (!record) return std::optional<Bytes>();
  return std::optional<Bytes>(std::move(record->value));
}

Result<std::optional<MarkedRecord>> Barrier::get_marked(const std::string& path) {
  const ReaderLock lock(impl_->mutex);
  APM_CHECK_OK(impl_->require_unsealed());
  APM_CHECK_OK(check_path(path));
  APM_TRY(const std::optional<Bytes> record, impl_->store.get(path));
  if (!record) return std::optional<MarkedRecord>();
  APM_TRY(const RecordHeader header, read_record_header(*record, path));
  const Keyring& keyring = impl_->unsealed->keyring;
  const Term* term = keyring.find(header.term);
  if (term == nullptr) {
    return Error(Code::kCorrupt, "record_term",
                 concat("the record ", path, " names key term ", header.term,
                        ", which this store does not have"));
  }
  APM_TRY(Bytes plaintext,
          open_record(term->key, {keyring.config.store_id, keyring.config.kind, path}, *record));
  impl_->saw_version(header.version);
  return std::optional<MarkedRecord>({std::move(plaintext), mark_of(*record)});
}

Result<std::vector<std::string>> Barrier::list(const std::string& prefix) {
  const ReaderLock lock(impl_->mutex);
  APM_CHECK_OK(impl_->require_unsealed());
  APM_TRY(std::vector<std::string> names, impl_->store.list(prefix));
  const auto own = [&prefix](const std::string& name) { return is_own_path(prefix + name); };
  if (prefix == "core/") std::erase_if(names, own);
  if (prefix.empty()) {
    // "core/" is there for everybody only when it holds more than the barrier's own.
    APM_TRY(const std::vector<std::string> core, impl_->store.list("core/"));
    const bool only_own = std::all_of(core.begin(), core.end(), [](const std::string& name) {
      return is_own_path("core/" + name);
    });
    if (only_own) std::erase(names, "core/");
  }
  return names;
}

Result<StoredContent> Barrier::stored_content() {
  const ReaderLock lock(impl_->mutex);
  APM_CHECK_OK(impl_->require_unsealed());
  APM_TRY(const std::optional<storage::LeaseHolder> holder, impl_->store.holder());
  APM_TRY(std::unique_ptr<storage::Snapshot> records, impl_->store.snapshot());
  return StoredContent{std::move(records), holder ? holder->epoch : 0};
}

Status Barrier::put(const std::string& path, ByteView value) {
  Change change;
  change.writes.push_back({path, to_bytes(value)});
  return apply(change);
}

Status Barrier::erase(const std::string& path) {
  Change change;
  change.deletes.push_back(path);
  return apply(change);
}

Status Barrier::apply(const Change& change) {
  const std::uint64_t count = change.writes.size();
  while (true) {
    {
      const ReaderLock lock(impl_->mutex);
      APM_CHECK_OK(impl_->require_unsealed());
      APM_CHECK_OK(check_change(change));
      Unsealed& open = *impl_->unsealed;
      if (open.encryptions.fetch_add(count) + count <= open.keyring.active().reserved) {
        APM_TRY(const storage::Batch batch, impl_->encrypt(change));
        return impl_->store.commit(batch);
      }
      open.encryptions.fetch_sub(count);
    }
    const WriterLock lock(impl_->mutex);
    APM_CHECK_OK(impl_->require_unsealed());
    APM_CHECK_OK(impl_->reserve_locked(count));
  }
}

}  // namespace apm::barrier
