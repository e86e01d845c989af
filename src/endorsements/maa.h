#pragma once

// The signing keys of a Microsoft Azure Attestation provider, from the pinned issuer's address: a
// token's own jku is never looked at. The set has no date of its own; it is used as long as
// limits.h says, and no longer than its last certificate. Pure; any thread.
// Errors: those of document.h; kRefused "endorsement_issuer_not_named".

#include <string>

#include "endorsements/document.h"

namespace apm::endorsements {

[[nodiscard]] Result<Document> read_jwks(std::string body, std::int64_t now_s);
[[nodiscard]] bool names_key(const std::string& jwks, const std::string& kid);

}  // namespace apm::endorsements
