#pragma once

// One audit record as Vault writes it: a JSON line of type "request" or "response". Every string
// value of the request's and the answer's data, and every token, is replaced by
// "hmac-sha256:" + hex HMAC under the device's salt; names, numbers and booleans stay readable.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/json.h"
#include "crypto/secret_bytes.h"
#include "logical/request.h"

namespace apm::audit {

// What the pipeline knows of a request, and later of its answer.
struct Record {
  std::string_view type;  // "request" or "response"
  std::int64_t time_ns = 0;
  std::string request_id;
  std::string_view operation;
  std::string path;
  std::string mount_type;
  const json::Object* data = nullptr;  // the request's members
  std::string remote_address;
  std::uint16_t remote_port = 0;
  const logical::Caller* caller = nullptr;
  std::string_view client_token;  // written as its HMAC only
  const json::Object* response_data = nullptr;
  std::string_view response_token;  // of a login; written as its HMAC only
  std::string error;
  int status = 0;
};

[[nodiscard]] std::string hmac_text(const crypto::SecretBytes& salt, std::string_view text);
// `value` with every string in it replaced by its HMAC.
[[nodiscard]] json::Value hashed(const crypto::SecretBytes& salt, const json::Value& value);
[[nodiscard]] json::Object entry_of(const crypto::SecretBytes& salt, const Record& record);

}  // namespace apm::audit
