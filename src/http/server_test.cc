#include "http/server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <stdexcept>
#include <thread>

#include "base/file.h"
#include "base/mutex.h"

namespace apm::http {
namespace {

// "/wait" blocks until the gate opens, "/throw" throws, all else echoes path and body.
class EchoHandler final : public Handler {
 public:
  Response handle(Request& request) override {
    if (request.path == "/throw") throw std::runtime_error("bug");
    if (request.path == "/wait") {
      const MutexLock lock(mutex_);
      ++waiting_;
      changed_.notify_all();
      const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
      while (!open_ && changed_.wait_until(mutex_, until)) {
      }
    }
    return {200, {}, request.path + request.body};
  }
  void open() {
    const MutexLock lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  bool await_waiting(int count) {
    const MutexLock lock(mutex_);
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (waiting_ < count && changed_.wait_until(mutex_, until)) {
    }
    return waiting_ >= count;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  bool open_ APM_GUARDED_BY(mutex_) = false;
  int waiting_ APM_GUARDED_BY(mutex_) = 0;
};

class Client {
 public:
  explicit Client(std::uint16_t port) : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    const timeval limit{10, 0};
    setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected = connect(fd_.get(), reinterpret_cast<sockaddr*>(&to), sizeof(to)) == 0;
  }
  void send(std::string_view text) {
    EXPECT_EQ(::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
  }
  // Reads until `end` was seen, or to the end of the connection when `end` is empty.
  std::string read_until(std::string_view end) {
    std::string out;
    char c = 0;
    while ((end.empty() || out.find(end) == std::string::npos) && recv(fd_.get(), &c, 1, 0) == 1) {
      out += c;
    }
    return out;
  }
  [[nodiscard]] int fd() const { return fd_.get(); }
  bool connected = false;

 private:
  UniqueFd fd_;
};

class ServerTest : public testing::Test {
 protected:
  void serve(ServerConfig config) {
    auto made = Server::create(std::move(config), handler_, log_);
    ASSERT_TRUE(made.ok()) << made.error().message;
    server_ = std::move(*made);
    const Status started = server_->start();
    ASSERT_TRUE(started.ok()) << started.error().message;
  }
  static ServerConfig plain() {
    ServerConfig config;
    config.tls_disable = true;
    config.reactors = 2;
    config.workers = 2;
    return config;
  }
  static std::string get(std::string_view path) {
    return "GET " + std::string(path) + " HTTP/1.1\r\nHost: h\r\n\r\n";
  }

  NullLog log_;
  EchoHandler handler_;
  std::unique_ptr<Server> server_;
};

TEST_F(ServerTest, KeepsAliveAndPipelines) {
  serve(plain());
  Client client(server_->port());
  client.send(get("/one"));
  EXPECT_TRUE(client.read_until("/one").starts_with("HTTP/1.1 200 OK\r\n"));
  client.send(get("/two") + get("/three"));
  EXPECT_NE(client.read_until("/three").find("/two"), std::string::npos);
}

TEST_F(ServerTest, AnswersContinueThenTheRequest) {
  serve(plain());
  Client client(server_->port());
  client.send("PUT /p HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("ab");
  EXPECT_TRUE(client.read_until("/pab").ends_with("/pab"));
}

TEST_F(ServerTest, RefusesAndCloses) {
  ServerConfig config = plain();
  config.limits.body_bytes_max = 8;
  serve(std::move(config));
  Client client(server_->port());
  client.send("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n");
  const std::string answer = client.read_until("");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 413 "));
  EXPECT_NE(answer.find("Connection: close"), std::string::npos);
  EXPECT_NE(answer.find("{\"errors\":["), std::string::npos);
}

TEST_F(ServerTest, RefusedClientThatStaysDoesNotHoldItsReactor) {
  ServerConfig config = plain();
  config.reactors = 1;
  serve(std::move(config));
  Client refused(server_->port()), other(server_->port());
  refused.send("\r\n");
  EXPECT_TRUE(refused.read_until("").starts_with("HTTP/1.1 400 "));  // and stays connected
  other.send(get("/other"));
  EXPECT_TRUE(other.read_until("/other").ends_with("/other"));
}

TEST_F(ServerTest, SlowHeadTimesOut) {
  ServerConfig config = plain();
  config.timeouts.header_read = Milliseconds{50};
  serve(std::move(config));
  Client client(server_->port());
  client.send("GET / HT");
  EXPECT_TRUE(client.read_until("").starts_with("HTTP/1.1 408 "));
}

TEST_F(ServerTest, HandlerExceptionIs500) {
  serve(plain());
  Client client(server_->port());
  client.send(get("/throw"));
  EXPECT_TRUE(client.read_until("\r\n\r\n").starts_with("HTTP/1.1 500 "));
}

TEST_F(ServerTest, FullQueueIs503) {
  ServerConfig config = plain();
  config.workers = 1;
  config.queue_depth_max = 1;
  serve(std::move(config));
  Client running(server_->port()), second(server_->port()), third(server_->port());
  running.send(get("/wait"));
  ASSERT_TRUE(handler_.await_waiting(1));
  // Two more: one is queued, the other is refused; which one is the scheduler's choice.
  second.send(get("/x"));
  third.send(get("/x"));
  pollfd either[2] = {{second.fd(), POLLIN, 0}, {third.fd(), POLLIN, 0}};
  ASSERT_EQ(poll(either, 2, 10'000), 1);
  const std::string busy = (either[0].revents != 0 ? second : third).read_until("\r\n\r\n");
  EXPECT_TRUE(busy.starts_with("HTTP/1.1 503 ")) << busy;
  EXPECT_NE(busy.find("Retry-After: 1\r\n"), std::string::npos);
  handler_.open();
}

TEST_F(ServerTest, ShutdownDrains) {
  ServerConfig config = plain();
  config.reactors = 1;  // so that both connections learn of the end at the same moment
  serve(std::move(config));
  Client idle(server_->port()), busy(server_->port());
  busy.send(get("/wait"));
  ASSERT_TRUE(handler_.await_waiting(1));
  std::thread stopper(
      [this] { EXPECT_TRUE(server_->shutdown(Deadline::after(Milliseconds{10'000})).ok()); });
  EXPECT_EQ(idle.read_until(""), "");  // closed while the other request is still in work
  handler_.open();
  const std::string answer = busy.read_until("");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 ")) << answer;
  EXPECT_NE(answer.find("Connection: close"), std::string::npos);
  stopper.join();
  EXPECT_EQ(server_->connection_count(), 0U);
}

TEST_F(ServerTest, ConfigurationIsChecked) {
  const auto reason = [this](std::string_view address, bool tls_disable) {
    ServerConfig config = plain();
    config.address = address;
    config.tls_disable = tls_disable;
    return Server::create(std::move(config), handler_, log_).error().reason;
  };
  EXPECT_EQ(reason("0.0.0.0", true), "plain_listener_not_loopback");
  EXPECT_EQ(reason("localhost", true), "listen_address_invalid");
  EXPECT_EQ(reason("0.0.0.0", false), "tls_identity_missing");
}

Result<TlsIdentity> self_signed() {
  crypto::EvpPkey key(EVP_EC_gen("P-256"));
  std::unique_ptr<x509_st, crypto::X509Deleter> leaf(X509_new());
  X509_set_version(leaf.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(leaf.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(leaf.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(leaf.get()), 3600);
  X509_set_pubkey(leaf.get(), key.get());
  X509_sign(leaf.get(), key.get(), EVP_sha256());
  const crypto::Certificate certificate(std::move(leaf));
  return TlsIdentity::from_memory(crypto::PrivateKey(std::move(key)), {&certificate});
}

TEST_F(ServerTest, SpeaksTlsAndResumes) {
  auto identity = self_signed();
  ASSERT_TRUE(identity.ok());
  ServerConfig config;
  config.identity = std::move(*identity);
  serve(std::move(config));
  const TlsContext context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
  std::shared_ptr<SSL_SESSION> session;
  for (int round = 0; round < 2; ++round) {
    Client client(server_->port());
    const std::shared_ptr<SSL> ssl(SSL_new(context.get()), SSL_free);
    SSL_set_fd(ssl.get(), client.fd());
    if (session) SSL_set_session(ssl.get(), session.get());
    ASSERT_EQ(SSL_connect(ssl.get()), 1);
    EXPECT_STREQ(SSL_get_version(ssl.get()), "TLSv1.3");
    EXPECT_EQ(SSL_session_reused(ssl.get()), round);
    for (int i = 0; i < 2; ++i) {
      const std::string request = get("/tls");
      ASSERT_GT(SSL_write(ssl.get(), request.data(), static_cast<int>(request.size())), 0);
      std::string answer(4096, '\0');
      const int n = SSL_read(ssl.get(), answer.data(), static_cast<int>(answer.size()));
      ASSERT_GT(n, 0);
      EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 "));
    }
    session.reset(SSL_get1_session(ssl.get()), SSL_SESSION_free);
    SSL_shutdown(ssl.get());
  }
}

}  // namespace
}  // namespace apm::http
