#pragma once

// The values that travel between the API and the backends (secret engines and login methods).

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "logical/operation.h"

namespace apm::logical {

// Which software a workload proved to be (docs/identity.md). Ids are 64 lower-case hex digits.
struct AttestedIdentity {
  std::string enclave_id;
  std::string signer_id;     // empty when the evidence has no signer
  std::string family;        // "azure-snp-vtpm"
  std::string trust_anchor;  // "amd", or the name that the configuration file gives another anchor
  json::Object facts;        // verified claims that policies and people may want
};

// Who is asking: made from a valid token, never from the request's own words.
struct Caller {
  bool authenticated = false;
  bool root = false;
  std::string accessor;
  std::string display_name;
  std::string token_type;  // "service" or "batch"
  std::vector<std::string> policies;
  std::string cubbyhole_id;  // empty: the token has no cubbyhole
  std::string auth_mount;    // "auth/apm/": where the token was issued
  std::optional<AttestedIdentity> identity;
};

struct Request {
  Operation operation = Operation::kRead;
  std::string mount_path;  // "anjuna/" or "auth/apm/"
  std::string path;        // below the mount, canonical, no leading '/'
  json::Object data;       // body members, or query parameters of a GET
  Caller caller;
  std::string remote_address;
  std::string request_id;
};

// A login that succeeded: what the token that the server now makes shall be.
struct Grant {
  std::vector<std::string> policies;
  std::string display_name;
  std::map<std::string, std::string> metadata;
  std::uint64_t ttl_s = 0;  // 0: the mount's default
  std::uint64_t explicit_max_ttl_s = 0;
  std::uint64_t period_s = 0;
  std::uint64_t num_uses = 0;
  bool renewable = true;
};

struct Response {
  std::optional<json::Object> data;  // nothing, and no grant: 204
  std::optional<Grant> grant;
  std::vector<std::string> warnings;
  std::uint64_t lease_duration_s = 0;
  bool renewable = false;
  int status = 0;  // 0: the pipeline's choice (200 or 204)
};

}  // namespace apm::logical
