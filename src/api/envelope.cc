#include "api/envelope.h"

#include "api/status.h"

namespace apm::api {
namespace {

http::Response json_response(int status, const json::Object* body) {
  http::Response response;
  response.status = status;
  response.headers = {{"Cache-Control", "no-store"},
                      {"Content-Type", "application/json"},
                      {"X-Content-Type-Options", "nosniff"}};
  if (body != nullptr) {
    response.body = json::write(*body);
    response.body += '\n';
  }
  return response;
}

json::Value list_or_null(const std::vector<std::string>& texts) {
  if (texts.empty()) return {};
  return json::Array(texts.begin(), texts.end());
}

// Every member is always there; what is unused is null, "", 0 or false.
json::Object envelope(const Call& call, const Answer& answer) {
  json::Object body{{"request_id", call.request_id},
                    {"lease_id", ""},
                    {"renewable", answer.renewable},
                    {"lease_duration", answer.lease_duration_s},
                    {"data", json::Null()},
                    {"wrap_info", json::Null()},
                    {"warnings", list_or_null(answer.warnings)},
                    {"auth", json::Null()},
                    {"mount_type", call.mount_type}};
  if (answer.data) body.set("data", *answer.data);
  if (answer.auth) body.set("auth", *answer.auth);
  if (answer.flatten && answer.data) {
    for (const auto& [name, value] : *answer.data) {
      if (body.find(name) == nullptr) body.set(name, value);
    }
  }
  return body;
}

}  // namespace

bool is_empty_list(const Call& call, const Answer& answer) {
  if (call.operation != logical::Operation::kList || !answer.data) return false;
  const json::Value* keys = answer.data->find("keys");
  return keys != nullptr && keys->as_array() != nullptr && keys->as_array()->empty();
}

http::Response success(const Call& call, const Answer& answer) {
  if (is_empty_list(call, answer)) return failure(Error(Code::kNotFound, "list_empty", ""));
  const bool has_body = answer.data || answer.auth || !answer.warnings.empty();
  const int status = answer.status != 0 ? answer.status : (has_body ? 200 : 204);
  http::Response response;
  if (answer.bare && answer.data) {
    response = json_response(status, &*answer.data);
  } else if (has_body) {
    const json::Object body = envelope(call, answer);
    response = json_response(status, &body);
  } else {
    response = json_response(status, nullptr);
  }
  for (const http::Header& header : answer.headers) response.headers.push_back(header);
  if (call.method == "HEAD") response.body.clear();
  return response;
}

http::Response failure(const Error& error) {
  const std::vector<std::string> texts = public_texts(error);
  json::Object body{{"errors", json::Array(texts.begin(), texts.end())}};
  const std::string reason = public_reason(error);
  if (!reason.empty()) body.set("reason", reason);
  http::Response response = json_response(http_status(error.code), &body);
  const int seconds = retry_after_s(error);
  if (seconds > 0) response.headers.push_back({"Retry-After", std::to_string(seconds)});
  return response;
}

}  // namespace apm::api
