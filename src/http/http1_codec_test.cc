#include "http/http1_codec.h"

#include <gtest/gtest.h>

#include "http/http1_response.h"

namespace apm::http {
namespace {

constexpr CodecLimits kSmall{
    .header_bytes_max = 256, .headers_max = 4, .target_bytes_max = 16, .body_bytes_max = 8};

// One request, whole and byte by byte: both must say the same.
std::string outcome(std::string_view bytes, const CodecLimits& limits = {}) {
  const auto run = [&](std::size_t step) -> std::string {
    Http1Parser parser(limits);
    for (std::size_t at = 0; at < bytes.size();) {
      const std::size_t used = parser.feed(bytes.substr(at, step));
      if (used == 0) break;
      at += used;
    }
    if (parser.state() == Http1Parser::State::kRefused) return std::string(parser.refusal().reason);
    if (parser.state() != Http1Parser::State::kDone) return "incomplete";
    const Request r = parser.take();
    return r.method + " " + r.path + "|" + r.query + "|" + r.body;
  };
  const std::string whole = run(bytes.size());
  EXPECT_EQ(whole, run(1)) << bytes;
  return whole;
}

std::string get(std::string_view fields) {
  return "GET / HTTP/1.1\r\nHost: h\r\n" + std::string(fields) + "\r\n";
}
std::string post(std::string_view fields, std::string_view body) {
  return "POST / HTTP/1.1\r\nHost: h\r\n" + std::string(fields) + "\r\n" + std::string(body);
}

TEST(Http1Codec, Accepts) {
  EXPECT_EQ(outcome(get("")), "GET /||");
  EXPECT_EQ(outcome("LIST /v1/a%20b?x=1?2 HTTP/1.1\r\nhost: [::1]:8200\r\n\r\n"),
            "LIST /v1/a%20b|x=1?2|");
  EXPECT_EQ(outcome(post("Content-Length: 3\r\n", "abc")), "POST /||abc");
  EXPECT_EQ(outcome(post("Content-Length: 0\r\n", "")), "POST /||");
  EXPECT_EQ(
      outcome(post("Transfer-Encoding: chunked\r\n", "3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n")),
      "POST /||abc0123456789");
  EXPECT_EQ(outcome(post("Content-Length: 3\r\n", "ab")), "incomplete");
}

TEST(Http1Codec, RefusesEveryAmbiguousShape) {
  const std::vector<std::pair<std::string, std::string>> table = {
      {post("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", "0\r\n\r\n"), "two_lengths"},
      {post("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), "two_lengths"},
      {post("Transfer-Encoding: gzip\r\n", ""), "transfer_encoding"},
      {post("Transfer-Encoding: xchunked\r\n", ""), "transfer_encoding"},
      {post("Transfer-Encoding: gzip, chunked\r\n", ""), "transfer_encoding"},
      {post("Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n", ""), "repeated_header"},
      {post("Content-Length: 1\r\nContent-Length: 1\r\n", "a"), "repeated_header"},
      {get("Host: other\r\n"), "repeated_header"},
      {get("X-Vault-Token: a\r\nx-vault-token: b\r\n"), "repeated_header"},
      {get("X-Vault-Namespace: a\r\nx-vault-namespace: b\r\n"), "repeated_header"},
      {get("Authorization: a\r\nAuthorization: a\r\n"), "repeated_header"},
      {get("Content-Type: a\r\nContent-Type: a\r\n"), "repeated_header"},
      {"GET / HTTP/1.1\r\n\r\n", "host"},
      {"GET / HTTP/1.1\r\nHost:\r\n\r\n", "host"},
      {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "host"},
      {get("A: b\r\n c\r\n"), "folded_header"},
      {get("A : b\r\n"), "header_name"},
      {get(": b\r\n"), "header_name"},
      {get("nocolon\r\n"), "header_name"},
      {get("A: b\nC: d\r\n"), "bare_lf"},
      {get("A: b\rc\r\n"), "header_value"},
      {get(std::string_view("A: b\0c\r\n", 8)), "header_value"},
      {get("A: \xff\r\n"), "header_value"},
      {get("Connection: a,,b\r\n"), "connection"},
      {get("Expect: magic\r\n"), "expect"},
      {post("Content-Length: +1\r\n", "a"), "content_length"},
      {post("Content-Length: 0x1\r\n", "a"), "content_length"},
      {post("Content-Length: 1, 1\r\n", "a"), "content_length"},
      {post("Content-Length:\r\n", "a"), "content_length"},
      {post("Content-Length: 99999999999999999999\r\n", "a"), "body_too_large"},
      {post("Transfer-Encoding: chunked\r\n", "0\r\nX-Vault-Token: a\r\n\r\n"), "trailers"},
      {post("Transfer-Encoding: chunked\r\n", "1;a=b\r\na\r\n"), "chunk_size"},
      {post("Transfer-Encoding: chunked\r\n", "\r\n"), "chunk_size"},
      {post("Transfer-Encoding: chunked\r\n", "-1\r\n"), "chunk_size"},
      {post("Transfer-Encoding: chunked\r\n", "1\na\r\n"), "bare_lf"},
      {post("Transfer-Encoding: chunked\r\n", "1\r\nab\r\n"), "chunk_end"},
      {"GET http://h/ HTTP/1.1\r\nHost: h\r\n\r\n", "target_form"},
      {"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", "target_form"},
      {"GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n", "target_character"},
      {"GET /a b HTTP/1.1\r\nHost: h\r\n\r\n", "target_character"},
      {"GET / HTTP/1.0\r\nHost: h\r\n\r\n", "version"},
      {"GET / HTTP/2.0\r\nHost: h\r\n\r\n", "version"},
      {"get / HTTP/1.1\r\n", "method"},
      {"GET /\r\n", "request_line"},
      {"\r\n", "request_line"},
      {"GET / http/1.1\r\n", "request_line"},
      {"GET / HTTP/1.1\n", "bare_lf"},
  };
  for (const auto& [bytes, reason] : table) EXPECT_EQ(outcome(bytes), reason) << bytes;
}

TEST(Http1Codec, LimitsAtAndOneBeyond) {
  const auto target = [](std::size_t n) {
    return "GET /" + std::string(n - 1, 'a') + " HTTP/1.1\r\nHost: h\r\n\r\n";
  };
  EXPECT_NE(outcome(target(16), kSmall), "target_too_long");
  EXPECT_EQ(outcome(target(17), kSmall), "target_too_long");
  EXPECT_EQ(outcome(get("A: 1\r\nB: 1\r\nC: 1\r\n"), kSmall), "GET /||");
  EXPECT_EQ(outcome(get("A: 1\r\nB: 1\r\nC: 1\r\nD: 1\r\n"), kSmall), "too_many_headers");
  const std::size_t rest = 256 - get("A: \r\n").size();
  EXPECT_EQ(outcome(get("A: " + std::string(rest, 'a') + "\r\n"), kSmall), "GET /||");
  EXPECT_EQ(outcome(get("A: " + std::string(rest + 1, 'a') + "\r\n"), kSmall), "headers_too_long");
  EXPECT_EQ(outcome(post("Content-Length: 8\r\n", "12345678"), kSmall), "POST /||12345678");
  EXPECT_EQ(outcome(post("Content-Length: 9\r\n", ""), kSmall), "body_too_large");
  const std::string chunked = "Transfer-Encoding: chunked\r\n";
  EXPECT_EQ(outcome(post(chunked, "4\r\n1234\r\n4\r\n5678\r\n0\r\n\r\n"), kSmall),
            "POST /||12345678");
  EXPECT_EQ(outcome(post(chunked, "4\r\n1234\r\n5\r\n"), kSmall), "body_too_large");
}

TEST(Http1Codec, PipelinedRequestsComeOneByOne) {
  const std::string two = post("Content-Length: 1\r\n", "a") + get("Connection: close\r\n");
  Http1Parser parser(CodecLimits{});
  const std::size_t used = parser.feed(two);
  EXPECT_TRUE(parser.keep_alive());
  EXPECT_EQ(parser.take().body, "a");
  EXPECT_EQ(parser.feed(std::string_view(two).substr(used)), two.size() - used);
  EXPECT_FALSE(parser.keep_alive());
  EXPECT_EQ(parser.take().method, "GET");
}

TEST(Http1Codec, TellsOfExpectContinue) {
  Http1Parser parser(CodecLimits{});
  parser.feed(post("Content-Length: 1\r\nExpect: 100-continue\r\n", ""));
  EXPECT_TRUE(parser.expects_continue());
}

TEST(Http1Response, EncodesAndGuards) {
  Response r{200, {{"A", "b"}, {"Content-Length", "9"}}, "xy"};
  EXPECT_EQ(encode_response(r, {false, true, 1'795'479'310}),
            "HTTP/1.1 200 OK\r\nDate: Tue, 24 Nov 2026 00:15:10 GMT\r\nA: b\r\n"
            "Content-Length: 2\r\nConnection: keep-alive\r\n\r\nxy");
  EXPECT_TRUE(encode_response(r, {true, false, 0})
                  .ends_with("Content-Length: 2\r\nConnection: close\r\n\r\n"));
  r.headers = {{"A", "b\r\nX-Evil: 1"}};
  const std::string guarded = encode_response(r, {});
  EXPECT_TRUE(guarded.starts_with("HTTP/1.1 500 "));
  EXPECT_EQ(guarded.find("Evil"), std::string::npos);
  EXPECT_EQ(encode_response({204, {}, "x"}, {}).find("Content-Length"), std::string::npos);
}

}  // namespace
}  // namespace apm::http
