#pragma once

// From an HTTP request to a Call: canonical path, operation, parameters, token. Pure; refuses what
// is ambiguous instead of repairing it.

#include "api/call.h"
#include "base/result.h"

namespace apm::api {

// kInvalidArgument "path_...", kNotFound outside /v1/, kTooLarge "body_size", kUnsupported
// "method", kMediaType, kInvalidArgument "invalid_json", "token_ambiguous".
[[nodiscard]] Result<Call> read_call(const http::Request& request);

// Percent-decoded once and checked: printable, UTF-8, no empty, "." or ".." segment. Exposed for
// its tests.
[[nodiscard]] Result<std::string> canonical_path(std::string_view encoded);

}  // namespace apm::api
