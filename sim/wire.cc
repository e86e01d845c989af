#include "sim/wire.h"

#include "base/encoding.h"
#include "base/text.h"

namespace apm::sim {

std::string HttpRequest::header(const std::string& lower_name) const {
  const auto found = headers.find(lower_name);
  return found == headers.end() ? std::string() : found->second;
}

std::string HttpRequest::parameter(const std::string& name) const {
  const auto found = query.find(name);
  return found == query.end() ? std::string() : found->second;
}

std::string percent_decode(std::string_view text, bool plus_is_space) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_space) {
      out += ' ';
      continue;
    }
    if (text[i] == '%' && i + 2 < text.size()) {
      if (const auto byte = hex_decode(text.substr(i + 1, 2)); byte.ok()) {
        out += as_text(*byte);
        i += 2;
        continue;
      }
    }
    out += text[i];
  }
  return out;
}

std::map<std::string, std::string> parse_form(std::string_view text) {
  std::map<std::string, std::string> out;
  for (const std::string_view part : split(text, '&')) {
    if (part.empty()) continue;
    const std::size_t equals = part.find('=');
    const std::string_view value =
        equals == std::string_view::npos ? std::string_view() : part.substr(equals + 1);
    out[percent_decode(part.substr(0, equals), true)] = percent_decode(value, true);
  }
  return out;
}

void change_in_the_middle(std::string& text) {
  if (text.empty()) return;
  char& one = text[text.size() / 2];
  one = one == 'A' ? 'B' : 'A';
}

void split_target(HttpRequest& request) {
  const std::string_view target = request.target;
  const std::size_t mark = target.find('?');
  request.path = std::string(target.substr(0, mark));
  request.segments.clear();
  for (const std::string_view part : split(request.path, '/')) {
    if (!part.empty()) request.segments.push_back(percent_decode(part, false));
  }
  request.query.clear();
  if (mark != std::string_view::npos) request.query = parse_form(target.substr(mark + 1));
}

HttpResponse json_response(int status, const json::Value& body) {
  HttpResponse out;
  out.status = status;
  out.body = json::write(body);
  return out;
}

HttpResponse azure_error(int status, std::string_view code, std::string_view message,
                         std::string_view inner) {
  json::Object error{{"code", code}, {"message", message}};
  if (!inner.empty()) error.set("innererror", json::Object{{"code", inner}});
  return json_response(status, json::Object{{"error", std::move(error)}});
}

const json::Value* walk(const json::Value& from, std::initializer_list<std::string_view> names) {
  const json::Value* at = &from;
  for (const std::string_view name : names) {
    if (at == nullptr) return nullptr;
    at = at->at(name);
  }
  return at;
}

}  // namespace apm::sim
