#pragma once

// A token that was accepted, in the words of every family (attestation/claims.h): the payload as it
// is under "maa", without its lists, and what all families say at the top. Pure; any thread.

#include "attestation/claims.h"
#include "attestation/maa/verify.h"
#include "crypto/jws.h"

namespace apm::attestation::maa {

[[nodiscard]] EvidenceResult result_of(const Token& token, const crypto::Jws& jws,
                                       const Issuer& issuer);

}  // namespace apm::attestation::maa
