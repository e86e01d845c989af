#pragma once

// The members of the login's configuration that belong to SEV-SNP
// (docs/formats/attested-login.md). Debugging and migration cannot be allowed here.

#include "attestation/snp/floor.h"
#include "auth/apm/config_settings.h"

namespace apm::auth_apm {

void add_snp_settings(Settings& settings, attestation::snp::Floor& floor);

}  // namespace apm::auth_apm
