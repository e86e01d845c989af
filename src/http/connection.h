#pragma once

// One connection from accept to close, as a table of phases:
//
//   handshake -> reading -> handling -> writing -> reading ...   (kept alive)
//                                              \-> lingering -> closed
//
// Owned by its reactor and by the operations under way. Every member runs on the reactor's thread;
// the Handler alone runs on a worker. Each phase but handling has a deadline.

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "http/http1_codec.h"
#include "http/limits.h"
#include "http/message.h"
#include "http/transport.h"
#include "http/worker_pool.h"

namespace apm::http {

// What all connections of a server share; outlives them.
struct ConnectionServices {
  Handler& handler;
  Log& log;
  const Clock& clock;
  WorkerPool& pool;
  CodecLimits limits;
  Timeouts timeouts;
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using Socket = boost::asio::ip::tcp::socket;
  using OnClosed = std::function<void(const std::shared_ptr<Connection>&)>;

  Connection(Socket socket, const TlsContext& context, ConnectionServices& services,
             OnClosed on_closed);

  void start();
  // Closes now if no request is under way, else after its answer.
  void drain();
  void close();

 private:
  enum class Phase { kHandshake, kReading, kHandling, kWriting, kLingering, kClosed };
  using Step = void (Connection::*)();

  void handshake();
  void read();
  void parse(std::string_view bytes);
  void after_parse();
  void dispatch();
  void answer(const Response& response);
  void refuse(const Refusal& refusal);
  void write();
  void after_write();
  void linger();
  void wait(IoState wanted, Step next);
  void set_deadline(Milliseconds span);
  void on_deadline();

  Socket socket_;
  boost::asio::steady_timer timer_;
  Transport transport_;
  ConnectionServices& services_;
  OnClosed on_closed_;
  Http1Parser parser_;
  Phase phase_ = Phase::kHandshake;
  std::string pending_;  // received, not parsed yet: at most one read
  std::string out_;
  std::size_t out_sent_ = 0;
  std::size_t lingered_ = 0;
  Http1Parser::State timed_state_ = Http1Parser::State::kIdle;  // which deadline is running
  bool keep_alive_ = true;
  bool head_request_ = false;
  bool draining_ = false;
  std::string remote_address_;
  std::uint16_t remote_port_ = 0;
  std::optional<Bytes> client_certificate_der_;
};

}  // namespace apm::http
