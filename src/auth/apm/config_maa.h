#pragma once

// The members of the login's configuration that belong to tokens of Microsoft Azure Attestation
// (docs/formats/attested-login.md). Safe by default: without an issuer and a policy hash no token
// is accepted. Debugging and migration cannot be allowed here.

#include "attestation/maa/verify.h"
#include "auth/apm/config_settings.h"

namespace apm::auth_apm {

struct MaaTrust {
  std::set<std::string> issuers;        // of `iss`, exactly
  std::set<std::string> policy_hashes;  // x-ms-policy-hash, base64url; of any of the issuers
};
void add_maa_settings(Settings& settings, MaaTrust& trust, attestation::maa::Floor& floor);

}  // namespace apm::auth_apm
