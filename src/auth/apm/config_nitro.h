#pragma once

// The members of the login's configuration that belong to AWS Nitro Enclaves
// (docs/formats/attested-login.md). Debug mode cannot be allowed here.

#include "attestation/nitro/verify.h"
#include "auth/apm/config_settings.h"

namespace apm::auth_apm {

void add_nitro_settings(Settings& settings, attestation::nitro::Floor& floor);

}  // namespace apm::auth_apm
