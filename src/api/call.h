#pragma once

// One request on its way through the pipeline, and what an endpoint makes of it.

#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "expiry/token_store.h"
#include "http/message.h"
#include "logical/request.h"

namespace apm::api {

struct Call {
  std::string method;  // "GET", "HEAD", "LIST", "POST", "PUT", "PATCH", "DELETE"
  std::string path;    // canonical, below /v1/, without a trailing '/'
  bool trailing_slash = false;
  std::string target;  // as received, "/v1/...?...": for a redirect
  logical::Operation operation = logical::Operation::kRead;
  json::Object data;  // body members, or query parameters
  std::string token;  // as presented; wiped at the end
  logical::Caller caller;
  std::string token_id;              // of a service token; "" otherwise
  std::int64_t token_issued_s = 0;   // of a batch token
  std::int64_t token_expires_s = 0;  // of a batch token
  std::string request_id;
  std::string remote_address;
  std::uint16_t remote_port = 0;
  std::string mount_type;
};

struct Answer {
  int status = 0;  // 0: 200 with a body, 204 without
  std::optional<json::Object> data;
  std::optional<json::Object> auth;
  std::vector<std::string> warnings;
  std::uint64_t lease_duration_s = 0;
  bool renewable = false;
  bool bare = false;     // `data` is the whole body
  bool flatten = false;  // the members of `data` stand at top level too
  // The request itself ended this node's term: its answer needs no lease.
  bool ends_term = false;
  std::vector<http::Header> headers;
};

}  // namespace apm::api
