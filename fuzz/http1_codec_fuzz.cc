// What our HTTP/1.1 parser accepts, Boost.Beast's must accept too and read the same: method,
// target, Host, body and its length. The reverse does not hold and need not. Also: bytes one by one
// give the same outcome as bytes at once.

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cstdint>
#include <string_view>

#include "http/http1_codec.h"
#include "property.h"

namespace {

using apm::fuzz::require;
using apm::http::Http1Parser;
namespace beast = boost::beast;

void compare_with_beast(std::string_view bytes, const apm::http::Request& ours) {
  beast::http::request_parser<beast::http::string_body> theirs;
  theirs.eager(true);
  theirs.header_limit(1U << 20);
  theirs.body_limit(std::uint64_t{1} << 30);
  beast::error_code failed;
  while (!bytes.empty() && !theirs.is_done()) {
    const std::size_t used = theirs.put(boost::asio::buffer(bytes.data(), bytes.size()), failed);
    require(!failed, "Beast refuses what we accept");
    require(used > 0, "Beast waits for more than we need");
    bytes.remove_prefix(used);
  }
  require(theirs.is_done() && bytes.empty(), "Beast ends the request elsewhere");
  const auto& message = theirs.get();
  const std::string target = ours.path + (ours.query.empty() ? "" : "?" + ours.query);
  std::string_view their_target(message.target().data(), message.target().size());
  if (ours.query.empty() && their_target.ends_with('?')) their_target.remove_suffix(1);
  require(std::string_view(message.method_string()) == ours.method, "method");
  require(their_target == target, "target");
  require(std::string_view(message[beast::http::field::host]) == *ours.header("host"), "host");
  require(message.body() == ours.body, "body");
  if (ours.header("content-length")) {
    require(theirs.content_length() && *theirs.content_length() == ours.body.size(), "length");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const apm::http::CodecLimits limits{.body_bytes_max = 1 << 16};
  Http1Parser whole(limits);
  const std::size_t used = whole.feed(bytes);
  Http1Parser single(limits);
  for (std::size_t i = 0; i < used; ++i)
    require(single.feed(bytes.substr(i, 1)) == 1 || single.state() == Http1Parser::State::kRefused,
            "a byte is not used");
  require(whole.state() == single.state(), "the outcome depends on the pieces");
  require(whole.refusal().reason == single.refusal().reason, "the reason depends on the pieces");
  if (whole.state() == Http1Parser::State::kDone) {
    compare_with_beast(bytes.substr(0, used), whole.take());
  }
  return 0;
}
