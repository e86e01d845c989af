#pragma once

// The listener: accepts connections, speaks TLS and HTTP/1.1, and gives each request to the
// Handler.
//
// One reactor thread and one SO_REUSEPORT socket per core read and write; the Handler runs on a
// bounded pool of workers. A connection has one request in work at a time. A full queue answers 503
// with Retry-After: 1. An exception of the Handler ends here: 500 and a log line.
//
// Handler, Log and Clock must outlive the server. Everything but create() and the destructor may be
// called from any thread, but not from the Handler in the case of shutdown().

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "http/limits.h"
#include "http/message.h"
#include "http/tls_identity.h"

namespace apm::http {

struct ServerConfig {
  std::string address = "127.0.0.1";    // an IP address, not a name; "::" takes IPv4 as well
  std::uint16_t port = 0;               // 0: the system chooses, see port()
  bool tls_disable = false;             // plain TCP: only on a loopback address
  std::optional<TlsIdentity> identity;  // needed unless tls_disable
  ClientCertificate client_certificate = ClientCertificate::kNotRequested;
  std::size_t reactors = 0;  // 0: one per core
  std::size_t workers = kWorkers;
  std::size_t queue_depth_max = kQueueDepthMax;
  std::size_t connections_max = kConnectionsMax;
  CodecLimits limits;
  Timeouts timeouts;
  const Clock* clock = nullptr;  // for the Date header; nullptr: the system's
};

class Server {
 public:
  // Checks the configuration; opens nothing. kInvalidArgument "listen_address_invalid",
  // "listen_limit_invalid", "tls_identity_missing"; kRefused "plain_listener_not_loopback".
  [[nodiscard]] static Result<std::unique_ptr<Server>> create(ServerConfig config, Handler& handler,
                                                              Log& log);
  ~Server();  // as shutdown() with a deadline that has passed
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Binds, listens and serves; once only (kConflict "server_started"). kIo "listen_failed".
  [[nodiscard]] Status start();
  [[nodiscard]] std::uint16_t port() const;  // 0 before start()

  // For new connections; those that exist go on with the old one.
  [[nodiscard]] Status replace_identity(const TlsIdentity& identity);

  // No new connections; the existing ones are served on.
  void stop_accepting();

  // stop_accepting(), closes idle connections, lets requests in work finish and their answers
  // leave, then ends all threads. What is not done at the deadline is cut off (kDeadlineExceeded
  // "shutdown_incomplete"); a Handler call that runs is still waited for, so handlers need
  // deadlines.
  [[nodiscard]] Status shutdown(Deadline deadline);

  [[nodiscard]] std::size_t connection_count() const;

 private:
  struct Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace apm::http
