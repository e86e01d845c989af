#include "client/api_client.h"

#include <cstdlib>

#include "base/text.h"

namespace apm::client {
namespace {

constexpr std::size_t kAnswerBytesMax = 32 << 20;

std::string first_of(const char* ours, const char* vaults) {
  for (const char* name : {ours, vaults}) {
    const char* value = std::getenv(name);
    if (value != nullptr && *value != '\0') return value;
  }
  return "";
}

std::string encoded_path(const std::string& path) {
  std::string out;
  for (const std::string_view segment : split(path, '/')) {
    if (!out.empty() || segment.data() != path.data()) out += '/';
    out += net::url_encode(segment);
  }
  return out;
}

Result<net::HttpClient> connect(const ClientConfig& config) {
  net::HttpClientConfig http;
  http.ca_file = config.ca_file;
  return net::HttpClient::create(std::move(http));
}

}  // namespace

Result<std::string> leader_url(const std::string& from, const net::Response& answer) {
  const std::string* to = answer.header("location");
  const bool secure = to != nullptr && to->starts_with("https://");
  const bool plain = to != nullptr && to->starts_with("http://") && from.starts_with("http://");
  if (secure || plain) return *to;
  return Error(Code::kUnavailable, "redirect",
               concat(from, " answered 307 and names ", to == nullptr ? "no place" : *to,
                      ", where a token must not go; ask the active node itself"));
}

ClientConfig config_from_environment() {
  ClientConfig config;
  config.address = first_of("ANJUNA_ADDR", "VAULT_ADDR");
  if (config.address.empty()) config.address = "https://127.0.0.1:8200";
  config.token = first_of("ANJUNA_TOKEN", "VAULT_TOKEN");
  config.ca_file = first_of("ANJUNA_CACERT", "VAULT_CACERT");
  return config;
}

std::vector<std::string> Answer::errors() const {
  std::vector<std::string> out;
  const json::Value* list = body.at("errors");
  if (list == nullptr || list->as_array() == nullptr) return out;
  for (const json::Value& one : *list->as_array()) {
    if (const std::string* text = one.as_string()) out.push_back(*text);
  }
  return out;
}

Result<Answer> ApiClient::call(const std::string& method, const std::string& path,
                               const json::Object* body, const std::string& query) {
  APM_TRY(net::HttpClient http, connect(config_));
  net::Request request;
  request.method = method;
  std::string base = config_.address;
  while (base.ends_with('/')) base.pop_back();
  request.url = base + "/v1/" + encoded_path(path) + (query.empty() ? "" : "?" + query);
  request.headers.emplace_back("X-Vault-Request", "true");
  if (!config_.token.empty()) request.headers.emplace_back("X-Vault-Token", config_.token);
  if (body != nullptr) {
    request.headers.emplace_back(
        "Content-Type", method == "PATCH" ? "application/merge-patch+json" : "application/json");
    request.body = json::write(*body);
  }
  request.attempt_timeout = config_.timeout;
  request.idempotent = method == "GET" || method == "LIST";
  request.response_bytes_max = kAnswerBytesMax;
  request.what = concat(method, " ", request.url);
  const Deadline deadline = Deadline::after(config_.timeout);
  APM_TRY(net::Response answer, http.send(request, deadline));
  if (answer.status == kTemporaryRedirect && follow_) {
    APM_TRY(request.url, leader_url(request.url, answer));
    request.what = concat(method, " ", request.url);
    APM_TRY(answer, http.send(request, deadline));
  }
  Answer out;
  out.status = answer.status;
  if (!answer.body.empty()) {
    auto parsed = json::parse(answer.body, {.bytes_max = kAnswerBytesMax});
    if (!parsed.ok()) {
      return Error(Code::kUnavailable, "answer_not_json",
                   concat(request.what, ": the answer (status ", answer.status,
                          ") is not JSON; is this address an APM or Vault server?"));
    }
    out.body = std::move(*parsed);
  }
  return out;
}

}  // namespace apm::client
