#include "azure/answer.h"

#include "azure/limits.h"
#include "base/text.h"

namespace apm::azure {
namespace {

std::string shorten(const std::string& text) {
  std::string out = text.substr(0, kQuotedTextMax);
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  if (text.size() > kQuotedTextMax) out += "...";
  return out;
}

std::string text_at(const json::Value& object, std::string_view a, std::string_view b) {
  if (const std::string* text = object.string_at(a)) return shorten(*text);
  if (const std::string* text = object.string_at(b)) return shorten(*text);
  return {};
}

}  // namespace

AzureError read_azure_error(const std::string& body) {
  AzureError out;
  const auto parsed = json::parse(body, {.bytes_max = kAnswerBytesMax});
  if (!parsed.ok()) {
    out.message = shorten(body);
    return out;
  }
  const json::Value* error = parsed->at("error");
  if (error == nullptr) error = parsed->at("Error");
  if (error == nullptr) return out;
  if (const std::string* oauth = error->as_string()) {
    out.code = shorten(*oauth);
    out.message = text_at(*parsed, "error_description", "message");
    return out;
  }
  out.code = text_at(*error, "code", "Code");
  out.message = text_at(*error, "message", "Message");
  if (const json::Value* inner = error->at("innererror"))
    out.inner = text_at(*inner, "code", "Code");
  return out;
}

std::string describe_answer(std::string_view call, int status, const AzureError& error) {
  std::string out = concat(call, ": HTTP ", status);
  if (!error.code.empty()) out += " " + error.code;
  if (!error.inner.empty()) out += "/" + error.inner;
  if (!error.message.empty()) out += ": " + error.message;
  if (!out.ends_with('.')) out += '.';
  return out;
}

Result<json::Value> read_answer(std::string_view call, std::string_view reason,
                                const std::string& body) {
  auto parsed = json::parse(body, {.bytes_max = kAnswerBytesMax});
  if (parsed.ok() && parsed->as_object() != nullptr) return parsed;
  return Error(Code::kUnavailable, std::string(reason),
               concat(call, ": the answer is not a JSON object. Check that the address is the ",
                      "right service and that nothing in between rewrites answers"));
}

}  // namespace apm::azure
