#pragma once

// The one place that maps an error to an HTTP status and to the texts that a client may see.

#include <string>
#include <vector>

#include "base/error.h"

namespace apm::api {

// Why an attested caller, whose policies do not reach that far, may not do what he asked for.
inline constexpr std::string_view kNotAuthorised = "not_authorised";

// Of a node that stands by and knows no other; of one whose lease ended under a request.
inline constexpr std::string_view kNoActiveNode = "no_active_node";
inline constexpr std::string_view kNotActiveAnyMore = "not_active_any_more";
// A login whose evidence brought no collateral, and this server could not get it either: the reason
// begins so (docs/operations/endorsements.md). It is told; what happened is for the log alone.
inline constexpr std::string_view kEndorsements = "endorsement_";

[[nodiscard]] int http_status(Code code);
// When to come again, in seconds, after a bound of this server's that passes; 0: nothing is said.
[[nodiscard]] int retry_after_s(const Error& error);
// The members of "errors". Empty for an absent item, as clients expect.
[[nodiscard]] std::vector<std::string> public_texts(const Error& error);
// The member "reason" beside "errors": the code of the rule that refused evidence, an attested
// caller or a malformed request. Empty for everything else, which then has no such member: who may
// not do a thing learns no more than from Vault.
[[nodiscard]] std::string public_reason(const Error& error);

}  // namespace apm::api
