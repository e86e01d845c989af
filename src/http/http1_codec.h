#pragma once

// A strict HTTP/1.1 request parser (RFC 9110, RFC 9112) that does no input or output: bytes in,
// one complete Request or one refusal out. Whatever two servers could read in two ways is refused:
//   - a version other than HTTP/1.1 (505); a target that is not in origin form ("/..."),
//   - line ends other than CRLF, control characters, obs-fold, obs-text, space before the colon,
//   - not exactly one Host; a repeated header of those that must be single (see the table in the
//     source); Content-Length together with Transfer-Encoding; a Content-Length that is not digits,
//   - a Transfer-Encoding other than exactly "chunked" (501); chunk extensions and trailers.
// The outcome does not depend on how the bytes are cut into pieces. Not thread-safe.

#include <cstdint>
#include <string>
#include <string_view>

#include "http/limits.h"
#include "http/message.h"

namespace apm::http {

struct Refusal {
  int status = 400;
  std::string_view reason;   // stable snake_case word, for logs and tests
  std::string_view message;  // for the client
};

class Http1Parser {
 public:
  enum class State {
    kIdle,     // no byte of the next request has come
    kHead,     // in the request line or the header fields
    kBody,     // the head is complete and accepted, the body is not
    kDone,     // take() the request
    kRefused,  // see refusal(); the connection cannot go on
  };

  explicit Http1Parser(const CodecLimits& limits) : limits_(limits) {}

  // Reads on, at most to the end of one request. Returns how many bytes were used: the rest belongs
  // to the next request. Uses nothing when kDone or kRefused.
  std::size_t feed(std::string_view bytes);

  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] const Refusal& refusal() const { return refusal_; }
  // In kBody and kDone: the client waits for "100 Continue"; whether it wants the connection kept.
  [[nodiscard]] bool expects_continue() const { return expects_continue_; }
  [[nodiscard]] bool keep_alive() const { return keep_alive_; }
  // Only in kDone: hands the request out and goes back to kIdle.
  [[nodiscard]] Request take();

 private:
  enum class Part { kRequestLine, kField, kFixedBody, kChunkSize, kChunkData, kChunkEnd, kLastEnd };

  std::size_t feed_line(std::string_view bytes);
  std::size_t feed_body(std::string_view bytes);
  void on_line(std::string_view line);  // without CRLF
  void on_request_line(std::string_view line);
  void on_field(std::string_view line);
  void on_head_end();
  void on_chunk_size(std::string_view line);
  void check_line_length();
  void refuse(int status, std::string_view reason, std::string_view message);
  void refuse_body_size();

  CodecLimits limits_;
  State state_ = State::kIdle;
  Part part_ = Part::kRequestLine;
  std::string line_;            // the incomplete line
  std::size_t head_bytes_ = 0;  // of the complete lines of this head
  std::size_t body_left_ = 0;   // of the fixed body or of this chunk
  bool expects_continue_ = false;
  bool keep_alive_ = true;
  Request request_;
  Refusal refusal_;
};

}  // namespace apm::http
