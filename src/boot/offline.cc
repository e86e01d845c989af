#include "boot/offline.h"

#include <fcntl.h>
#include <unistd.h>

#include "barrier/seal_config.h"
#include "base/file.h"
#include "base/text.h"
#include "boot/config.h"
#include "boot/runtime.h"

namespace apm::boot {
namespace {

Error unknown_key(const std::string& warning) {
  return Error(Code::kInvalidArgument, "config",
               warning + "; correct it: nothing is copied on a guess");
}

// What a test configuration permits is for test stores.
Status check_kind(const Config& config, storage::Store& source, const Clock& clock) {
  if (config.kind != barrier::StoreKind::kTest) return {};
  APM_TRY(const std::optional<barrier::SealConfig> seal,
          barrier::Barrier(source, clock).seal_config());
  if (!seal || seal->kind == barrier::StoreKind::kTest) return {};
  return Error(Code::kRefused, "store_kind",
               concat(source.description(),
                      " is a production store, and the migration's configuration says store_kind = "
                      "\"test\". Remove that line. Nothing was changed"));
}

// Both PostgreSQL and neither with a URL: the environment would make them one store.
Status check_sides(const MigrationConfig& config) {
  const auto needs_environment = [](const Config& side) {
    return side.storage.type == "postgresql" && side.storage.postgres.connection_url.empty();
  };
  if (!needs_environment(config.source) || !needs_environment(config.destination)) return {};
  return Error(Code::kInvalidArgument, "config",
               "storage_source and storage_destination are both PostgreSQL: give at least one of "
               "them its connection_url");
}

}  // namespace

Result<OfflineRestored> restore_store(const OfflineRestore& what, const Lookup& lookup) {
  APM_TRY(Config config, read_config(what.config_path));
  APM_CHECK_OK(apply_environment(config, lookup));
  if (config.storage.type == "inmem") {
    return Error(Code::kInvalidArgument, "config",
                 "a store in memory ends with its server: nothing can be restored into it offline");
  }
  const UniqueFd file(::open(what.snapshot_path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return io_error("open " + what.snapshot_path);
  const auto open = [&]() -> Result<snapshot::Source> {
    if (::lseek(file.get(), 0, SEEK_SET) != 0) return io_error("rewind " + what.snapshot_path);
    return snapshot::source_of(file.get(), what.snapshot_path);
  };
  // Before a store is made: a file that is none should leave nothing behind.
  APM_TRY(snapshot::Source first, open());
  APM_CHECK_OK(snapshot::verify(std::move(first)));
  APM_TRY(const std::unique_ptr<storage::Store> store, open_store_of(config));
  APM_TRY(snapshot::Restored done,
          snapshot::restore_offline({*store, config.kind, open, what.overwrite}));
  return OfflineRestored{store->description(), std::move(done)};
}

Result<StoreMigrated> migrate_store(const std::string& config_path, const Lookup& lookup) {
  APM_TRY(MigrationConfig config, read_migration_config(config_path));
  for (const Config* side : {&config.source, &config.destination}) {
    if (!side->warnings.empty()) return unknown_key(side->warnings.front());
  }
  APM_CHECK_OK(check_sides(config));
  APM_CHECK_OK(apply_environment(config, lookup));
  APM_TRY(const std::unique_ptr<storage::Store> source, open_store_of(config.source));
  const SystemClock clock;
  APM_CHECK_OK(check_kind(config.source, *source, clock));
  APM_TRY(const std::unique_ptr<storage::Store> destination, open_store_of(config.destination));
  APM_TRY(snapshot::Migrated done, snapshot::migrate(*source, *destination, clock));
  return StoreMigrated{source->description(), destination->description(), std::move(done)};
}

}  // namespace apm::boot
