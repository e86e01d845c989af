#pragma once

// A boot, from the environment to serving, with nobody watching. Every step is named, timed and
// logged, has the boot's deadline, and can be done again: a crash anywhere is finished by the next
// boot. There is one key release in it. The steps are the tables in boot.cc: those of the boot, and
// those of each time that this node becomes the active one, at boot or later.

#include <memory>
#include <string>
#include <vector>

#include "boot/config.h"
#include "boot/environment.h"
#include "boot/runtime.h"

namespace apm::boot {

struct BootInput {
  Config config;
  Environment environment;
  const Clock& clock;
  Log& log;
  StoreOpener open_store = open_store_of;
};

// The runtime, serving or standing by. An error names the step, the call, the cause and the remedy.
[[nodiscard]] Result<std::unique_ptr<Runtime>> boot(BootInput input);

}  // namespace apm::boot
