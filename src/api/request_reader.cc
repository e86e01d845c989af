#include "api/request_reader.h"

#include <algorithm>

#include "api/limits.h"
#include "base/text.h"
#include "crypto/random.h"
#include "expiry/limits.h"

namespace apm::api {
namespace {

constexpr std::string_view kRoot = "/v1/";

Error bad_path(const char* reason, const char* message) {
  return Error(Code::kInvalidArgument, reason, message);
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<std::string> percent_decode(std::string_view text, bool plus_is_blank) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_blank) {
      out += ' ';
    } else if (text[i] != '%') {
      out += text[i];
    } else {
      if (i + 2 >= text.size()) return std::nullopt;
      const int high = hex_digit(text[i + 1]);
      const int low = hex_digit(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      out += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  return out;
}

bool printable(std::string_view text) {
  return is_utf8(text) && std::all_of(text.begin(), text.end(), [](char c) {
           return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f;
         });
}

Result<json::Object> read_query(std::string_view query) {
  json::Object parameters;
  if (query.empty()) return parameters;
  const std::vector<std::string_view> parts = split(query, '&');
  if (parts.size() > kQueryParametersMax) {
    return Error(Code::kTooLarge, "query_size", "too many query parameters");
  }
  for (const std::string_view part : parts) {
    if (part.empty()) continue;
    const std::size_t equals = part.find('=');
    const auto name = percent_decode(part.substr(0, equals), true);
    const auto value = percent_decode(
        equals == std::string_view::npos ? std::string_view() : part.substr(equals + 1), true);
    if (!name || !value || !printable(*name) || !is_utf8(*value)) {
      return Error(Code::kInvalidArgument, "query", "the query string is malformed");
    }
    if (parameters.find(*name) != nullptr) {
      return Error(Code::kInvalidArgument, "query", "a query parameter occurs twice");
    }
    parameters.set(*name, *value);
  }
  return parameters;
}

Result<json::Object> read_body(const http::Request& request) {
  if (request.body.size() > kBodyBytesMax) {
    return Error(Code::kTooLarge, "body_size",
                 concat("the request's body is larger than ", kBodyBytesMax, " bytes"));
  }
  if (trim(request.body).empty()) return json::Object();
  json::Limits limits;
  limits.bytes_max = kBodyBytesMax;
  limits.depth_max = kJsonDepthMax;
  limits.values_max = kJsonValuesMax;
  auto value = json::parse(request.body, limits);
  if (!value.ok()) {
    return Error(Code::kInvalidArgument, "invalid_json",
                 "failed to decode JSON input: " + value.error().message);
  }
  if (value->is_null()) return json::Object();
  if (value->as_object() == nullptr) {
    return Error(Code::kInvalidArgument, "invalid_json",
                 "failed to decode JSON input: the body must be a JSON object");
  }
  return std::move(*value->as_object());
}

bool truthy(const json::Value* value) {
  if (value == nullptr || value->as_string() == nullptr) return false;
  const std::string text = to_lower(*value->as_string());
  return text == "true" || text == "1" || text == "t";
}

Status read_parameters(const http::Request& request, Call& call) {
  if (call.method == "GET" || call.method == "HEAD" || call.method == "LIST" ||
      call.method == "DELETE") {
    APM_TRY(call.data, read_query(request.query));
    const bool list = call.method == "GET" && truthy(call.data.find("list"));
    call.data.erase("list");
    if (call.method == "DELETE") {
      call.operation = logical::Operation::kDelete;
    } else {
      call.operation =
          list || call.method == "LIST" ? logical::Operation::kList : logical::Operation::kRead;
    }
    return {};
  }
  if (call.method == "PATCH") {
    const std::string_view type = request.header("Content-Type").value_or("");
    if (trim(type.substr(0, type.find(';'))) != "application/merge-patch+json") {
      return Error(Code::kMediaType, "media_type",
                   "PATCH requires Content-Type application/merge-patch+json");
    }
    call.operation = logical::Operation::kPatch;
  } else if (call.method == "POST" || call.method == "PUT") {
    call.operation = logical::Operation::kUpdate;
  } else {
    return Error(Code::kUnsupported, "method", "unsupported operation");
  }
  APM_TRY(call.data, read_body(request));
  return {};
}

Status read_token(const http::Request& request, Call& call) {
  const std::string_view own = trim(request.header("X-Vault-Token").value_or(""));
  std::string_view bearer = trim(request.header("Authorization").value_or(""));
  constexpr std::string_view kScheme = "bearer ";
  if (to_lower(bearer.substr(0, kScheme.size())) == kScheme) {
    bearer = trim(bearer.substr(kScheme.size()));
  } else {
    bearer = {};
  }
  if (!own.empty() && !bearer.empty() && own != bearer) {
    return Error(Code::kInvalidArgument, "token_ambiguous",
                 "X-Vault-Token and Authorization name different tokens: send one of them");
  }
  call.token = own.empty() ? bearer : own;
  if (call.token.size() > expiry::kTokenBytesMax) {
    return Error(Code::kInvalidArgument, "token_size",
                 concat("a token is at most ", expiry::kTokenBytesMax, " bytes long"));
  }
  return {};
}

}  // namespace

Result<std::string> canonical_path(std::string_view encoded) {
  const auto decoded = percent_decode(encoded, false);
  if (!decoded) return bad_path("path_encoding", "the path's percent-encoding is malformed");
  if (decoded->size() > kPathBytesMax) {
    return bad_path("path_length", "the path is too long");
  }
  if (!printable(*decoded)) {
    return bad_path("path_characters", "path cannot contain non-printable characters");
  }
  std::string_view path = *decoded;
  if (path.ends_with('/')) path.remove_suffix(1);
  const std::vector<std::string_view> segments = split(path, '/');
  if (segments.size() > kPathSegmentsMax) return bad_path("path_depth", "the path is too deep");
  for (const std::string_view segment : segments) {
    if (segment.empty() || segment == "." || segment == "..") {
      return bad_path("path_segments",
                      "the path has an empty segment, \".\" or \"..\": ask for the plain path");
    }
  }
  return *decoded;
}

Result<Call> read_call(const http::Request& request) {
  Call call;
  call.method = request.method;
  call.target = request.path + (request.query.empty() ? "" : "?" + request.query);
  call.request_id = crypto::random_uuid();
  call.remote_address = request.remote_address;
  call.remote_port = request.remote_port;
  if (!request.path.starts_with(kRoot)) {
    return Error(Code::kNotFound, "outside_api", "nothing is served outside /v1/");
  }
  APM_TRY(call.path, canonical_path(std::string_view(request.path).substr(kRoot.size())));
  if (call.path.ends_with('/')) {
    call.trailing_slash = true;
    call.path.pop_back();
  }
  APM_CHECK_OK(read_token(request, call));
  APM_CHECK_OK(read_parameters(request, call));
  const bool is_write =
      call.operation == logical::Operation::kUpdate || call.operation == logical::Operation::kPatch;
  if (call.trailing_slash && is_write) {
    return bad_path("path_slash", "cannot write to a path ending in '/'");
  }
  return call;
}

}  // namespace apm::api
