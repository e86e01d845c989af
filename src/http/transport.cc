#include "http/transport.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <cerrno>

namespace apm::http {
namespace {

IoResult plain_result(ssize_t returned, IoState again) {
  if (returned >= 0) return {IoState::kDone, static_cast<std::size_t>(returned)};
  return {errno == EAGAIN || errno == EINTR ? again : IoState::kFailed, 0};
}

}  // namespace

void Transport::SslDeleter::operator()(ssl_st* ssl) const { SSL_free(ssl); }

Transport::Transport(int socket, const TlsContext& context)
    : socket_(socket), tls_(context != nullptr) {
  if (!tls_) return;
  ssl_.reset(SSL_new(context.get()));
  if (ssl_ && SSL_set_fd(ssl_.get(), socket) != 1) ssl_.reset();
  if (ssl_) SSL_set_accept_state(ssl_.get());
}

IoResult Transport::handshake() {
  if (!tls_) return {IoState::kDone, 0};
  ERR_clear_error();
  return tls_result(SSL_do_handshake(ssl_.get()), 0);
}

IoResult Transport::read(std::span<char> out) {
  if (!tls_) {
    const IoResult got = plain_result(recv(socket_, out.data(), out.size(), 0), IoState::kWantRead);
    return got.state == IoState::kDone && got.bytes == 0 ? IoResult{IoState::kClosed, 0} : got;
  }
  std::size_t bytes = 0;
  ERR_clear_error();
  const int returned = SSL_read_ex(ssl_.get(), out.data(), out.size(), &bytes);
  return tls_result(returned, bytes);
}

IoResult Transport::write(std::string_view data) {
  if (!tls_) {
    return plain_result(send(socket_, data.data(), data.size(), MSG_NOSIGNAL), IoState::kWantWrite);
  }
  std::size_t bytes = 0;
  ERR_clear_error();
  const int returned = SSL_write_ex(ssl_.get(), data.data(), data.size(), &bytes);
  return tls_result(returned, bytes);
}

IoResult Transport::tls_result(int returned, std::size_t bytes) {
  if (returned == 1) return {IoState::kDone, bytes};
  switch (SSL_get_error(ssl_.get(), returned)) {
    case SSL_ERROR_WANT_READ: return {IoState::kWantRead, 0};
    case SSL_ERROR_WANT_WRITE: return {IoState::kWantWrite, 0};
    case SSL_ERROR_ZERO_RETURN: return {IoState::kClosed, 0};
    default: broken_ = true; return {IoState::kFailed, 0};
  }
}

void Transport::end_tls() {
  if (!ssl_ || broken_ || SSL_is_init_finished(ssl_.get()) != 1) return;
  ERR_clear_error();
  if (SSL_shutdown(ssl_.get()) < 0) broken_ = true;
}

std::optional<Bytes> Transport::peer_certificate_der() const {
  if (!ssl_) return std::nullopt;
  const X509* certificate = SSL_get0_peer_certificate(ssl_.get());
  if (certificate == nullptr) return std::nullopt;
  unsigned char* der = nullptr;
  const int size = i2d_X509(certificate, &der);
  if (size <= 0) return std::nullopt;
  Bytes out(der, der + size);
  OPENSSL_free(der);
  return out;
}

}  // namespace apm::http
