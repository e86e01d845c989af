#pragma once

// Responses to bytes (RFC 9112). Content-Length, Date and Connection are written here and ignored
// when the caller sets them. There is no Server header. Pure functions.

#include <cstdint>
#include <string>

#include "http/http1_codec.h"
#include "http/message.h"

namespace apm::http {

struct ResponseContext {
  bool head_request = false;  // the length is told, the body is not sent
  bool keep_alive = true;
  std::int64_t unix_s = 0;
};

inline constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

// A header that could split the answer (control characters, a name that is no token) turns the
// whole answer into a 500: nothing is sent that was built from it.
[[nodiscard]] std::string encode_response(const Response& response, const ResponseContext& context);

// {"errors":["..."]} with Cache-Control: no-store.
[[nodiscard]] Response error_response(int status, std::string_view message);

// "Tue, 24 Nov 2026 00:15:10 GMT" (RFC 9110, IMF-fixdate).
[[nodiscard]] std::string http_date(std::int64_t unix_s);

}  // namespace apm::http
