#pragma once

// What the words of `collect` ask a device for. One thread.
// Errors: kInvalidArgument "usage", those of tee/hardware.h.

#include "cli/arguments.h"
#include "tee/hardware.h"

namespace apm::cli::evidence {

[[nodiscard]] FlagSet collect_flags();

// The words that say where Azure's evidence comes from are no words of other devices.
[[nodiscard]] Status check_collect_flags(const tee::Finding& chosen, const Arguments& args);

// Evidence of `chosen`, which is no TPM (collect_azure.h), bound to -report-data, or for Nitro to
// -user-data, -nonce and -public-key.
[[nodiscard]] Result<tee::HardwareEvidence> collect_for(tee::DeviceFiles& files,
                                                        const tee::Finding& chosen,
                                                        const Arguments& args);

}  // namespace apm::cli::evidence
