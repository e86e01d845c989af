#include "http/http1_codec.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <utility>

#include "base/text.h"

namespace apm::http {
namespace {

// Two of one of these would let two readers choose differently. So would two of any X-Vault-*.
constexpr std::array<std::string_view, 7> kSingle = {
    "host",         "content-length",    "x-vault-token", "authorization",
    "content-type", "transfer-encoding", "expect"};
constexpr std::string_view kSinglePrefix = "x-vault-";
constexpr std::string_view kChunkSizeText =
    "a chunk size must be at most 8 hexadecimal digits and nothing else";

// tchar of RFC 9110, section 5.6.2.
bool is_token_char(char c) {
  if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')) return true;
  return c != '\0' && std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_token_char);
}

bool is_method(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
  });
}

bool is_target_char(char c) { return c > ' ' && c < '\x7f' && c != '#'; }

// Printable ASCII, space and tab. obs-text is refused: no two readers agree on its character set.
bool is_value_char(char c) { return (c >= ' ' && c < '\x7f') || c == '\t'; }

bool is_host_char(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
         std::string_view("-._~:[]%").find(c) != std::string_view::npos;
}

std::string_view strip_blanks(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool must_be_single(std::string_view lower_name) {
  return lower_name.starts_with(kSinglePrefix) ||
         std::find(kSingle.begin(), kSingle.end(), lower_name) != kSingle.end();
}

// A comma-separated list of tokens, as Connection is.
bool is_token_list(std::string_view value) {
  for (const std::string_view part : split(value, ',')) {
    if (!is_token(strip_blanks(part))) return false;
  }
  return true;
}

bool list_has(std::string_view value, std::string_view wanted) {
  for (const std::string_view part : split(value, ',')) {
    if (to_lower(strip_blanks(part)) == wanted) return true;
  }
  return false;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::size_t Http1Parser::feed(std::string_view bytes) {
  std::size_t used = 0;
  while (used < bytes.size() && state_ != State::kDone && state_ != State::kRefused) {
    const std::string_view rest = bytes.substr(used);
    if (state_ == State::kIdle) state_ = State::kHead;
    const bool data = part_ == Part::kFixedBody || part_ == Part::kChunkData;
    used += data ? feed_body(rest) : feed_line(rest);
  }
  return used;
}

Request Http1Parser::take() {
  assert(state_ == State::kDone);
  Request out = std::exchange(request_, Request{});
  state_ = State::kIdle;
  part_ = Part::kRequestLine;
  head_bytes_ = 0;
  body_left_ = 0;
  expects_continue_ = false;
  keep_alive_ = true;
  return out;
}

std::size_t Http1Parser::feed_line(std::string_view bytes) {
  const std::size_t end = bytes.find('\n');
  const std::size_t used = end == std::string_view::npos ? bytes.size() : end + 1;
  // No line may be longer than a head: take no more than shows that it is.
  const std::size_t room =
      limits_.header_bytes_max + 1 - std::min(line_.size(), limits_.header_bytes_max);
  line_.append(bytes.substr(0, std::min(used, room)));
  check_line_length();
  if (state_ == State::kRefused || end == std::string_view::npos) return used;
  if (line_.size() < 2 || line_[line_.size() - 2] != '\r') {
    refuse(400, "bare_lf", "a line must end in CRLF");
    return used;
  }
  const std::string line = std::exchange(line_, {});
  if (state_ == State::kHead) head_bytes_ += line.size();
  on_line(std::string_view(line).substr(0, line.size() - 2));
  return used;
}

void Http1Parser::check_line_length() {
  if (part_ == Part::kRequestLine || part_ == Part::kField) {
    if (head_bytes_ + line_.size() <= limits_.header_bytes_max) return;
    if (part_ == Part::kRequestLine) {
      refuse(414, "target_too_long", "the request line is longer than this server reads");
    } else {
      refuse(431, "headers_too_long", "the header fields are longer than this server reads");
    }
    return;
  }
  if (part_ == Part::kChunkSize && line_.size() > kChunkSizeDigitsMax + 2) {
    refuse(400, "chunk_size", kChunkSizeText);
  } else if (part_ == Part::kChunkEnd && line_.size() > 2) {
    refuse(400, "chunk_end", "chunk data must be followed by CRLF");
  } else if (part_ == Part::kLastEnd && line_.size() > 2) {
    refuse(400, "trailers", "trailer fields are not accepted");
  }
}

void Http1Parser::on_line(std::string_view line) {
  switch (part_) {
    case Part::kRequestLine: return on_request_line(line);
    case Part::kField: return line.empty() ? on_head_end() : on_field(line);
    case Part::kChunkSize: return on_chunk_size(line);
    case Part::kChunkEnd: part_ = Part::kChunkSize; return;
    case Part::kLastEnd: state_ = State::kDone; return;
    case Part::kFixedBody:
    case Part::kChunkData: return;  // not read by lines
  }
}

void Http1Parser::on_request_line(std::string_view line) {
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) {
    return refuse(400, "request_line", "the request line must be: method, target, version");
  }
  const std::string_view method = line.substr(0, first);
  const std::string_view target = line.substr(first + 1, last - first - 1);
  if (!is_method(method) || method.size() > kMethodBytesMax) {
    return refuse(400, "method", "the method must be at most 32 upper case letters");
  }
  if (target.size() > limits_.target_bytes_max) {
    return refuse(414, "target_too_long", "the request target is longer than this server reads");
  }
  if (!target.starts_with('/')) {
    return refuse(400, "target_form", "the request target must be in origin form: /path?query");
  }
  if (!std::all_of(target.begin(), target.end(), is_target_char)) {
    return refuse(400, "target_character", "the request target holds a character that must not be");
  }
  const std::string_view version = line.substr(last + 1);
  if (version != "HTTP/1.1") {
    if (version.starts_with("HTTP/")) return refuse(505, "version", "this server speaks HTTP/1.1");
    return refuse(400, "request_line", "the request line must be: method, target, version");
  }
  const std::size_t question = target.find('?');
  request_.method = method;
  request_.path = target.substr(0, question);
  if (question != std::string_view::npos) request_.query = target.substr(question + 1);
  part_ = Part::kField;
}

void Http1Parser::on_field(std::string_view line) {
  if (line.front() == ' ' || line.front() == '\t') {
    return refuse(400, "folded_header", "a header field must not be continued on another line");
  }
  const std::size_t colon = line.find(':');
  const std::string_view name = line.substr(0, colon);
  if (colon == std::string_view::npos || !is_token(name)) {
    return refuse(400, "header_name", "a header field must be: name, colon, value");
  }
  if (!std::all_of(line.begin(), line.end(), is_value_char)) {
    return refuse(400, "header_value", "a header value holds a character that must not be");
  }
  if (request_.headers.size() >= limits_.headers_max) {
    return refuse(431, "too_many_headers", "there are more header fields than this server reads");
  }
  const std::string lower = to_lower(name);
  const std::string_view value = strip_blanks(line.substr(colon + 1));
  if (must_be_single(lower) && request_.header(lower)) {
    return refuse(400, "repeated_header", "a header field that must be single is repeated");
  }
  if (lower == "connection" || lower == "proxy-connection") {
    if (!is_token_list(value)) {
      return refuse(400, "connection", "the Connection header must be a list of tokens");
    }
    if (list_has(value, "close")) keep_alive_ = false;
  }
  request_.headers.push_back({std::string(name), std::string(value)});
}

void Http1Parser::on_head_end() {
  const auto host = request_.header("host");
  if (!host || host->empty() || !std::all_of(host->begin(), host->end(), is_host_char)) {
    return refuse(400, "host", "there must be one Host header that names a host");
  }
  const auto expect = request_.header("expect");
  if (expect && to_lower(*expect) != "100-continue") {
    return refuse(417, "expect", "the only expectation that this server meets is 100-continue");
  }
  const auto length = request_.header("content-length");
  const auto coding = request_.header("transfer-encoding");
  if (length && coding) {
    return refuse(400, "two_lengths", "Content-Length and Transfer-Encoding exclude each other");
  }
  state_ = State::kBody;
  if (coding) {
    if (*coding != "chunked") {
      return refuse(501, "transfer_encoding", "the only transfer coding read here is chunked");
    }
    part_ = Part::kChunkSize;
  } else if (length) {
    if (length->empty() || length->find_first_not_of("0123456789") != std::string_view::npos) {
      return refuse(400, "content_length", "Content-Length must be digits");
    }
    const auto size = parse_u64(*length);
    if (!size || *size > limits_.body_bytes_max) return refuse_body_size();
    part_ = Part::kFixedBody;
    body_left_ = static_cast<std::size_t>(*size);
    request_.body.reserve(std::min(body_left_, kBodyReserveMax));
  }
  if (!coding && body_left_ == 0) {
    state_ = State::kDone;
  } else {
    expects_continue_ = expect.has_value();
  }
}

std::size_t Http1Parser::feed_body(std::string_view bytes) {
  const std::size_t used = std::min(bytes.size(), body_left_);
  request_.body.append(bytes.substr(0, used));
  body_left_ -= used;
  if (body_left_ > 0) return used;
  if (part_ == Part::kFixedBody) {
    state_ = State::kDone;
  } else {
    part_ = Part::kChunkEnd;
  }
  return used;
}

void Http1Parser::on_chunk_size(std::string_view line) {
  std::size_t size = 0;
  bool valid = !line.empty();
  for (const char c : line) {
    const int digit = hex_digit(c);
    valid = valid && digit >= 0;
    size = size * 16 + static_cast<std::size_t>(std::max(digit, 0));
  }
  if (!valid) return refuse(400, "chunk_size", kChunkSizeText);
  if (size > limits_.body_bytes_max - request_.body.size()) return refuse_body_size();
  body_left_ = size;
  part_ = size == 0 ? Part::kLastEnd : Part::kChunkData;
}

void Http1Parser::refuse_body_size() {
  refuse(413, "body_too_large", "the request body is larger than this server reads");
}

void Http1Parser::refuse(int status, std::string_view reason, std::string_view message) {
  state_ = State::kRefused;
  keep_alive_ = false;
  expects_continue_ = false;
  refusal_ = {status, reason, message};
  request_ = Request{};
  line_.clear();
}

}  // namespace apm::http
