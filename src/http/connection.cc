#include "http/connection.h"

#include <openssl/crypto.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <exception>
#include <utility>

#include "http/http1_response.h"

namespace apm::http {
namespace {

namespace asio = boost::asio;

std::string address_text(const asio::ip::address& address) {
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).to_string();
  }
  return address.to_string();
}

// The one edge at which an exception of the program becomes an answer.
Response call_handler(ConnectionServices& services, Request& request) {
  try {
    return services.handler.handle(request);
  } catch (const std::exception& e) {
    services.log.error("http", "the handler threw", {{"what", e.what()}});
  } catch (...) {
    services.log.error("http", "the handler threw something unknown");
  }
  return error_response(500, "internal error");
}

}  // namespace

Connection::Connection(Socket socket, const TlsContext& context, ConnectionServices& services,
                       OnClosed on_closed)
    : socket_(std::move(socket)),
      timer_(socket_.get_executor()),
      transport_(socket_.native_handle(), context),
      services_(services),
      on_closed_(std::move(on_closed)),
      parser_(services.limits) {}

void Connection::start() {
  boost::system::error_code failed;
  const auto remote = socket_.remote_endpoint(failed);
  if (!failed) socket_.native_non_blocking(true, failed);
  if (failed || !transport_.usable()) return close();
  socket_.set_option(asio::ip::tcp::no_delay(true), failed);  // a failure costs time only
  remote_address_ = address_text(remote.address());
  remote_port_ = remote.port();
  set_deadline(services_.timeouts.header_read);
  handshake();
}

void Connection::handshake() {
  const IoResult result = transport_.handshake();
  if (result.state == IoState::kWantRead || result.state == IoState::kWantWrite) {
    return wait(result.state, &Connection::handshake);
  }
  if (result.state != IoState::kDone) {
    services_.log.debug("http", "TLS handshake failed", {{"remote", remote_address_}});
    return close();
  }
  client_certificate_der_ = transport_.peer_certificate_der();
  phase_ = Phase::kReading;
  // The first request must come within the time for a head: the deadline goes on.
  timed_state_ = Http1Parser::State::kHead;
  read();
}

void Connection::read() {
  std::array<char, kReadBytes> buffer;  // NOLINT(*-member-init): read only where it was filled
  while (phase_ == Phase::kReading) {
    const IoResult result = transport_.read(buffer);
    if (result.state == IoState::kWantRead || result.state == IoState::kWantWrite) {
      return wait(result.state, &Connection::read);
    }
    if (result.state != IoState::kDone) return close();
    parse({buffer.data(), result.bytes});
    OPENSSL_cleanse(buffer.data(), result.bytes);
  }
}

void Connection::parse(std::string_view bytes) {
  const std::size_t used = parser_.feed(bytes);
  pending_.assign(bytes.substr(used));
  after_parse();
}

void Connection::after_parse() {
  const Http1Parser::State state = parser_.state();
  if (state == Http1Parser::State::kDone) return dispatch();
  if (state == Http1Parser::State::kRefused) return refuse(parser_.refusal());
  if (state == timed_state_) return;
  timed_state_ = state;
  if (state != Http1Parser::State::kBody) return set_deadline(services_.timeouts.header_read);
  set_deadline(services_.timeouts.body_read);
  if (parser_.expects_continue()) {
    // A fresh socket takes 25 bytes; a client that filled its window before it is not served.
    if (transport_.write(kContinue).bytes != kContinue.size()) close();
  }
}

void Connection::dispatch() {
  phase_ = Phase::kHandling;
  timer_.cancel();
  keep_alive_ = parser_.keep_alive();
  Request request = parser_.take();
  head_request_ = request.method == "HEAD";
  request.remote_address = remote_address_;
  request.remote_port = remote_port_;
  request.tls = transport_.tls();
  request.client_certificate_der = client_certificate_der_;
  auto shared = std::make_shared<Request>(std::move(request));
  auto self = shared_from_this();
  const bool queued = services_.pool.submit([self, shared]() mutable {
    auto response = std::make_shared<Response>(call_handler(self->services_, *shared));
    shared.reset();
    const auto executor = self->socket_.get_executor();
    asio::post(executor, [self = std::move(self), response] { self->answer(*response); });
  });
  if (queued) return;
  Response busy = error_response(503, "the server is busy; try again");
  busy.headers.push_back({"Retry-After", "1"});
  answer(busy);
}

void Connection::answer(const Response& response) {
  if (phase_ != Phase::kHandling) return;  // closed meanwhile
  keep_alive_ = keep_alive_ && !draining_;
  out_ = encode_response(response, {head_request_, keep_alive_, services_.clock.unix_s()});
  out_sent_ = 0;
  phase_ = Phase::kWriting;
  set_deadline(services_.timeouts.write);
  // Not from here: a pipeline of requests that are answered at once must not become a recursion.
  asio::post(socket_.get_executor(), [self = shared_from_this()] { self->write(); });
}

void Connection::refuse(const Refusal& refusal) {
  services_.log.info("http", "request refused",
                     {{"remote", remote_address_}, {"reason", std::string(refusal.reason)}});
  phase_ = Phase::kHandling;
  keep_alive_ = false;
  head_request_ = false;
  answer(error_response(refusal.status, refusal.message));
}

void Connection::write() {
  while (phase_ == Phase::kWriting && out_sent_ < out_.size()) {
    const IoResult result = transport_.write(std::string_view(out_).substr(out_sent_));
    if (result.state == IoState::kWantRead || result.state == IoState::kWantWrite) {
      return wait(result.state, &Connection::write);
    }
    if (result.state != IoState::kDone) return close();
    out_sent_ += result.bytes;
  }
  if (phase_ == Phase::kWriting) after_write();
}

void Connection::after_write() {
  out_ = std::string();
  if (!keep_alive_ || (draining_ && pending_.empty())) {
    // Closing with unread bytes resets the connection and the client may lose the answer (RFC
    // 9112, section 9.6): half-close, then read on for a while.
    phase_ = Phase::kLingering;
    transport_.end_tls();
    boost::system::error_code ignored;
    socket_.shutdown(Socket::shutdown_send, ignored);
    set_deadline(services_.timeouts.linger);
    return linger();
  }
  phase_ = Phase::kReading;
  timed_state_ = Http1Parser::State::kIdle;
  set_deadline(services_.timeouts.idle);
  if (!pending_.empty()) parse(std::exchange(pending_, {}));
  if (phase_ == Phase::kReading) read();
}

void Connection::linger() {
  std::array<char, kReadBytes> buffer;  // NOLINT(*-member-init): read only where it was filled
  while (lingered_ < kLingerBytesMax) {
    // Not the socket's read_some(): it would wait, and with it every connection of this reactor.
    const ssize_t got = recv(socket_.native_handle(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return wait(IoState::kWantRead, &Connection::linger);
    if (got <= 0) break;
    lingered_ += static_cast<std::size_t>(got);
  }
  close();
}

void Connection::wait(IoState wanted, Step next) {
  const auto kind = wanted == IoState::kWantRead ? Socket::wait_read : Socket::wait_write;
  socket_.async_wait(kind, [self = shared_from_this(), next](boost::system::error_code failed) {
    if (self->phase_ == Phase::kClosed || failed == asio::error::operation_aborted) return;
    if (failed) return self->close();
    ((*self).*next)();
  });
}

void Connection::set_deadline(Milliseconds span) {
  timer_.expires_after(span);
  timer_.async_wait([weak = weak_from_this()](boost::system::error_code cancelled) {
    const auto self = weak.lock();
    if (!self || cancelled) return;
    // A wait that was ready before it was cancelled: its deadline is no longer the one that counts.
    if (self->timer_.expiry() > SteadyTime::clock::now()) return;
    self->on_deadline();
  });
}

void Connection::on_deadline() {
  if (phase_ == Phase::kClosed || phase_ == Phase::kHandling) return;
  const bool unfinished =
      phase_ == Phase::kReading && (parser_.state() == Http1Parser::State::kHead ||
                                    parser_.state() == Http1Parser::State::kBody);
  if (!unfinished) return close();
  boost::system::error_code ignored;
  socket_.cancel(ignored);  // the wait for more of the request
  refuse({408, "request_timeout", "the request did not arrive in time"});
}

void Connection::drain() {
  draining_ = true;
  const bool between = phase_ == Phase::kReading && parser_.state() == Http1Parser::State::kIdle;
  if (phase_ == Phase::kHandshake || between) close();
}

void Connection::close() {
  if (phase_ == Phase::kClosed) return;
  phase_ = Phase::kClosed;
  timer_.cancel();
  transport_.end_tls();
  boost::system::error_code ignored;
  socket_.close(ignored);
  on_closed_(shared_from_this());
}

}  // namespace apm::http
