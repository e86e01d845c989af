#pragma once

// The snapshot of a SqliteStore: a read transaction on a connection of its own, so that the store's
// readers stay free. While it lives the write-ahead log cannot be reset, and grows.

#include <memory>
#include <string>

#include "storage/store.h"

namespace apm::storage {

[[nodiscard]] Result<std::unique_ptr<Snapshot>> open_sqlite_snapshot(const std::string& path);

}  // namespace apm::storage
