#pragma once

// A lease as an flock(2) on a file that names its owner. The kernel releases it with the process,
// so a crash never leaves a lease behind. The file stays.

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "storage/store.h"

namespace apm::storage {

// Polls until `deadline`; kConflict "lease_held" names the holder.
[[nodiscard]] Result<std::unique_ptr<Lease>> acquire_file_lease(const std::string& lock_path,
                                                                const std::string& owner,
                                                                const Deadline& deadline);

}  // namespace apm::storage
