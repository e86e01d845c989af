#include "endorsements/source.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "base/file.h"
#include "base/text.h"
#include "endorsements/limits.h"

namespace apm::endorsements {
namespace {

// Answers one connection after the other on loopback with the given texts; "" is silence until the
// peer goes.
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
      ++served_;
      std::string seen;
      char byte = 0;
      while (!seen.ends_with("\r\n\r\n") && ::read(peer.get(), &byte, 1) == 1) seen += byte;
      if (answer.empty()) {
        while (::read(peer.get(), &byte, 1) == 1) {
        }
      }
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

const std::string kThrottled = answer("429 Slow", "Retry-After: 0\r\n");

Result<net::Response> fetch(const std::string& url, std::size_t bytes_max = 100,
                            Milliseconds within = Milliseconds(20'000)) {
  const auto fetcher = http_fetcher("");
  return fetch_ok(*fetcher, {url, "the service", bytes_max}, Deadline::after(within));
}

std::string reason(const Result<net::Response>& result) {
  EXPECT_TRUE(result.ok() || result.error().code == Code::kUnavailable);
  return result.ok() ? concat("HTTP ", result->status) : result.error().reason;
}

TEST(FetchTest, ABodyWithItsHeaders) {
  LoopbackServer server({answer("200 OK", "TCB-Info-Issuer-Chain: a%0A\r\n", "hello")});
  const auto got = fetch(server.url());
  ASSERT_TRUE(got.ok()) << got.error().message;
  EXPECT_EQ(got->body, "hello");
  ASSERT_NE(got->header("tcb-info-issuer-chain"), nullptr);
}

TEST(FetchTest, ThrottlingIsWaitedForAndNotForEver) {
  LoopbackServer patient({kThrottled, answer("200 OK", "", "x")});
  EXPECT_EQ(reason(fetch(patient.url())), "HTTP 200");
  EXPECT_EQ(patient.served(), 2);
  LoopbackServer stubborn({kThrottled, kThrottled, kThrottled, answer("200 OK")});
  EXPECT_EQ(reason(fetch(stubborn.url())), "endorsement_throttled");
  EXPECT_EQ(stubborn.served(), kAttemptsMax);
}

TEST(FetchTest, ARetryAfterBeyondTheDeadlineIsNotWaitedFor) {
  LoopbackServer server({answer("429 Slow", "Retry-After: 60\r\n"), answer("200 OK")});
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(reason(fetch(server.url(), 100, Milliseconds(2'000))), "endorsement_throttled");
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
  EXPECT_EQ(server.served(), 1);
}

TEST(FetchTest, EachFailureHasItsName) {
  LoopbackServer server({answer("404 No"), answer("410 Gone"), answer("403 No"),
                         answer("302 Go", "Location: http://127.0.0.1:1/\r\n")});
  EXPECT_EQ(reason(fetch(server.url())), "endorsement_not_found");
  EXPECT_EQ(reason(fetch(server.url())), "endorsement_not_found");
  EXPECT_EQ(reason(fetch(server.url())), "endorsement_refused");
  EXPECT_EQ(reason(fetch(server.url())), "endorsement_refused") << "redirects are not followed";
  EXPECT_EQ(reason(fetch("http://127.0.0.1:1/")), "endorsement_unreachable");
}

TEST(FetchTest, TheBodyIsBounded) {
  LoopbackServer server({answer("200 OK", "", "12345"), answer("200 OK", "", "123456")});
  EXPECT_EQ(reason(fetch(server.url(), 5)), "HTTP 200");
  EXPECT_EQ(reason(fetch(server.url(), 5)), "endorsement_too_large");
}

TEST(FetchTest, ASilentServiceEndsWithTheDeadline) {
  constexpr int kTimes = 20;  // the timer of an attempt may end just before the deadline
  LoopbackServer server{std::vector<std::string>(kTimes)};
  for (int i = 0; i < kTimes; ++i) {
    EXPECT_EQ(reason(fetch(server.url(), 5, Milliseconds(100))), "endorsement_deadline");
  }
}

TEST(FetchTest, PlainHttpToAnotherMachineIsRefused) {
  const auto refused = fetch("http://192.0.2.1/");
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().reason, "plain_http");
}

TEST(SourcesTest, AddressesAreChecked) {
  EXPECT_TRUE(check_sources({}).ok());
  Sources mirror;
  mirror.intel_pcs = "https://pccs.example:8081/base";
  EXPECT_TRUE(check_sources(mirror).ok());
  for (const char* bad : {"", "pccs.example", "https://a/", "https://a/x?y=1", "ftp://a"}) {
    for (auto member :
         {&Sources::amd_kds, &Sources::intel_pcs, &Sources::intel_root_crl, &Sources::imds}) {
      Sources sources;
      sources.*member = bad;
      const Status checked = check_sources(sources);
      ASSERT_FALSE(checked.ok()) << bad;
      EXPECT_EQ(checked.error().reason, "endorsement_source") << bad;
    }
  }
  Sources issuers;
  issuers.maa_issuers.assign(kIssuersMax, "https://a.example");
  EXPECT_TRUE(check_sources(issuers).ok());
  issuers.maa_issuers.emplace_back("https://b.example");
  ASSERT_FALSE(check_sources(issuers).ok());
}

}  // namespace
}  // namespace apm::endorsements
