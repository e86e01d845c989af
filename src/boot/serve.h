#pragma once

// The two ways to run the server, until a signal ends it:
//   server -config F   as Vault: operators initialise and unseal over the network
//   boot -config F     attests, has its key released, opens everything by itself (boot.h)

#include <string>

#include "base/log.h"
#include "boot/runtime.h"

namespace apm::boot {

// Blocks SIGINT, SIGTERM, SIGQUIT and SIGHUP in this thread and all that it starts. Call first.
void block_signals();

// The version that status and seal-status report.
[[nodiscard]] std::string version();

// Exit codes: 0 after a signal, 1 on any failure.
[[nodiscard]] int run_server(const std::string& config_path, Log& log,
                             const StoreOpener& open_store = open_store_of);
[[nodiscard]] int run_boot(const std::string& config_path, Log& log,
                           const StoreOpener& open_store = open_store_of);

}  // namespace apm::boot
