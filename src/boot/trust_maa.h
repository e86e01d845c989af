#pragma once

// The providers of Azure Attestation whose tokens may log in, as the configuration file pins them
// (stanza maa). A key set that it names is read for its certificates, once, at start: what is
// trusted is their hashes. Each provider is told of in the log, and shows in `status`.
//
// Errors: kInvalidArgument "config" names the stanza and the fault; those of reading the file and
// of attestation/maa/jwks.h with the file's name.

#include "auth/apm/maa_provider.h"
#include "base/log.h"
#include "boot/config.h"

namespace apm::boot {

[[nodiscard]] Result<auth_apm::MaaProviders> load_maa_providers(const std::vector<MaaConfig>& maa,
                                                                Log& log);

}  // namespace apm::boot
