#include "snapshot/migrate.h"

#include <unistd.h>

#include "barrier/seal_config.h"
#include "base/byte_reader.h"
#include "base/text.h"

namespace apm::snapshot {
namespace {

constexpr Milliseconds kLeaseWait{1'000};

Result<std::unique_ptr<storage::Lease>> take_lease(storage::Store& store,
                                                   std::string_view operation) {
  return store.acquire_lease(concat("operator ", operation, ", process ", ::getpid()),
                             Deadline::after(kLeaseWait));
}

// Empty, or left incomplete on the way to the same content.
Status check_free(storage::Store& store, const std::string& store_id) {
  APM_TRY(const Occupancy found, occupancy_of(store));
  if (found.empty || (found.incomplete && found.incoming_store_id == store_id)) return {};
  return Error(Code::kConflict, "store_not_empty",
               concat("there is something in ", store.description(),
                      ", and it is not an interrupted attempt to bring in the store ", store_id,
                      "; name an empty one. Nothing was changed"));
}

Error left_incomplete(const Error& cause, const storage::Store& store) {
  return cause.within(concat(store.description(),
                             " may be incomplete now, and refuses to be used then; repeat the "
                             "command to finish"));
}

// Passes records on, and remembers what they were.
class Counted final : public storage::Snapshot {
 public:
  explicit Counted(storage::Snapshot& inner) : inner_(inner) {}
  [[nodiscard]] Result<std::optional<storage::Put>> next() override {
    APM_TRY(std::optional<storage::Put> record, inner_.next());
    if (!record) return record;
    Bytes sizes;
    append_u32_be(sizes, static_cast<std::uint32_t>(record->key.size()));
    append_u32_be(sizes, static_cast<std::uint32_t>(record->value.size()));
    digest_.update(sizes);
    digest_.update(as_bytes(record->key));
    digest_.update(record->value);
    ++count_;
    return record;
  }
  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] Bytes digest() const { return digest_.value(); }

 private:
  storage::Snapshot& inner_;
  crypto::RunningSha256 digest_;
  std::uint64_t count_ = 0;
};

Status check_same(storage::Store& store, const Counted& expected) {
  APM_TRY(const std::unique_ptr<storage::Snapshot> now, store.snapshot());
  Counted found(*now);
  while (true) {
    APM_TRY(const std::optional<storage::Put> record, found.next());
    if (!record) break;
  }
  if (found.count() == expected.count() && found.digest() == expected.digest()) return {};
  return Error(Code::kCorrupt, "migration_mismatch",
               concat(store.description(), " holds ", found.count(), " records after the ",
                      "migration, and not what the source's ", expected.count(),
                      " are: do not use it, empty it and migrate again"));
}

Status check_kind(const Header& header, barrier::StoreKind kind) {
  if (header.kind == kind) return {};
  return Error(Code::kRefused, "snapshot_kind",
               concat("this is a snapshot of a ", barrier::kind_name(header.kind),
                      " store and the configuration says store_kind = \"", barrier::kind_name(kind),
                      "\". Nothing was changed"));
}

}  // namespace

Result<Restored> restore_offline(const RestoreInput& input) {
  APM_TRY(const std::unique_ptr<storage::Lease> lease, take_lease(input.store, "snapshot restore"));
  APM_TRY(Source first, input.open());
  APM_TRY(const Verified verified, verify(std::move(first)));
  APM_CHECK_OK(check_kind(verified.header, input.kind));
  if (input.overwrite == Overwrite::kNever) {
    APM_CHECK_OK(check_free(input.store, verified.header.store_id));
  }
  APM_TRY(Source second, input.open());
  APM_TRY(const std::unique_ptr<Reader> reader, Reader::open(std::move(second)));
  if (reader->header().store_id != verified.header.store_id) {
    return Error(Code::kConflict, "snapshot_changed",
                 "the snapshot changed while it was read; use a copy that nobody writes to. "
                 "Nothing was changed in the store");
  }
  auto replaced = replace_content(input.store, *reader, {"restore", verified.header.store_id});
  if (!replaced.ok()) return left_incomplete(replaced.error(), input.store);
  return Restored{verified.header, verified.records, *replaced};
}

Result<Migrated> migrate(storage::Store& source, storage::Store& destination, const Clock& clock) {
  APM_TRY(const std::unique_ptr<storage::Lease> from, take_lease(source, "migrate"));
  APM_TRY(const std::unique_ptr<storage::Lease> to, take_lease(destination, "migrate"));
  barrier::Barrier barrier(source, clock);
  APM_TRY(const std::optional<barrier::SealConfig> config, barrier.seal_config());
  if (!config) {
    return Error(Code::kUninitialized, "uninitialized",
                 concat(source.description(),
                        " was never initialised: there is nothing to "
                        "migrate. Nothing was changed"));
  }
  APM_CHECK_OK(check_free(destination, config->store_id));
  APM_TRY(const std::unique_ptr<storage::Snapshot> records, source.snapshot());
  Counted content(*records);
  auto replaced = replace_content(destination, content, {"migration", config->store_id});
  if (!replaced.ok()) return left_incomplete(replaced.error(), destination);
  APM_CHECK_OK(check_same(destination, content));
  return Migrated{config->store_id, content.count(), *replaced};
}

}  // namespace apm::snapshot
