#pragma once

// One HTTP exchange as values. Produced and consumed by a codec; the API fills the answer.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace apm::http {

struct Header {
  std::string name;  // as received; compare without regard to case
  std::string value;
};

struct Request {
  std::string method;  // upper case token, for example "GET" or "LIST"
  std::string path;    // as received, still percent-encoded, before '?'
  std::string query;   // as received, after '?', "" when absent
  std::vector<Header> headers;
  std::string body;
  std::string remote_address;  // "127.0.0.1"
  std::uint16_t remote_port = 0;
  bool tls = false;
  std::optional<Bytes> client_certificate_der;

  // The value of the only header of this name; nothing when absent. The codec refuses requests
  // that repeat a header which must be single.
  [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const;
};

struct Response {
  int status = 200;
  std::vector<Header> headers;  // Content-Length, Date and Connection are the codec's
  std::string body;
};

// Called on a worker of the bounded pool, concurrently; may block.
class Handler {
 public:
  virtual ~Handler() = default;
  virtual Response handle(Request& request) = 0;
};

}  // namespace apm::http
