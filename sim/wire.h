#pragma once

// Requests and answers of the simulated services as values, and the small pieces that all of them
// need: query decoding, JSON answers, Azure's error bodies. Pure; any thread.

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"

namespace apm::sim {

struct HttpRequest {
  std::string service;  // "imds", "maa", "akv", "entra" or "control"
  std::string method;
  std::string target;                          // as received
  std::string path;                            // without the query, as received
  std::vector<std::string> segments;           // decoded, empty ones left out
  std::map<std::string, std::string> query;    // decoded
  std::map<std::string, std::string> headers;  // lower-case names
  std::string body;
  std::string fault;  // a fault that the service itself must act out; usually empty

  [[nodiscard]] std::string header(const std::string& lower_name) const;
  [[nodiscard]] std::string parameter(const std::string& name) const;
};

struct HttpResponse {
  int status = 200;
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string content_type = "application/json; charset=utf-8";
};

// Another letter or digit in the middle: still text of the same alphabet and length.
void change_in_the_middle(std::string& text);

// Fills path, segments and query from target.
void split_target(HttpRequest& request);
[[nodiscard]] std::string percent_decode(std::string_view text, bool plus_is_space);
[[nodiscard]] std::map<std::string, std::string> parse_form(std::string_view text);

[[nodiscard]] HttpResponse json_response(int status, const json::Value& body);
// {"error":{"code","message"[,"innererror":{"code"}]}}
[[nodiscard]] HttpResponse azure_error(int status, std::string_view code, std::string_view message,
                                       std::string_view inner = {});

// The member at a path of names, or nullptr.
[[nodiscard]] const json::Value* walk(const json::Value& from,
                                      std::initializer_list<std::string_view> names);

}  // namespace apm::sim
