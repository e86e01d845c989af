#include "net/http_client.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "base/file.h"
#include "base/text.h"
#include "net/retry.h"

namespace apm::net {
namespace {

// Answers one connection after the other on loopback with the given texts, then closes.
class LoopbackServer {
 public:
  explicit LoopbackServer(std::vector<std::string> answers) : answers_(std::move(answers)) {
    listener_ = UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(::bind(listener_.get(), generic, size), 0);
    EXPECT_EQ(::listen(listener_.get(), 8), 0);
    EXPECT_EQ(::getsockname(listener_.get(), generic, &size), 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  LoopbackServer(const LoopbackServer&) = delete;
  LoopbackServer& operator=(const LoopbackServer&) = delete;
  ~LoopbackServer() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
  }
  [[nodiscard]] std::string url() const { return concat("http://127.0.0.1:", port_, "/x"); }
  [[nodiscard]] int served() const { return served_; }

 private:
  void serve() {
    for (const std::string& answer : answers_) {
      const UniqueFd peer(::accept(listener_.get(), nullptr, nullptr));
      if (!peer.valid()) return;
      std::string seen;
      char byte = 0;
      while (!seen.ends_with("\r\n\r\n") && ::read(peer.get(), &byte, 1) == 1) seen += byte;
      ++served_;
      static_cast<void>(write_fd(peer.get(), as_bytes(answer), "peer"));
    }
  }
  std::vector<std::string> answers_;
  UniqueFd listener_;
  unsigned port_ = 0;
  std::atomic<int> served_ = 0;
  std::thread thread_;
};

std::string answer(std::string_view status, std::string_view more = "",
                   std::string_view body = "") {
  return concat("HTTP/1.1 ", status, "\r\nConnection: close\r\n", more,
                "Content-Length: ", body.size(), "\r\n\r\n", body);
}

HttpClient client(HttpClientConfig config = {}) {
  return std::move(HttpClient::create(std::move(config))).value();
}

Request request_to(const std::string& url, int attempts) {
  Request request;
  request.url = url;
  request.retry = {.attempts_max = attempts,
                   .base_delay = Milliseconds(0),
                   .delay_max = Milliseconds(0),
                   .more_statuses = {}};
  return request;
}

const Deadline kSoon = Deadline::after(Milliseconds(20'000));

TEST(HttpClientTest, RetriesThrottlingAndServerErrors) {
  LoopbackServer server({answer("429 Slow", "Retry-After: 0\r\n"), answer("500 No"),
                         answer("200 OK", "X-A: b\r\n", "hello")});
  HttpClient http = client();
  const auto response = http.send(request_to(server.url(), 5), kSoon);
  ASSERT_TRUE(response.ok()) << response.error().message;
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->body, "hello");
  EXPECT_EQ(response->attempts, 3);
  ASSERT_NE(response->header("x-a"), nullptr);
}

TEST(HttpClientTest, RetriesAreBoundedAndOthersAreNotRetried) {
  LoopbackServer server({answer("503 No"), answer("503 No"), answer("403 No")});
  HttpClient http = client();
  const auto last = http.send(request_to(server.url(), 2), kSoon);
  ASSERT_TRUE(last.ok());
  EXPECT_EQ(last->status, 503);
  EXPECT_EQ(server.served(), 2);
  const auto refused = http.send(request_to(server.url(), 5), kSoon);
  ASSERT_TRUE(refused.ok());
  EXPECT_EQ(refused->attempts, 1);
}

TEST(HttpClientTest, NotIdempotentIsNotRepeatedAfterAServerError) {
  LoopbackServer server({answer("500 No")});
  HttpClient http = client();
  Request request = request_to(server.url(), 5);
  request.method = "POST";
  request.idempotent = false;
  const auto response = http.send(request, kSoon);
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(response->attempts, 1);
}

TEST(HttpClientTest, RefusesLongAnswersRedirectsNothingAndStaysOnLoopback) {
  LoopbackServer server(
      {answer("200 OK", "", "12345"), answer("302 Go", "Location: http://127.0.0.1:1/\r\n")});
  HttpClientConfig config;
  config.only_loopback = true;
  HttpClient http = client(config);
  Request request = request_to(server.url(), 1);
  request.response_bytes_max = 4;
  const auto longer = http.send(request, kSoon);
  ASSERT_FALSE(longer.ok());
  EXPECT_EQ(longer.error().reason, "response_too_large");
  const auto redirect = http.send(request_to(server.url(), 1), kSoon);
  ASSERT_TRUE(redirect.ok());
  EXPECT_EQ(redirect->status, 302);
  const auto away = http.send(request_to("https://vault.azure.net/", 1), kSoon);
  ASSERT_FALSE(away.ok());
  EXPECT_EQ(away.error().reason, "destination_not_loopback");
}

TEST(HttpClientTest, NamedFailures) {
  HttpClient http = client();
  const auto plain = http.send(request_to("http://192.0.2.1/", 1), kSoon);
  ASSERT_FALSE(plain.ok());
  EXPECT_EQ(plain.error().reason, "plain_http");
  const auto closed = http.send(request_to("http://127.0.0.1:1/", 1), kSoon);
  ASSERT_FALSE(closed.ok());
  EXPECT_EQ(closed.error().code, Code::kUnavailable);
  EXPECT_EQ(closed.error().reason, "unreachable");
  const auto late =
      http.send(request_to("http://127.0.0.1:1/", 1), Deadline::after(Milliseconds(0)));
  ASSERT_FALSE(late.ok());
  EXPECT_EQ(late.error().reason, "deadline");
  Request forged = request_to("http://127.0.0.1:1/", 1);
  forged.headers = {{"A", "b\r\nC: d"}};
  const auto header = http.send(forged, kSoon);
  ASSERT_FALSE(header.ok());
  EXPECT_EQ(header.error().reason, "http_request");
}

TEST(UrlTest, Parses) {
  const auto url = parse_url("https://Name.vault.azure.net:8443/a?b=c");
  ASSERT_TRUE(url.ok());
  EXPECT_EQ(url->host, "name.vault.azure.net");
  EXPECT_EQ(url->port, 8443U);
  EXPECT_EQ(url->target, "/a?b=c");
  for (const char* bad : {"ftp://a/", "https://", "https://u@h/", "https://h/#f", "https://h:0/",
                          "https://h:65536/", "https://h\\x/", "h"}) {
    const auto refused = parse_url(bad);
    ASSERT_FALSE(refused.ok()) << bad;
    EXPECT_EQ(refused.error().reason, "url");
  }
  EXPECT_EQ(url_encode("a b/~"), "a%20b%2F~");
  EXPECT_TRUE(is_loopback("127.1.2.3"));
  EXPECT_TRUE(is_loopback("::1"));
  EXPECT_FALSE(is_loopback("127.0.0.1.example.org"));
}

TEST(RetryTest, DelayHonoursTheServerAndTheCeiling) {
  Response response;
  response.headers = {{"retry-after", "7"}};
  EXPECT_EQ(asked_delay(response, 0), Milliseconds(7000));
  response.headers = {{"retry-after", "999999"}};
  EXPECT_EQ(asked_delay(response, 0), kRetryAfterMax);
  const RetryPolicy policy{.attempts_max = 3,
                           .base_delay = Milliseconds(100),
                           .delay_max = Milliseconds(150),
                           .more_statuses = {}};
  for (int i = 0; i < 100; ++i) EXPECT_LE(retry_delay(policy, 9, std::nullopt).count(), 150);
  EXPECT_GE(retry_delay(policy, 1, Milliseconds(5000)).count(), 5000);
}

}  // namespace
}  // namespace apm::net
