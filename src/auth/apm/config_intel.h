#pragma once

// The members of the login's configuration that belong to SGX and TDX
// (docs/formats/attested-login.md). Debugging, migration of a TD and a revoked platform cannot be
// allowed here.

#include "attestation/sgx/verify.h"
#include "attestation/tdx/verify.h"
#include "auth/apm/config_settings.h"

namespace apm::auth_apm {

void add_sgx_settings(Settings& settings, attestation::sgx::Floor& floor);
void add_tdx_settings(Settings& settings, attestation::tdx::Floor& floor);

}  // namespace apm::auth_apm
