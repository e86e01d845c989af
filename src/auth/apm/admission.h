#pragma once

// What a login asks beyond its family's verifier: that the family is allowed, the configuration's
// claims policy, and a signer, or a good reason to have none. The same rules judge an evidence file
// (explain.h). Recorded in the appraisal. Pure; any thread.
//
// kRefused: "family_not_allowed", "claims_policy", and the reasons of docs/identity.md.

#include "attestation/appraisal.h"
#include "attestation/claims.h"
#include "auth/apm/config.h"
#include "logical/request.h"

namespace apm::auth_apm {

[[nodiscard]] Status admit_family(const Config& config, std::string_view family,
                                  attestation::Appraisal& appraisal);
[[nodiscard]] Status admit_claims(const Config& config, const attestation::EvidenceResult& result,
                                  attestation::Appraisal& appraisal);
// What a token says of the workload.
[[nodiscard]] logical::AttestedIdentity identity_of(const attestation::EvidenceResult& result);

}  // namespace apm::auth_apm
