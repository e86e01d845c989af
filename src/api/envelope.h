#pragma once

// Answers and errors as bytes: docs of the shape are in the comments of envelope.cc. Pure.

#include "api/call.h"
#include "base/error.h"

namespace apm::api {

[[nodiscard]] http::Response success(const Call& call, const Answer& answer);
[[nodiscard]] http::Response failure(const Error& error);

// A list whose "keys" are empty is answered as absent.
[[nodiscard]] bool is_empty_list(const Call& call, const Answer& answer);

}  // namespace apm::api
