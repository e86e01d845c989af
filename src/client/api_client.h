#pragma once

// The HTTP client of our own API (and Vault's): one object per command, one thread.

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "net/http_client.h"

namespace apm::client {

struct ClientConfig {
  std::string address;  // "https://host:port"
  std::string token;    // may be empty
  std::string ca_file;  // PEM; empty: the system's store
  std::chrono::seconds timeout{60};
};

// From ANJUNA_ADDR, ANJUNA_TOKEN, ANJUNA_CACERT, else VAULT_ADDR, VAULT_TOKEN, VAULT_CACERT, else
// https://127.0.0.1:8200 and no token.
[[nodiscard]] ClientConfig config_from_environment();

inline constexpr int kTemporaryRedirect = 307;
// Where a node that stands by sent us with 307: a URL, never http when `from` was https.
// kUnavailable "redirect" when there is no usable place to go to.
[[nodiscard]] Result<std::string> leader_url(const std::string& from, const net::Response& answer);

struct Answer {
  int status = 0;
  json::Value body;  // null for an empty body
  [[nodiscard]] bool success() const { return status >= 200 && status < 300; }
  [[nodiscard]] std::vector<std::string> errors() const;
  [[nodiscard]] const json::Value* data() const { return body.at("data"); }
};

class ApiClient {
 public:
  explicit ApiClient(ClientConfig config) : config_(std::move(config)) {}
  // `path` without "/v1/", as the user wrote it; it is percent-encoded here. No body: nullptr.
  // A node that stands by sends us to the active one with 307: followed once, with the token, and
  // never from https to http. kUnavailable "redirect" when there is no usable place to go to.
  [[nodiscard]] Result<Answer> call(const std::string& method, const std::string& path,
                                    const json::Object* body = nullptr,
                                    const std::string& query = "");
  [[nodiscard]] const ClientConfig& config() const { return config_; }
  void stay_here() { follow_ = false; }  // asks the configured node itself: a 307 is the answer

 private:
  ClientConfig config_;
  bool follow_ = true;
};

}  // namespace apm::client
