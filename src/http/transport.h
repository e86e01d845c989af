#pragma once

// Bytes over a non-blocking socket, plain or through OpenSSL. Does not own the socket; never waits:
// says which readiness to wait for. One thread at a time.

#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "base/bytes.h"
#include "http/tls_identity.h"

struct ssl_st;

namespace apm::http {

enum class IoState { kDone, kWantRead, kWantWrite, kClosed, kFailed };

struct IoResult {
  IoState state = IoState::kFailed;
  std::size_t bytes = 0;  // with kDone
};

class Transport {
 public:
  // `context` null: plain TCP.
  Transport(int socket, const TlsContext& context);

  [[nodiscard]] bool usable() const { return !tls_ || ssl_ != nullptr; }
  [[nodiscard]] bool tls() const { return tls_; }
  [[nodiscard]] IoResult handshake();
  [[nodiscard]] IoResult read(std::span<char> out);
  [[nodiscard]] IoResult write(std::string_view data);
  // Sends close_notify if it fits; does not wait for the peer's.
  void end_tls();
  [[nodiscard]] std::optional<Bytes> peer_certificate_der() const;

 private:
  struct SslDeleter {
    void operator()(ssl_st* ssl) const;
  };
  [[nodiscard]] IoResult tls_result(int returned, std::size_t bytes);

  int socket_;
  bool tls_;
  bool broken_ = false;  // after a fatal TLS error nothing more may be asked of ssl_
  std::unique_ptr<ssl_st, SslDeleter> ssl_;
};

}  // namespace apm::http
