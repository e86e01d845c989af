#pragma once

// Outbound HTTP/1.1 and HTTPS over libcurl. One HttpClient is one connection cache; one thread at a
// time (make one per thread). TLS 1.2 or newer, certificate and host name always checked; no proxy,
// no redirect, no cookie and no credential but what a request carries; no setting is taken from the
// environment. start_library() goes first in main(), before any thread.
//
// send() returns the last answer whatever its status: a status is the caller's to judge. It fails
// with kInvalidArgument (reason "http_request", "url", "http_client"), kRefused
// "destination_not_loopback", "plain_http" or "tls_untrusted", kTooLarge "response_too_large",
// kDeadlineExceeded "deadline" and kUnavailable "unreachable". Every message names the call, what
// happened and what to do.

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "net/limits.h"

namespace apm::net {

// curl_global_init_mem with an allocator that wipes what it frees. Idempotent; also called by
// HttpClient::create.
[[nodiscard]] Status start_library();

struct HttpClientConfig {
  std::string ca_file;  // PEM; when this or ca_pem is set, the system store is not used
  std::string ca_pem;
  std::string connect_to;  // "127.0.0.1:PORT": where every https host is reached; empty: as named
  std::string pinned_sha256;   // base64 SHA-256 of the server's SPKI; empty: no pin
  bool only_loopback = false;  // refuse every destination that is not loopback after connect_to
  // Plain http is otherwise accepted for loopback and for Azure's metadata address alone.
  bool plain_http = false;
  std::string user_agent = "apm/1";
};

struct RetryPolicy {
  int attempts_max = 1;          // 1: no retry
  Milliseconds base_delay{800};  // delay n is uniform in [0, base * 2^n], full jitter
  Milliseconds delay_max{30'000};
  std::vector<int> more_statuses;  // retried besides 408, 429 and 5xx
  [[nodiscard]] static RetryPolicy none() { return {}; }
};

struct Request {
  std::string method = "GET";
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  Milliseconds attempt_timeout = kAttemptTimeout;
  RetryPolicy retry;
  // True when doing it twice does no harm. False: retried only when nothing can have been done
  // (no connection, 429, 503 with Retry-After).
  bool idempotent = true;
  std::size_t response_bytes_max = kResponseBytesMax;
  std::string what;  // the call in the operator's words: "Key Vault: get secret apm-tls-cert"
};

struct Response {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  std::string body;
  int attempts = 1;
  [[nodiscard]] const std::string* header(std::string_view lower_case_name) const;
};

class HttpClient {
 public:
  [[nodiscard]] static Result<HttpClient> create(HttpClientConfig config);
  HttpClient(HttpClient&&) noexcept;
  HttpClient& operator=(HttpClient&&) noexcept;
  ~HttpClient();

  [[nodiscard]] Result<Response> send(const Request& request, const Deadline& deadline);
  [[nodiscard]] const HttpClientConfig& config() const;

 private:
  struct Impl;
  explicit HttpClient(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// "a%20b": every byte that RFC 3986 does not call unreserved, percent-encoded.
[[nodiscard]] std::string url_encode(std::string_view text);

struct Url {
  std::string scheme;  // "http" or "https", lower case
  std::string host;    // lower case; an IPv6 address without its brackets
  unsigned port = 0;   // the scheme's own when not said
  std::string target;  // path and query, at least "/"
};
// kInvalidArgument "url" for another scheme, user information, a fragment, an empty host, or
// anything outside printable ASCII.
[[nodiscard]] Result<Url> parse_url(std::string_view text);
// localhost, 127.0.0.0/8 and ::1, as literals: nothing is resolved.
[[nodiscard]] bool is_loopback(std::string_view host);

}  // namespace apm::net
