#pragma once

// What is done to a store that no server uses: a snapshot file restored into it, and one store
// copied into another. Both take the leases of the stores that they work on, so that no server can
// have them open: kConflict "lease_held" names who does.

#include <functional>

#include "base/clock.h"
#include "snapshot/reader.h"
#include "snapshot/replace.h"

namespace apm::snapshot {

enum class Overwrite {
  kNever,  // the store must be empty, or one that the same operation left incomplete
  kForce,  // whatever is in it is replaced
};

// Opens the file from its beginning: it is read twice.
using SourceOpener = std::function<Result<Source>()>;

struct RestoreInput {
  storage::Store& store;
  barrier::StoreKind kind;  // that the store's configuration says
  SourceOpener open;
  Overwrite overwrite = Overwrite::kNever;
};

struct Restored {
  Header header;
  std::uint64_t records = 0;
  Replaced replaced;
};

// kConflict "store_not_empty"; kRefused "snapshot_kind". The code of the server that made the file
// is not checked: that needs the keys.
[[nodiscard]] Result<Restored> restore_offline(const RestoreInput& input);

struct Migrated {
  std::string store_id;
  std::uint64_t records = 0;
  Replaced replaced;
};

// kUninitialized when the source is no store, kConflict "store_not_empty" when the destination is
// in use, kCorrupt "migration_mismatch" when it does not hold afterwards what the source holds.
[[nodiscard]] Result<Migrated> migrate(storage::Store& source, storage::Store& destination,
                                       const Clock& clock);

}  // namespace apm::snapshot
