#pragma once

// What an operator does to a store while no server uses it: `operator snapshot restore -config` and
// `operator migrate`. Opens the stores that a configuration names, and leaves the rest to
// snapshot/migrate.h.

#include <string>
#include <vector>

#include "base/result.h"
#include "boot/environment.h"
#include "snapshot/migrate.h"

namespace apm::boot {

// The store of a server's configuration. `lookup` reads the environment, as a server does.
struct OfflineRestore {
  std::string config_path;
  std::string snapshot_path;
  snapshot::Overwrite overwrite = snapshot::Overwrite::kNever;
};
struct OfflineRestored {
  std::string store;  // its description
  snapshot::Restored done;
};
[[nodiscard]] Result<OfflineRestored> restore_store(const OfflineRestore& what,
                                                    const Lookup& lookup);

struct StoreMigrated {
  std::string source;
  std::string destination;
  snapshot::Migrated done;
};
// A connection_url in the file goes before the environment's here: two stores are named, and the
// environment can only mean one.
[[nodiscard]] Result<StoreMigrated> migrate_store(const std::string& config_path,
                                                  const Lookup& lookup);

}  // namespace apm::boot
