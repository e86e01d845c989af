#include "sim/net_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "base/text.h"
#include "sim/limits.h"

namespace apm::sim {
namespace http = boost::beast::http;

// One connection's bytes, plain or TLS.
class NetServer::Stream {
 public:
  Stream(int fd, ssl_ctx_st* context) : fd_(fd), ssl_(nullptr, SSL_free) {
    if (context != nullptr) ssl_.reset(SSL_new(context));
    tls_ = context != nullptr;
  }
  [[nodiscard]] bool open() {
    if (!tls_) return true;
    return ssl_ != nullptr && SSL_set_fd(ssl_.get(), fd_) == 1 && SSL_accept(ssl_.get()) == 1;
  }
  [[nodiscard]] std::size_t read(char* to, std::size_t size) {
    const auto n = tls_ ? SSL_read(ssl_.get(), to, static_cast<int>(size))
                        : static_cast<int>(::recv(fd_, to, size, 0));
    return n > 0 ? static_cast<std::size_t>(n) : 0;
  }
  [[nodiscard]] bool write(std::string_view data) {
    while (!data.empty()) {
      const auto n = tls_ ? SSL_write(ssl_.get(), data.data(), static_cast<int>(data.size()))
                          : static_cast<int>(::send(fd_, data.data(), data.size(), MSG_NOSIGNAL));
      if (n <= 0) return false;
      data.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }
  void close() {
    if (tls_ && ssl_ != nullptr) SSL_shutdown(ssl_.get());
  }

 private:
  int fd_;
  bool tls_ = false;
  std::unique_ptr<ssl_st, void (*)(ssl_st*)> ssl_;
};

namespace {

constexpr int kPollMs = 200;

std::shared_ptr<ssl_ctx_st> make_context(const Hardware& hardware) {
  std::shared_ptr<ssl_ctx_st> context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  x509_st* intermediate = hardware.intermediate.certificate.native();
  if (context == nullptr || SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION) != 1 ||
      SSL_CTX_use_certificate(context.get(), hardware.tls.certificate.native()) != 1 ||
      SSL_CTX_use_PrivateKey(context.get(), hardware.tls.key.native()) != 1 ||
      SSL_CTX_add1_chain_cert(context.get(), intermediate) != 1) {
    return nullptr;
  }
  return context;
}

Result<UniqueFd> listen_tcp(std::uint16_t port, std::uint16_t& bound) {
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  if (!fd.valid() || ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
      ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
      ::listen(fd.get(), SOMAXCONN) != 0 ||
      ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    return io_error(concat("listen on 127.0.0.1:", port));
  }
  bound = ntohs(address.sin_port);
  return fd;
}

void take(HttpRequest& out, const http::request<http::string_body>& message) {
  out.method = std::string(message.method_string());
  out.target = std::string(message.target());
  out.body = message.body();
  for (const auto& field : message) {
    out.headers[to_lower(std::string(field.name_string()))] = std::string(field.value());
  }
  split_target(out);
}

std::string head_of(const HttpResponse& response, bool keep) {
  std::string out = concat(
      "HTTP/1.1 ", response.status, " ",
      std::string(http::obsolete_reason(static_cast<http::status>(response.status))), "\r\n");
  if (response.status != 204) {
    out += concat("Content-Type: ", response.content_type, "\r\n");
    out += concat("Content-Length: ", response.body.size(), "\r\n");
  }
  for (const auto& [name, value] : response.headers) out += concat(name, ": ", value, "\r\n");
  out += keep ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n";
  return out;
}

HttpResponse forced(int status) {
  if (status == 429) {
    return azure_error(429, "Throttled",
                       "Request was not processed because too many requests were received. "
                       "Reason: VaultRequestTypeLimitReached");
  }
  if (status == 403) {
    return azure_error(403, "Forbidden", "Caller is not authorized to perform action on resource.",
                       "ForbiddenByRbac");
  }
  return azure_error(status, "InjectedFault", "an injected fault of the simulator");
}

}  // namespace

Result<std::unique_ptr<NetServer>> NetServer::start(NetServerOptions options) {
  ::signal(SIGPIPE, SIG_IGN);
  std::unique_ptr<NetServer> out(new NetServer(std::move(options)));
  if (out->options_.tls != nullptr) {
    out->context_ = make_context(*out->options_.tls);
    if (out->context_ == nullptr) return Error(Code::kCrypto, "the TLS context cannot be made");
  }
  APM_TRY(out->listener_, listen_tcp(out->options_.port, out->port_));
  NetServer* self = out.get();
  out->acceptor_ = std::thread([self] { self->accept_loop(); });
  return out;
}

NetServer::~NetServer() {
  stopping_ = true;
  if (acceptor_.joinable()) acceptor_.join();
  const MutexLock lock(mutex_);
  for (const int fd : open_) ::shutdown(fd, SHUT_RDWR);
  while (!open_.empty()) changed_.wait(mutex_);
}

void NetServer::accept_loop() {
  while (!stopping_) {
    pollfd ready{listener_.get(), POLLIN, 0};
    if (::poll(&ready, 1, kPollMs) <= 0) continue;
    const int fd = ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) continue;
    const MutexLock lock(mutex_);
    while (!stopping_ && open_.size() >= static_cast<std::size_t>(kConnectionsMax)) {
      changed_.wait(mutex_);
    }
    open_.insert(fd);
    std::thread([this, fd] { serve(fd); }).detach();
  }
}

void NetServer::serve(int fd) {
  const timeval idle{kIdleSeconds, 0};
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &idle, sizeof(idle));
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &idle, sizeof(idle));
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  {
    const bool counted = options_.counts_connections && options_.faults->on_connect();
    Stream stream(fd, context_.get());
    if (stream.open()) {
      converse(stream, counted);
      stream.close();
    }
  }
  const MutexLock lock(mutex_);
  open_.erase(fd);
  ::close(fd);
  changed_.notify_all();
}

void NetServer::converse(Stream& stream, bool counted) {
  std::string buffer;
  char chunk[16384];
  while (!stopping_) {
    http::request_parser<http::string_body> parser;
    parser.eager(true);
    parser.header_limit(kHeaderBytesMax);
    parser.body_limit(kBodyBytesMax);
    bool continued = false;
    while (!parser.is_done()) {
      if (!buffer.empty()) {
        boost::system::error_code failure;
        const std::size_t used = parser.put(boost::asio::buffer(buffer), failure);
        buffer.erase(0, used);
        if (failure && failure != http::error::need_more) return;
        if (parser.is_done()) break;
        if (parser.is_header_done() && !continued &&
            parser.get().find(http::field::expect) != parser.get().end()) {
          continued = true;
          if (!stream.write("HTTP/1.1 100 Continue\r\n\r\n")) return;
        }
      }
      const std::size_t n = stream.read(chunk, sizeof(chunk));
      if (n == 0) return;
      buffer.append(chunk, n);
    }
    HttpRequest request;
    take(request, parser.get());
    if (!answer(stream, request, parser.get().keep_alive(), counted)) return;
    counted = false;
  }
}

bool NetServer::answer(Stream& stream, HttpRequest& request, bool keep, bool counted) {
  request.service = options_.service_of(request);
  const bool control = request.service == "control";
  RequestPlan plan;
  if (!control) {
    if (!options_.counts_connections) counted = options_.faults->on_connect();
    plan = options_.faults->begin(request, counted);
  }
  if (plan.latency_ms > 0) {
    const MutexLock lock(mutex_);
    const auto until =
        std::chrono::steady_clock::now() + std::chrono::milliseconds(plan.latency_ms);
    while (!stopping_ && changed_.wait_until(mutex_, until)) {
    }
  }
  if (plan.drop) {
    options_.faults->end(plan, 0);
    return false;
  }
  request.fault = plan.fault;
  HttpResponse response = plan.status ? forced(*plan.status) : options_.handle(request);
  if (plan.fault == "empty_body") response.body.clear();
  keep = keep && !options_.faults->kill_armed();
  std::string out = head_of(response, keep);
  if (request.method != "HEAD" && response.status != 204) out += response.body;
  const bool written = stream.write(out);
  if (!control) options_.faults->end(plan, response.status);
  return written && keep;
}

}  // namespace apm::sim
