#pragma once

// Tokens of Microsoft Azure Attestation, of logins and of files (families.h). A login's token
//   - is of a provider that the server's file names, signed by a certificate and made by a policy
//     that it pins (maa_provider.h); the key set comes with the login and is worth nothing else
//   - carries the binding, as lower-case hexadecimal text, in client-payload.nonce
//   - names the TPM key that the answer is sealed to, which is the caller's key of the binding
// and is at most five minutes old. What that proves and what not:
// docs/adr/0022-logins-with-a-token.md.
//
// Errors: kInvalidArgument "maa_login_unsupported" where the file names no provider; kRefused as
// attestation/maa/verify.h, and "maa_caller_key". Pure; any thread.

#include "auth/apm/families.h"

namespace apm::auth_apm {

[[nodiscard]] Result<Judged> verify_maa(const json::Value& body, const Judge& judge,
                                        attestation::Appraisal& appraisal);

}  // namespace apm::auth_apm
