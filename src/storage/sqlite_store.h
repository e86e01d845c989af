#pragma once

// The embedded durable Store: one SQLite file in WAL mode with full synchronisation.
//
// One table kv(key BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID. Commits of concurrent threads are
// grouped: one of them leads, applies all that wait in one transaction (each batch in a savepoint
// of its own), and one sync makes all of them durable. Reads use connections of their own and see
// the last committed state. The file has mode 0600 and its directory must exist.
//
// One server at a time may commit: a lock on PATH.lock keeps others away while its process lives,
// and the row lease(epoch, owner), compared in each transaction, stops whoever lost that lock.
//
// A file that was deleted or replaced while it was open is noticed at the next operation: every
// operation then fails with kIo "store_replaced".

#include <memory>
#include <string>

#include "storage/store.h"

namespace apm::storage {

// kIo when the path cannot be opened (message names path and cause), kRefused "store_mode" when
// others may read or write the file, kCorrupt "store_foreign" when it is not a store of ours,
// kUnsupported "store_version" when a newer program made it.
[[nodiscard]] Result<std::unique_ptr<Store>> open_sqlite_store(const std::string& path);

}  // namespace apm::storage
