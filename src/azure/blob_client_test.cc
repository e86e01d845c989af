// The Blob client against a fake of the service that keeps one append blob (lost answers, stale
// writers), and against Azurite.

#include "azure/blob_client.h"

#include <gtest/gtest.h>

#include <deque>

#include "azure/azurite_fixture.h"
#include "azure/blob_error.h"
#include "azure/limits.h"
#include "azure/shared_key.h"
#include "base/encoding.h"
#include "base/text.h"

namespace apm::azure {
namespace {

constexpr const char* kLeaseA = "6f1a2c1e-0000-4000-8000-00000000000a";
constexpr const char* kLeaseB = "6f1a2c1e-0000-4000-8000-00000000000b";

Deadline soon() { return Deadline::after(Milliseconds(20'000)); }

std::string reason(const Status& status) { return status.ok() ? "" : status.error().reason; }

std::string header_of(const net::Request& request, std::string_view name) {
  for (const auto& [key, value] : request.headers) {
    if (to_lower(key) == name) return value;
  }
  return {};
}

net::Response answer(int status, const std::string& code = {}) {
  net::Response out;
  out.status = status;
  if (!code.empty()) out.headers.emplace_back("x-ms-error-code", code);
  return out;
}

// One leased append blob, and a script of what happens to the appends that reach it.
struct FakeService {
  enum class Fate { kServed, kLostBefore, kLostAfter, kThrottled, kPaused, kDenied };

  std::string content;
  std::string lease = kLeaseA;
  std::deque<Fate> fates;   // of the next appends; then kServed
  std::string pause = "1";  // seconds, that kPaused asks for
  int appends = 0;
  int requests = 0;
  net::Request last;

  Result<net::Response> serve(const net::Request& request) {
    ++requests;
    last = request;
    if (request.method == "HEAD") {
      net::Response out = answer(200);
      out.headers = {{"content-length", std::to_string(content.size())},
                     {"etag", "\"1\""},
                     {"x-ms-lease-state", "leased"}};
      return out;
    }
    if (request.method == "GET") return range(header_of(request, "x-ms-range"));
    return append_with_fate(request);
  }

 private:
  Result<net::Response> range(const std::string& text) {
    const auto ends = split(std::string_view(text).substr(6), '-');
    const auto first = *parse_u64(ends[0]);
    net::Response out = answer(206);
    out.body = content.substr(first, *parse_u64(ends[1]) - first + 1);
    return out;
  }

  Result<net::Response> append_with_fate(const net::Request& request) {
    ++appends;
    Fate fate = Fate::kServed;
    if (!fates.empty()) {
      fate = fates.front();
      fates.pop_front();
    }
    const Error lost(Code::kUnavailable, "unreachable", "the connection was cut");
    if (fate == Fate::kLostBefore) return lost;
    if (fate == Fate::kThrottled) return answer(503, "ServerBusy");
    if (fate == Fate::kDenied) return answer(403, "AuthenticationFailed");
    if (fate == Fate::kPaused) {
      net::Response paused = answer(503, "ServerBusy");
      paused.headers.emplace_back("retry-after", pause);
      return paused;
    }
    net::Response out = append_now(request);
    if (fate == Fate::kLostAfter) return lost;
    return out;
  }

  net::Response append_now(const net::Request& request) {
    if (header_of(request, "x-ms-lease-id") != lease) {
      return answer(412, "LeaseIdMismatchWithBlobOperation");
    }
    if (header_of(request, "x-ms-blob-condition-appendpos") != std::to_string(content.size())) {
      return answer(412, "AppendPositionConditionNotMet");
    }
    content += request.body;
    return answer(201);
  }
};

class AppendOnceTest : public ::testing::Test {
 protected:
  using Credential = std::variant<crypto::SecretBytes, TokenSource>;
  void connect(Credential credential) {
    auto made = BlobClient::create(
        [this](const net::Request& r, const Deadline&) { return service.serve(r); }, clock,
        {"https://acct.blob.core.windows.net", "acct", "apm", std::move(credential)});
    ASSERT_TRUE(made.ok());
    client.emplace(std::move(*made));
  }
  void SetUp() override { connect(crypto::SecretBytes::copy_of(kKey)); }
  Status append(std::string_view text, std::uint64_t position, const char* lease = kLeaseA) {
    return append_once(*client, "log/1", as_bytes(text), {lease, position}, soon());
  }

  static constexpr std::string_view kKey = "CANARY-account-key";
  ManualClock clock{1'795'000'000};
  FakeService service;
  std::optional<BlobClient> client;
};

using Fate = FakeService::Fate;

TEST_F(AppendOnceTest, AppendsOneAfterAnother) {
  EXPECT_EQ(reason(append("one", 0)), "");
  EXPECT_EQ(reason(append("two", 3)), "");
  EXPECT_EQ(service.content, "onetwo");
}

TEST_F(AppendOnceTest, LostAnswerIsNotAppliedTwice) {
  service.fates = {Fate::kLostAfter};
  EXPECT_EQ(reason(append("one", 0)), "");
  EXPECT_EQ(service.content, "one");
  EXPECT_EQ(service.appends, 1);
}

TEST_F(AppendOnceTest, LostRequestIsSentAgain) {
  service.fates = {Fate::kLostBefore, Fate::kThrottled};
  EXPECT_EQ(reason(append("one", 0)), "");
  EXPECT_EQ(service.content, "one");
  EXPECT_EQ(service.appends, 3);
}

TEST_F(AppendOnceTest, GivesUpAfterItsAttempts) {
  service.fates = std::deque<Fate>(kAppendAttempts, Fate::kLostBefore);
  EXPECT_EQ(reason(append("one", 0)), "blob_outcome_unknown");
  EXPECT_EQ(service.appends, kAppendAttempts);
  EXPECT_EQ(service.content, "");
}

TEST_F(AppendOnceTest, StalePositionIsRefused) {
  service.content = "other";
  EXPECT_EQ(reason(append("mine!", 0)), "blob_append_position");
  EXPECT_EQ(service.content, "other");
}

TEST_F(AppendOnceTest, LostRequestAndAnotherWriterIsAStalePosition) {
  service.fates = {Fate::kLostBefore};
  service.content = "other";
  EXPECT_EQ(reason(append("mine!", 0)), "blob_append_position");
  EXPECT_EQ(service.appends, 1);
}

TEST_F(AppendOnceTest, FormerHolderOfTheLeaseIsRefused) {
  EXPECT_EQ(reason(append("one", 0, kLeaseB)), "blob_lease_lost");
  EXPECT_EQ(service.content, "");
}

TEST_F(AppendOnceTest, ARefusalOfTheOnlyAttemptIsNoUnknownOutcome) {
  service.fates = {Fate::kDenied};
  EXPECT_EQ(reason(append("one", 0)), "blob_access_denied");
  EXPECT_EQ(service.appends, 1);
}

TEST_F(AppendOnceTest, ARefusalAfterALostRequestLeavesItUnknown) {
  service.fates = {Fate::kLostBefore, Fate::kDenied};
  EXPECT_EQ(reason(append("one", 0)), "blob_outcome_unknown");
}

TEST_F(AppendOnceTest, APauseThatIsAskedForIsKept) {
  service.fates = {Fate::kPaused};
  const SteadyTime begin = std::chrono::steady_clock::now();
  EXPECT_EQ(reason(append("one", 0)), "");
  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::seconds(1));
  EXPECT_EQ(service.appends, 2);
}

TEST_F(AppendOnceTest, NothingIsSentInAPauseBeyondTheDeadline) {
  service.fates = {Fate::kPaused};
  service.pause = "60";
  EXPECT_EQ(reason(append("one", 0)), "blob_paused");
  EXPECT_EQ(service.requests, 1);
  EXPECT_EQ(reason(client->renew_lease("log/1", kLeaseA, soon())), "blob_paused");
  EXPECT_EQ(service.requests, 1);
}

TEST_F(AppendOnceTest, APauseAfterALostRequestLeavesItUnknown) {
  service.fates = {Fate::kLostBefore, Fate::kPaused};
  service.pause = "60";
  EXPECT_EQ(reason(append("one", 0)), "blob_outcome_unknown");
}

TEST_F(AppendOnceTest, AManagedIdentitysTokenIsSentInsteadOfASignature) {
  std::string asked;
  connect(TokenSource([&asked](const std::string& resource, const Deadline&) {
    asked = resource;
    return Result<std::string>("the-token");
  }));
  EXPECT_EQ(reason(append("one", 0)), "");
  EXPECT_EQ(asked, "https://storage.azure.com");
  EXPECT_EQ(header_of(service.last, "authorization"), "Bearer the-token");
  EXPECT_EQ(header_of(service.last, "x-ms-version"), "2020-10-02");
}

TEST_F(AppendOnceTest, WithoutATokenNothingIsSent) {
  connect(TokenSource([](const std::string&, const Deadline&) -> Result<std::string> {
    return Error(Code::kUnavailable, "unreachable", "IMDS does not answer");
  }));
  EXPECT_EQ(reason(append("one", 0)), "blob_no_token");
  EXPECT_EQ(service.requests, 0);
}

TEST_F(AppendOnceTest, NeitherErrorsNorRequestsHoldTheKey) {
  service.fates = {Fate::kDenied, Fate::kThrottled, Fate::kPaused};
  for (int i = 0; i < 3; ++i) {
    const Status sent = append("one", 0);
    const std::string told = sent.ok() ? "" : sent.error().message;
    EXPECT_EQ(told.find("CANARY"), std::string::npos);
  }
  for (const std::string& hidden : {std::string(kKey), base64_encode(as_bytes(kKey))}) {
    for (const auto& [name, value] : service.last.headers) {
      EXPECT_EQ(value.find(hidden), std::string::npos) << name;
    }
    EXPECT_EQ(service.last.url.find(hidden), std::string::npos);
  }
  EXPECT_TRUE(header_of(service.last, "authorization").starts_with("SharedKey acct:"));
}

TEST(BlobErrorTest, ALeaseThatRunsOutAfterItWasBrokenIsWaitedFor) {
  EXPECT_EQ(blob_error("x", answer(409, "LeaseIsBreakingAndCannotBeAcquired")).reason,
            "blob_lease_held");
}

TEST(BlobEndpointTest, KnowsTheClouds) {
  EXPECT_EQ(*blob_endpoint("acct", "AzureChinaCloud"), "https://acct.blob.core.chinacloudapi.cn");
  for (const auto& [account, environment] :
       {std::pair{"acct", "Azure"}, std::pair{"a/b.evil", "AzurePublicCloud"}}) {
    const auto refused = blob_endpoint(account, environment);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().reason, "blob_endpoint");
  }
}

TEST(SharedKeyTest, CanonicalStringFollowsTheRules) {
  net::Request request;
  request.method = "PUT";
  request.url = "https://acct.blob.core.windows.net/c/a%20b?restype=x&Comp=lease";
  request.headers = {
      {"x-ms-version", "2020-10-02"}, {"X-Ms-Date", " today "}, {"If-Match", "\"e\""}};
  const auto text = shared_key_string(request, "acct");
  ASSERT_TRUE(text.ok());
  EXPECT_EQ(*text,
            "PUT\n\n\n\n\n\n\n\n\"e\"\n\n\n\nx-ms-date:today\nx-ms-version:2020-10-02\n"
            "/acct/c/a%20b\ncomp:lease\nrestype:x");
  request.headers.clear();
  EXPECT_EQ(shared_key_string(request, "acct").error().reason, "blob_request");
}

TEST(SharedKeyTest, DateIsImfFixdate) {
  EXPECT_EQ(http_date(784'111'777), "Sun, 06 Nov 1994 08:49:37 GMT");
}

class AzuriteTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_FALSE(AzuriteServer::shared().failed()) << AzuriteServer::shared().trouble();
    if (!AzuriteServer::shared().trouble().empty()) {
      GTEST_SKIP() << AzuriteServer::shared().trouble();
    }
  }
  BlobClient& client(std::string_view key = kAzuriteKey) {
    BlobStoreConfig config = AzuriteServer::shared().config(container);
    const Bytes raw = base64_decode(key).value();
    config.account_key = crypto::SecretBytes::copy_of(ByteView(raw));
    const auto shared = std::make_shared<const BlobStoreConfig>(std::move(config));
    connection = blob_connector(shared)().value();
    return connection->client();
  }

  std::string container = AzuriteServer::new_container();
  std::unique_ptr<BlobConnection> connection;
};

TEST_F(AzuriteTest, AppendIsFencedByLeaseAndPosition) {
  BlobClient& c = client();
  ASSERT_EQ(reason(c.create_container(soon())), "");
  ASSERT_EQ(reason(c.create_container(soon())), "");
  ASSERT_EQ(reason(c.create_append_blob("log/a b", soon())), "");
  EXPECT_EQ(reason(c.create_append_blob("log/a b", soon())), "blob_exists");
  ASSERT_EQ(reason(c.acquire_lease("log/a b", kLeaseA, 15, soon())), "");
  EXPECT_EQ(reason(c.acquire_lease("log/a b", kLeaseB, 15, soon())), "blob_lease_held");
  ASSERT_EQ(reason(append_once(c, "log/a b", as_bytes("one"), {kLeaseA, 0}, soon())), "");
  EXPECT_EQ(reason(c.append_block("log/a b", as_bytes("two"), {kLeaseA, 0}, soon())),
            "blob_append_position");
  EXPECT_EQ(reason(c.append_block("log/a b", as_bytes("two"), {kLeaseB, 3}, soon())),
            "blob_lease_lost");
  EXPECT_EQ(c.properties("log/a b", soon())->size, 3U);
  EXPECT_EQ(c.properties("log/a b", soon())->lease_state, "leased");
  EXPECT_EQ(*c.get_range("log/a b", {1, 9}, soon()), to_bytes("ne"));
}

TEST_F(AzuriteTest, FormerLeaderCannotWriteAfterATakeover) {
  BlobClient& c = client();
  ASSERT_EQ(reason(c.create_container(soon())), "");
  ASSERT_EQ(reason(c.create_append_blob("log", soon())), "");
  ASSERT_EQ(reason(c.acquire_lease("log", kLeaseA, 15, soon())), "");
  ASSERT_EQ(reason(c.renew_lease("log", kLeaseA, soon())), "");
  ASSERT_EQ(reason(c.release_lease("log", kLeaseA, soon())), "");
  ASSERT_EQ(reason(c.acquire_lease("log", kLeaseB, 15, soon())), "");
  EXPECT_EQ(reason(append_once(c, "log", as_bytes("late"), {kLeaseA, 0}, soon())),
            "blob_lease_lost");
  EXPECT_EQ(reason(c.renew_lease("log", kLeaseA, soon())), "blob_lease_lost");
  EXPECT_EQ(c.properties("log", soon())->size, 0U);
}

TEST_F(AzuriteTest, BlockBlobsAreReplacedReadAndRemoved) {
  BlobClient& c = client();
  ASSERT_EQ(reason(c.create_container(soon())), "");
  ASSERT_EQ(reason(c.put_block_blob("c/1", as_bytes("old"), soon())), "");
  ASSERT_EQ(reason(c.put_block_blob("c/1", as_bytes("new!"), soon())), "");
  EXPECT_EQ(*c.get_range("c/1", {0, 4}, soon()), to_bytes("new!"));
  ASSERT_EQ(reason(c.remove("c/1", soon())), "");
  ASSERT_EQ(reason(c.remove("c/1", soon())), "");
  EXPECT_EQ(c.properties("c/1", soon()).error().reason, "blob_not_found");
}

TEST_F(AzuriteTest, WrongKeyIsRefused) {
  EXPECT_EQ(reason(client("d3Jvbmc=").create_container(soon())), "blob_access_denied");
}

}  // namespace
}  // namespace apm::azure
