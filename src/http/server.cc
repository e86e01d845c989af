#include "http/server.h"

#include <sys/socket.h>
#include <algorithm>
#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <thread>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "base/text.h"
#include "http/connection.h"

namespace apm::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using ErrorCode = boost::system::error_code;

Error listen_error(std::string_view step, const tcp::endpoint& endpoint, const ErrorCode& why) {
  return Error(Code::kIo, "listen_failed",
               concat("cannot listen on ", endpoint.address().to_string(), " port ",
                      endpoint.port(), ": ", step, ": ", why.message()));
}

// How many connections live, over all reactors; tells when the last one is gone.
class ConnectionCount {
 public:
  explicit ConnectionCount(std::size_t maximum) : maximum_(maximum) {}

  bool take() {
    const MutexLock lock(mutex_);
    if (count_ >= maximum_) return false;
    ++count_;
    return true;
  }
  void give_back() {
    {
      const MutexLock lock(mutex_);
      --count_;
    }
    changed_.notify_all();
  }
  bool wait_for_none(Deadline deadline) {
    const MutexLock lock(mutex_);
    const SteadyTime until = std::chrono::steady_clock::now() + deadline.left();
    while (count_ != 0 && changed_.wait_until(mutex_, until)) {
    }
    return count_ == 0;
  }
  std::size_t value() {
    const MutexLock lock(mutex_);
    return count_;
  }

 private:
  const std::size_t maximum_;
  Mutex mutex_;
  CondVar changed_;
  std::size_t count_ APM_GUARDED_BY(mutex_) = 0;
};

class CurrentContext {
 public:
  void set(TlsContext context) {
    const MutexLock lock(mutex_);
    context_ = std::move(context);
  }
  TlsContext get() {
    const MutexLock lock(mutex_);
    return context_;
  }

 private:
  Mutex mutex_;
  TlsContext context_ APM_GUARDED_BY(mutex_);
};

// One event loop, its listening socket and its connections. The members below the public ones run
// on its thread.
class Reactor {
 public:
  Reactor(ConnectionServices& services, CurrentContext& context, ConnectionCount& count)
      : services_(services), context_(context), count_(count), acceptor_(io_), retry_(io_) {}

  Status listen(const tcp::endpoint& endpoint);
  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
  void run() {
    accept();
    thread_ = std::thread([this] { io_.run(); });
  }
  void stop_accepting() {
    asio::post(io_, [this] { close_acceptor(); });
  }
  void drain() {
    asio::post(io_, [this] {
      close_acceptor();
      each(&Connection::drain);
    });
  }
  void close_all() {
    asio::post(io_, [this] { each(&Connection::close); });
  }
  void stop() {
    // Behind what was posted before: connections that close_all() names still close.
    asio::post(io_, [this] { io_.stop(); });
    if (thread_.joinable()) thread_.join();
  }

 private:
  void accept();
  void on_accept(const ErrorCode& failed, tcp::socket socket);
  void close_acceptor() {
    ErrorCode ignored;
    retry_.cancel();
    acceptor_.close(ignored);
  }
  void each(void (Connection::*what)()) {
    // A connection that closes leaves the set.
    const std::vector<std::shared_ptr<Connection>> all(connections_.begin(), connections_.end());
    for (const auto& connection : all) ((*connection).*what)();
  }

  ConnectionServices& services_;
  CurrentContext& context_;
  ConnectionCount& count_;
  asio::io_context io_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_{io_.get_executor()};
  tcp::acceptor acceptor_;
  asio::steady_timer retry_;
  std::unordered_set<std::shared_ptr<Connection>> connections_;
  bool full_ = false;
  std::thread thread_;
};

Status Reactor::listen(const tcp::endpoint& endpoint) {
  ErrorCode why;
  acceptor_.open(endpoint.protocol(), why);
  if (why) return listen_error("socket", endpoint, why);
  const int on = 1;
  if (setsockopt(acceptor_.native_handle(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) != 0) {
    return listen_error("SO_REUSEPORT", endpoint,
                        ErrorCode(errno, boost::system::system_category()));
  }
  acceptor_.set_option(tcp::acceptor::reuse_address(true), why);
  if (!why && endpoint.address().is_v6()) acceptor_.set_option(asio::ip::v6_only(false), why);
  if (why) return listen_error("options", endpoint, why);
  acceptor_.bind(endpoint, why);
  if (why) return listen_error("bind", endpoint, why);
  acceptor_.listen(kListenBacklog, why);
  if (why) return listen_error("listen", endpoint, why);
  return {};
}

// SO_REUSEPORT would let a second server of the same user share the port in silence: a bind without
// it fails when somebody listens already.
Status check_free(const tcp::endpoint& endpoint) {
  asio::io_context io;
  tcp::acceptor probe(io);
  ErrorCode why;
  probe.open(endpoint.protocol(), why);
  if (!why) probe.set_option(tcp::acceptor::reuse_address(true), why);
  if (!why) probe.bind(endpoint, why);
  if (why) return listen_error("bind", endpoint, why);
  return {};
}

void Reactor::accept() {
  acceptor_.async_accept([this](const ErrorCode& failed, tcp::socket socket) {
    on_accept(failed, std::move(socket));
  });
}

void Reactor::on_accept(const ErrorCode& failed, tcp::socket socket) {
  if (!acceptor_.is_open()) return;
  if (failed) {
    services_.log.warn("http", "accept failed", {{"why", failed.message()}});
    retry_.expires_after(kAcceptRetry);
    retry_.async_wait([this](const ErrorCode& cancelled) {
      if (!cancelled && acceptor_.is_open()) accept();
    });
    return;
  }
  if (count_.take()) {
    full_ = false;
    const auto connection = std::make_shared<Connection>(std::move(socket), context_.get(),
                                                         services_, [this](const auto& closed) {
                                                           if (connections_.erase(closed) == 1)
                                                             count_.give_back();
                                                         });
    connections_.insert(connection);
    connection->start();
  } else if (!std::exchange(full_, true)) {
    // Said once per full period. The socket closes here.
    services_.log.warn("http", "connection refused: the maximum number of connections is reached");
  }
  accept();
}

Status check(const ServerConfig& config, const asio::ip::address& address) {
  if (config.workers == 0 || config.queue_depth_max == 0 || config.connections_max == 0 ||
      config.reactors > kReactorsMax) {
    return Error(Code::kInvalidArgument, "listen_limit_invalid",
                 "workers, queue depth and connections must be at least 1, reactors at most 64");
  }
  if (config.tls_disable && !address.is_loopback()) {
    return Error(Code::kRefused, "plain_listener_not_loopback",
                 concat("TLS is disabled for the listener on ", config.address,
                        "; that is allowed on a loopback address only"));
  }
  if (!config.tls_disable && !config.identity) {
    return Error(Code::kInvalidArgument, "tls_identity_missing",
                 concat("the listener on ", config.address, " has no TLS certificate and key"));
  }
  return {};
}

}  // namespace

struct Server::Impl {
  Impl(ServerConfig c, asio::ip::address a, Handler& handler, Log& l)
      : config(std::move(c)),
        address(std::move(a)),
        log(l),
        count(config.connections_max),
        pool({config.workers, config.queue_depth_max}),
        services{handler,
                 l,
                 config.clock != nullptr ? *config.clock : system_clock,
                 pool,
                 config.limits,
                 config.timeouts} {}

  ServerConfig config;
  asio::ip::address address;
  Log& log;
  SystemClock system_clock;
  CurrentContext context;
  ConnectionCount count;
  WorkerPool pool;
  ConnectionServices services;
  Mutex mutex;
  std::vector<std::unique_ptr<Reactor>> reactors APM_GUARDED_BY(mutex);
  bool started APM_GUARDED_BY(mutex) = false;
  bool stopped APM_GUARDED_BY(mutex) = false;
  std::uint16_t port APM_GUARDED_BY(mutex) = 0;
};

Result<std::unique_ptr<Server>> Server::create(ServerConfig config, Handler& handler, Log& log) {
  ErrorCode bad;
  const asio::ip::address address = asio::ip::make_address(config.address, bad);
  if (bad) {
    return Error(Code::kInvalidArgument, "listen_address_invalid",
                 concat("the listener address \"", config.address, "\" is not an IP address"));
  }
  APM_CHECK_OK(check(config, address));
  TlsContext context;
  if (!config.tls_disable) {
    APM_TRY(context, make_tls_context(*config.identity, config.client_certificate));
  }
  config.identity.reset();  // the key lives on in the context alone
  auto impl = std::make_unique<Impl>(std::move(config), address, handler, log);
  impl->context.set(std::move(context));
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Server::~Server() { static_cast<void>(shutdown(Deadline::after(Milliseconds{0}))); }

Status Server::start() {
  const MutexLock lock(impl_->mutex);
  if (impl_->started || impl_->stopped) {
    return Error(Code::kConflict, "server_started", "the listener was started before");
  }
  const std::size_t cores = std::max(1U, std::thread::hardware_concurrency());
  const std::size_t wanted =
      std::min(impl_->config.reactors == 0 ? cores : impl_->config.reactors, kReactorsMax);
  std::vector<std::unique_ptr<Reactor>> reactors;
  tcp::endpoint endpoint(impl_->address, impl_->config.port);
  APM_CHECK_OK(check_free(endpoint));
  for (std::size_t i = 0; i < wanted; ++i) {
    auto reactor = std::make_unique<Reactor>(impl_->services, impl_->context, impl_->count);
    APM_CHECK_OK(reactor->listen(endpoint));
    endpoint.port(reactor->port());  // the others share the port that the first one got
    reactors.push_back(std::move(reactor));
  }
  impl_->reactors = std::move(reactors);
  impl_->port = endpoint.port();
  impl_->started = true;
  for (const auto& reactor : impl_->reactors) reactor->run();
  impl_->log.info("http", "listening",
                  {{"address", impl_->config.address},
                   {"port", std::to_string(impl_->port)},
                   {"tls", impl_->config.tls_disable ? "off" : "on"}});
  return {};
}

std::uint16_t Server::port() const {
  const MutexLock lock(impl_->mutex);
  return impl_->port;
}

Status Server::replace_identity(const TlsIdentity& identity) {
  if (impl_->config.tls_disable) {
    return Error(Code::kConflict, "tls_disabled", "this listener does not use TLS");
  }
  APM_TRY(TlsContext context, make_tls_context(identity, impl_->config.client_certificate));
  impl_->context.set(std::move(context));
  return {};
}

void Server::stop_accepting() {
  const MutexLock lock(impl_->mutex);
  for (const auto& reactor : impl_->reactors) reactor->stop_accepting();
}

Status Server::shutdown(Deadline deadline) {
  const MutexLock lock(impl_->mutex);
  if (std::exchange(impl_->stopped, true)) return {};
  for (const auto& reactor : impl_->reactors) reactor->drain();
  const bool drained = impl_->count.wait_for_none(deadline);
  if (!drained) {
    for (const auto& reactor : impl_->reactors) reactor->close_all();
  }
  impl_->pool.stop();
  for (const auto& reactor : impl_->reactors) reactor->stop();
  impl_->reactors.clear();
  if (drained) return {};
  return Error(Code::kDeadlineExceeded, "shutdown_incomplete",
               "requests were still in work when the time to shut down was over");
}

std::size_t Server::connection_count() const { return impl_->count.value(); }

}  // namespace apm::http
