#pragma once

// A piece of evidence as the body of auth/apm/explain (docs/operations/authorising.md): the members
// that a login of its family has, without a challenge. The server judges it by its own floors and
// anchors, so inputs that set others are refused, never ignored. Reads the case's files; one
// thread.
//
// Errors: kInvalidArgument "case_input"; those of reading a file.

#include "base/json.h"
#include "cli/evidence/case.h"

namespace apm::cli::evidence {

[[nodiscard]] Result<json::Object> explain_request(const Case& c);

// A login's body that was kept as JSON: the same, without its nonce.
[[nodiscard]] Result<json::Object> explain_request(ByteView saved_login);

}  // namespace apm::cli::evidence
