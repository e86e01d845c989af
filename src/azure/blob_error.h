#pragma once

// An answer of the Blob service to one of the errors that blob_client.h lists. Private.

#include <string>

#include "base/error.h"
#include "net/http_client.h"

namespace apm::azure {

// `what` is the call in the operator's words. The service's code is in x-ms-error-code; the body is
// not read.
[[nodiscard]] Error blob_error(const std::string& what, const net::Response& response);

}  // namespace apm::azure
