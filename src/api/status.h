#pragma once

// The one place that maps an error to an HTTP status and to the texts that a client may see.

#include <string>
#include <vector>

#include "base/error.h"

namespace apm::api {

[[nodiscard]] int http_status(Code code);
// The members of "errors". Empty for an absent item, as clients expect.
[[nodiscard]] std::vector<std::string> public_texts(const Error& error);

}  // namespace apm::api
