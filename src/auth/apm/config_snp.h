#pragma once

// The members of the login's configuration that belong to SEV-SNP: reading one, writing all.
// docs/formats/attested-login.md lists them. Pure; any thread.

#include "attestation/snp/floor.h"
#include "auth/apm/config_values.h"

namespace apm::auth_apm {

// Whether `member` is one of these; then it has been read into `floor`, or refused.
[[nodiscard]] Result<bool> apply_snp_member(const ConfigMember& member,
                                            attestation::snp::Floor& floor);
void write_snp_members(const attestation::snp::Floor& floor, json::Object& out);

}  // namespace apm::auth_apm
