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
// What the file says goes before the environment here (boot/config.h). kRefused "store_kind" for a
// production store that is to be moved by a test configuration.
[[nodiscard]] Result<StoreMigrated> migrate_store(const std::string& config_path,
                                                  const Lookup& lookup);

}  // namespace apm::boot
