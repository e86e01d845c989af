#include "workload/td_quote.h"

#include <gtest/gtest.h>

#include "attestation/limits.h"
#include "base/encoding.h"
#include "base/text.h"
#include "workload/testing/fake_imds.h"

namespace apm::workload {
namespace {

using testing::answer;
using testing::hcl_report;
using testing::Imds;
using testing::kSnp;
using testing::kTdx;

struct Outcome {
  Result<Bytes> quote;
  std::string seen;
};
Outcome fetch(std::string text, std::uint32_t report_type = kTdx) {
  Imds imds(std::move(text));
  net::HttpClient client = std::move(net::HttpClient::create({})).value();
  auto quote = fetch_td_quote(client, imds.endpoint(), hcl_report(report_type));
  imds.stop();
  return {std::move(quote), imds.seen()};
}
std::string reason(const Outcome& outcome) {
  return outcome.quote.ok() ? "" : outcome.quote.error().reason;
}

TEST(TdQuoteTest, TheTdreportGoesOutAndTheQuoteComesBack) {
  const Bytes quote(5000, 0xfb);
  const Outcome got =
      fetch(answer("200 OK", concat(R"({"quote":")", base64url_encode(quote), "\"}")));
  ASSERT_TRUE(got.quote.ok()) << got.quote.error().message;
  EXPECT_EQ(*got.quote, quote);
  EXPECT_TRUE(got.seen.starts_with("POST /acc/tdquote HTTP/1.1\r\n")) << got.seen;
  EXPECT_TRUE(
      got.seen.ends_with(concat(R"({"report":")", base64url_encode(Bytes(1024, 0x7d)), "\"}")))
      << got.seen;
}

TEST(TdQuoteTest, AMachineThatIsNotOfTdxIsNotAsked) {
  const Outcome got = fetch(answer("200 OK", "{}"), kSnp);
  EXPECT_EQ(reason(got), "td_quote_not_tdx");
  EXPECT_TRUE(got.seen.empty());
}

TEST(TdQuoteTest, WhatIsNoQuoteIsRefused) {
  for (const char* body :
       {"", "<html>", "{}", R"({"quote":7})", R"({"quote":""})", R"({"quote":"a b"})"}) {
    EXPECT_EQ(reason(fetch(answer("200 OK", body))), "td_quote_malformed") << body;
  }
  EXPECT_EQ(reason(fetch(answer("400 No", "{}"))), "td_quote_unavailable");
}

TEST(TdQuoteTest, AQuoteIsBounded) {
  const auto of_size = [](std::size_t size) {
    return reason(
        fetch(answer("200 OK", concat(R"({"quote":")", base64url_encode(Bytes(size)), "\"}"))));
  };
  EXPECT_EQ(of_size(attestation::kQuoteBytesMax), "");
  EXPECT_EQ(of_size(attestation::kQuoteBytesMax + 1), "td_quote_malformed");
  EXPECT_EQ(of_size(2 * attestation::kQuoteBytesMax), "response_too_large");
}

}  // namespace
}  // namespace apm::workload
