#pragma once

// The rules on a token's claims once it is known to be authentic: binding, age, and what the
// relying party asks for. All are tried. Reasons: those of verify.h. Pure; any thread.

#include <cstdint>

#include "attestation/appraisal.h"
#include "attestation/maa/verify.h"

namespace apm::attestation::maa {

struct TokenInput {
  const Token& token;
  const Issuer& issuer;
  const Expectation& expected;
  std::int64_t issued_at_s = 0;
};
void check_token(const TokenInput& input, Appraisal& appraisal);

}  // namespace apm::attestation::maa
