#pragma once

// A small blocking HTTP/1.1 server for the simulated services: a thread per connection, plain or
// TLS, on 127.0.0.1. Kills and faults act here, at the edges of a connection. Beast parses; the
// simulator serves test clients, not hostile ones.

#include <atomic>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <thread>

#include "base/file.h"
#include "base/mutex.h"
#include "sim/faults.h"
#include "sim/hardware.h"
#include "sim/wire.h"

struct ssl_ctx_st;

namespace apm::sim {

struct NetServerOptions {
  std::uint16_t port = 0;         // 0: any free one
  const Hardware* tls = nullptr;  // nullptr: plain HTTP
  Faults* faults = nullptr;
  // Whether a kill "connect" counts this port's connections as they come. Not where the control
  // API is reached too: there a request is counted once it is known not to be one of those.
  bool counts_connections = false;
  std::function<std::string(const HttpRequest&)> service_of;
  std::function<HttpResponse(const HttpRequest&)> handle;
};

class NetServer {
 public:
  [[nodiscard]] static Result<std::unique_ptr<NetServer>> start(NetServerOptions options);
  ~NetServer();  // ends all connections and waits for their threads
  NetServer(const NetServer&) = delete;
  NetServer& operator=(const NetServer&) = delete;
  [[nodiscard]] std::uint16_t port() const { return port_; }

  class Stream;

 private:
  explicit NetServer(NetServerOptions options) : options_(std::move(options)) {}
  void accept_loop();
  void serve(int fd);
  void converse(Stream& stream, bool counted);
  // False when the connection must end.
  [[nodiscard]] bool answer(Stream& stream, HttpRequest& request, bool keep, bool counted);

  NetServerOptions options_;
  std::shared_ptr<ssl_ctx_st> context_;
  UniqueFd listener_;
  std::uint16_t port_ = 0;
  std::atomic<bool> stopping_{false};
  Mutex mutex_;
  CondVar changed_;
  std::set<int> open_ APM_GUARDED_BY(mutex_);
  std::thread acceptor_;
};

}  // namespace apm::sim
