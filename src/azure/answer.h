#pragma once

// Reading what Azure answers: error bodies in their spellings, and texts for operators. Private.

#include <string>
#include <string_view>

#include "base/error.h"
#include "base/json.h"
#include "base/result.h"
#include "net/http_client.h"

namespace apm::azure {

// {"error":{"code","message","innererror":{"code"}}}, {"Error":{"Code","Message"}}, or OAuth's
// {"error","error_description"}; what is absent stays empty.
struct AzureError {
  std::string code;
  std::string inner;
  std::string message;  // shortened, control characters blanked
};
[[nodiscard]] AzureError read_azure_error(const std::string& body);

// "<call>: HTTP 403 Forbidden/AccessDenied: <Azure's message>".
[[nodiscard]] std::string describe_answer(std::string_view call, int status,
                                          const AzureError& error);

// The body as a JSON object; kUnavailable `reason` with the call's name otherwise.
[[nodiscard]] Result<json::Value> read_answer(std::string_view call, std::string_view reason,
                                              const std::string& body);

}  // namespace apm::azure
