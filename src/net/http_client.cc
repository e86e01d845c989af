#include "net/http_client.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <malloc.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <thread>

#include "base/file.h"
#include "base/text.h"
#include "base/wiping_heap.h"
#include "net/retry.h"

namespace apm::net {
namespace {

constexpr std::string_view kMetadataAddress = "169.254.169.254";

// A C realloc may leave a copy behind; this one wipes the old block.
void* wiping_realloc(void* block, std::size_t size) {
  if (block == nullptr) return std::malloc(size);  // NOLINT: a C library's allocator
  if (size == 0) {
    wipe_and_free(block);
    return nullptr;
  }
  void* grown = std::malloc(size);  // NOLINT: a C library's allocator
  if (grown == nullptr) return nullptr;
  std::memcpy(grown, block, std::min(size, ::malloc_usable_size(block)));
  wipe_and_free(block);
  return grown;
}

struct SlistDeleter {
  void operator()(curl_slist* list) const { ::curl_slist_free_all(list); }
};
using Slist = std::unique_ptr<curl_slist, SlistDeleter>;

bool add_line(Slist& list, const std::string& line) {
  curl_slist* grown = ::curl_slist_append(list.get(), line.c_str());
  if (grown == nullptr) return false;
  static_cast<void>(list.release());
  list.reset(grown);
  return true;
}

// What one attempt collects through curl's callbacks.
struct Exchange {
  Response response;
  std::size_t body_max = 0;
  std::size_t header_bytes = 0;
  bool too_large = false;
  bool not_loopback = false;
};

std::size_t on_body(char* data, std::size_t, std::size_t size, void* user) {
  auto* exchange = static_cast<Exchange*>(user);
  if (size > exchange->body_max - exchange->response.body.size()) {
    exchange->too_large = true;
    return CURL_WRITEFUNC_ERROR;
  }
  exchange->response.body.append(data, size);
  return size;
}

std::size_t on_header(char* data, std::size_t, std::size_t size, void* user) {
  auto* exchange = static_cast<Exchange*>(user);
  exchange->header_bytes += size;
  if (exchange->header_bytes > kResponseHeaderBytesMax) {
    exchange->too_large = true;
    return 0;
  }
  const std::string_view line(data, size);
  if (line.starts_with("HTTP/")) exchange->response.headers.clear();  // after "100 Continue"
  const std::size_t colon = line.find(':');
  if (colon != std::string_view::npos && !line.starts_with("HTTP/")) {
    exchange->response.headers.emplace_back(to_lower(trim(line.substr(0, colon))),
                                            std::string(trim(line.substr(colon + 1))));
  }
  return size;
}

bool loopback_address(const sockaddr& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const void* raw = nullptr;
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  if (address.sa_family == AF_INET) {
    std::memcpy(&v4, &address, sizeof v4);
    raw = &v4.sin_addr;
  } else if (address.sa_family == AF_INET6) {
    std::memcpy(&v6, &address, sizeof v6);
    raw = &v6.sin6_addr;
  }
  if (raw == nullptr) return false;
  if (::inet_ntop(address.sa_family, raw, text.data(), text.size()) == nullptr) return false;
  return is_loopback(text.data());
}

// A name that only pretends to be loopback ("localhost" in a strange hosts file) ends here.
curl_socket_t open_loopback_socket(void* user, curlsocktype, curl_sockaddr* address) {
  if (!loopback_address(address->addr)) {
    static_cast<Exchange*>(user)->not_loopback = true;
    return CURL_SOCKET_BAD;
  }
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

bool nothing_was_sent(CURLcode code) {
  return code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_CONNECT ||
         code == CURLE_SSL_CONNECT_ERROR;
}

bool retryable_failure(CURLcode code, bool idempotent) {
  if (nothing_was_sent(code)) return true;
  return idempotent &&
         (code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR || code == CURLE_GOT_NOTHING ||
          code == CURLE_PARTIAL_FILE || code == CURLE_OPERATION_TIMEDOUT);
}

bool valid_header_text(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

std::string call_name(const Request& request, const Url& url) {
  return request.what.empty() ? concat(request.method, " ", url.scheme, "://", url.host)
                              : request.what;
}

}  // namespace

Status start_library() {
  static std::once_flag once;
  static CURLcode outcome = CURLE_FAILED_INIT;
  std::call_once(once, [] {
    // libcurl would write the session keys of every TLS connection to a file that it names.
    static_cast<void>(::unsetenv("SSLKEYLOGFILE"));
    outcome = ::curl_global_init_mem(CURL_GLOBAL_DEFAULT, std::malloc, wipe_and_free,
                                     wiping_realloc, ::strdup, std::calloc);
  });
  if (outcome == CURLE_OK) return {};
  return Error(Code::kInternal, "http_client",
               concat("libcurl did not start: ", ::curl_easy_strerror(outcome)));
}

const std::string* Response::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key == name) return &value;
  }
  return nullptr;
}

struct CurlDeleter {
  void operator()(CURL* handle) const { ::curl_easy_cleanup(handle); }
};

struct HttpClient::Impl {
  HttpClientConfig config;
  std::unique_ptr<CURL, CurlDeleter> handle;
  Slist connect_to;
  std::string pin;
  std::array<char, CURL_ERROR_SIZE> detail{};

  [[nodiscard]] Status check_destination(const Request& request, const Url& url) const;
  [[nodiscard]] Result<Slist> prepare(const Request& request, const Url& url, Exchange& exchange,
                                      Milliseconds timeout);
  [[nodiscard]] Error failure(const Request& request, const Url& url, CURLcode code,
                              const Exchange& exchange, const Deadline& deadline) const;
};

HttpClient::HttpClient(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpClient::HttpClient(HttpClient&&) noexcept = default;
HttpClient& HttpClient::operator=(HttpClient&&) noexcept = default;
HttpClient::~HttpClient() = default;
const HttpClientConfig& HttpClient::config() const { return impl_->config; }

Result<HttpClient> HttpClient::create(HttpClientConfig config) {
  APM_CHECK_OK(start_library());
  auto impl = std::make_unique<Impl>();
  impl->handle.reset(::curl_easy_init());
  if (!impl->handle) return Error(Code::kInternal, "http_client", "libcurl gave no handle");
  if (!config.ca_file.empty()) {
    APM_TRY(const Bytes pem, read_file(config.ca_file, kCaPemBytesMax));
    config.ca_pem += as_text(pem);
  }
  if (!config.ca_file.empty() || !config.ca_pem.empty()) {
    if (config.ca_pem.find("-----BEGIN CERTIFICATE-----") == std::string::npos) {
      return Error(Code::kInvalidArgument, "http_client",
                   concat("the CA file ", config.ca_file, " holds no PEM certificate. Name a file ",
                          "with at least one BEGIN CERTIFICATE block"));
    }
  }
  if (!config.connect_to.empty()) {
    const auto target = parse_url("https://" + config.connect_to);
    if (!target.ok() || target->target != "/") {
      return Error(Code::kInvalidArgument, "http_client",
                   concat("connect_to \"", config.connect_to, "\" is not HOST:PORT"));
    }
    if (!add_line(impl->connect_to, "::" + config.connect_to)) throw std::bad_alloc();
  }
  if (!config.pinned_sha256.empty()) impl->pin = "sha256//" + config.pinned_sha256;
  impl->config = std::move(config);
  return HttpClient(std::move(impl));
}

Status HttpClient::Impl::check_destination(const Request& request, const Url& url) const {
  const bool redirected = url.scheme == "https" && !config.connect_to.empty();
  std::string host = url.host;
  if (redirected) {
    APM_TRY(const Url target, parse_url("https://" + config.connect_to));
    host = target.host;
  }
  if (config.only_loopback && !is_loopback(host)) {
    return Error(Code::kRefused, "destination_not_loopback",
                 concat(call_name(request, url), ": ", host, " is not on this machine, and a test ",
                        "configuration reaches loopback only. Set connect_to and the endpoints of ",
                        "the simulator, or leave test mode"));
  }
  if (url.scheme == "http" && !config.plain_http && !is_loopback(host) &&
      host != kMetadataAddress) {
    return Error(
        Code::kRefused, "plain_http",
        concat(call_name(request, url), ": plain http to ", host, " is refused. Use an https URL"));
  }
  return {};
}

namespace {

Status check_request(const Request& request) {
  bool good = !request.method.empty() && valid_header_text(request.method) &&
              request.body.size() <= kRequestBytesMax;
  for (const auto& [name, value] : request.headers) {
    good = good && !name.empty() && valid_header_text(name) && valid_header_text(value);
  }
  if (good) return {};
  return Error(Code::kInvalidArgument, "http_request",
               concat(request.what, ": the request has an empty method, a line break in a header, ",
                      "or a body beyond ", kRequestBytesMax, " bytes"));
}

}  // namespace

Result<Slist> HttpClient::Impl::prepare(const Request& request, const Url& url, Exchange& exchange,
                                        Milliseconds timeout) {
  CURL* curl = handle.get();
  ::curl_easy_reset(curl);  // keeps connections and TLS sessions
  bool good = true;
  const auto set = [&](CURLoption option, auto value) {
    good = good && ::curl_easy_setopt(curl, option, value) == CURLE_OK;
  };
  set(CURLOPT_URL, request.url.c_str());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_PROXY, "");
  set(CURLOPT_NOPROXY, "*");
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_PATH_AS_IS, 1L);
  set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  set(CURLOPT_SSL_VERIFYPEER, 1L);
  set(CURLOPT_SSL_VERIFYHOST, 2L);
  if (!config.ca_pem.empty()) {
    curl_blob blob{const_cast<char*>(config.ca_pem.data()), config.ca_pem.size(),  // NOLINT: read
                   CURL_BLOB_NOCOPY};
    set(CURLOPT_CAINFO_BLOB, &blob);
    set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));
  }
  if (!pin.empty()) set(CURLOPT_PINNEDPUBLICKEY, pin.c_str());
  if (connect_to && url.scheme == "https") set(CURLOPT_CONNECT_TO, connect_to.get());
  set(CURLOPT_USERAGENT, config.user_agent.c_str());
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(timeout.count()));
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(std::min(timeout, kConnectTimeout).count()));
  set(CURLOPT_ERRORBUFFER, detail.data());
  set(CURLOPT_WRITEFUNCTION, &on_body);
  set(CURLOPT_WRITEDATA, static_cast<void*>(&exchange));
  set(CURLOPT_HEADERFUNCTION, &on_header);
  set(CURLOPT_HEADERDATA, static_cast<void*>(&exchange));
  if (config.only_loopback) {
    set(CURLOPT_OPENSOCKETFUNCTION, &open_loopback_socket);
    set(CURLOPT_OPENSOCKETDATA, static_cast<void*>(&exchange));
  }
  if (request.method == "HEAD") {
    set(CURLOPT_NOBODY, 1L);
  } else if (request.method != "GET" || !request.body.empty()) {
    set(CURLOPT_POSTFIELDS, request.body.data());
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
  }
  Slist lines;
  good = good && add_line(lines, "Expect:");
  bool typed = false;
  for (const auto& [name, value] : request.headers) {
    typed = typed || to_lower(name) == "content-type";
    // curl's way to send a header with an empty value is a semicolon.
    good = good && add_line(lines, value.empty() ? name + ";" : concat(name, ": ", value));
  }
  if (!typed) good = good && add_line(lines, "Content-Type:");
  set(CURLOPT_HTTPHEADER, lines.get());
  if (!good) {
    return Error(Code::kInternal, "http_client",
                 "libcurl refused an option; is it older than 7.85?");
  }
  return lines;
}

Error HttpClient::Impl::failure(const Request& request, const Url& url, CURLcode code,
                                const Exchange& exchange, const Deadline& deadline) const {
  const std::string call = call_name(request, url);
  const std::string_view text(detail.data());
  const std::string why(text.empty() ? std::string_view(::curl_easy_strerror(code)) : text);
  if (exchange.not_loopback) {
    return {Code::kRefused, "destination_not_loopback",
            concat(call, ": ", url.host, " resolves to another machine, and a test configuration ",
                   "reaches loopback only")};
  }
  if (exchange.too_large) {
    return {Code::kTooLarge, "response_too_large",
            concat(call, ": the answer of ", url.host, " is longer than ", exchange.body_max,
                   " bytes. Check that the address is the right service")};
  }
  if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_PINNEDPUBKEYNOTMATCH) {
    return {Code::kRefused, "tls_untrusted",
            concat(call, ": the certificate of ", url.host, " is not trusted (", why,
                   "). Check the address, the CA certificates and this machine's clock")};
  }
  if (code == CURLE_OPERATION_TIMEDOUT && deadline.left() <= kTimerSlack) {
    return {Code::kDeadlineExceeded, "deadline",
            concat(call, ": no complete answer from ", url.host, " before the deadline (", why,
                   "). Check the network and the service's health")};
  }
  return {Code::kUnavailable, "unreachable",
          concat(call, ": ", url.host, " port ", url.port, " did not answer (", why,
                 "). Check name resolution, routing and firewall between this machine and it")};
}

Result<Response> HttpClient::send(const Request& request, const Deadline& deadline) {
  APM_TRY(const Url url, parse_url(request.url));
  APM_CHECK_OK(check_request(request));
  APM_CHECK_OK(impl_->check_destination(request, url));
  const int attempts = std::clamp(request.retry.attempts_max, 1, kAttemptsMax);
  const SystemClock clock;
  for (int attempt = 1;; ++attempt) {
    const Milliseconds timeout = std::min(request.attempt_timeout, deadline.left());
    if (timeout.count() == 0) {
      return Error(Code::kDeadlineExceeded, "deadline",
                   concat(call_name(request, url), ": the deadline passed before attempt ", attempt,
                          ". Give the operation more time, or find what took it"));
    }
    Exchange exchange;
    exchange.body_max = request.response_bytes_max;
    APM_TRY(const Slist lines, impl_->prepare(request, url, exchange, timeout));
    impl_->detail[0] = '\0';
    const CURLcode code = ::curl_easy_perform(impl_->handle.get());
    Response& response = exchange.response;
    response.attempts = attempt;
    if (code == CURLE_OK) {
      long status = 0;
      ::curl_easy_getinfo(impl_->handle.get(), CURLINFO_RESPONSE_CODE, &status);
      response.status = static_cast<int>(status);
    }
    const bool again = code == CURLE_OK ? retryable_status(request, response)
                                        : !exchange.too_large && !exchange.not_loopback &&
                                              retryable_failure(code, request.idempotent);
    const Milliseconds wait =
        retry_delay(request.retry, attempt,
                    code == CURLE_OK ? asked_delay(response, clock.unix_s()) : std::nullopt);
    if (again && attempt < attempts && wait + kTimerSlack < deadline.left()) {
      std::this_thread::sleep_for(wait);
      continue;
    }
    if (code != CURLE_OK) return impl_->failure(request, url, code, exchange, deadline);
    return std::move(response);
  }
}

}  // namespace apm::net
