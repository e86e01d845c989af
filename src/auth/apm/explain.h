#pragma once

// What an evidence file would get from this server, rule by rule, for operators: the verifier's
// rules, the floors, the claims policy, and each authorisation that names the workload. Nothing is
// issued or stored. Pure; any thread.
//
// Refused evidence is an answer here, not an error. Errors are faults of the question:
// kInvalidArgument of families.h.

#include "auth/apm/authorisations.h"
#include "auth/apm/families.h"

namespace apm::auth_apm {

// The family that logs in only where the server's file says so; a file of it is judged anyway.
inline constexpr std::string_view kOptInFamily = "maa";
inline constexpr std::string_view kNotBound = "not checked: a file cannot answer a challenge";

// {"verdict": accept|reject, "reason", "message", "family", "login_supported", "judged_at",
// "binding", "rules": [..],
//  "enclave_id", "signer_id", "signer_reason", "trust_anchor", "vendor_anchor", "claims",
//  "collateral" (method.cc): null, or whether what the file lacks was fetched, and why not,
//  "authorizations": [{"id", "secret", "applies", "claims": [..]}], "secrets": [..]}
// A rule is {"rule", "stage", "holds", "found", "wanted"}; "holds" is null where it speaks of a
// challenge. Ids, claims and authorisations of refused evidence are there when it is genuine and
// this server's floors or policies refuse it ("refused_by": "policy"); no authorisation applies
// then. Else "refused_by" is "verification".
[[nodiscard]] Result<json::Object> explain(const json::Object& evidence, const Judge& judge,
                                           const Authorisations& authorisations);

}  // namespace apm::auth_apm
