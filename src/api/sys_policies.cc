// sys/policies/acl and the older sys/policy.

#include "api/endpoints.h"
#include "base/encoding.h"

namespace apm::api {
namespace {

bool reads(const Call& call) {
  return call.operation == logical::Operation::kRead || call.operation == logical::Operation::kList;
}

json::Array names_of(Core& core) {
  const std::vector<std::string> names = core.policies().names();
  return {names.begin(), names.end()};
}

Result<std::string> read_text(const json::Object& data, std::string_view member) {
  APM_TRY(std::string text, required_text(data, member));
  // Policies hold braces and blanks, so base64 is never mistaken for one.
  const auto decoded = base64_decode(text);
  if (decoded.ok()) return std::string(as_text(*decoded));
  return text;
}

Result<Answer> write(Core& core, Call& call, const std::string& name, std::string_view member) {
  if (call.operation == logical::Operation::kDelete) {
    APM_CHECK_OK(core.policies().erase(name));
    return Answer();
  }
  if (!is_write(call)) return unsupported();
  APM_TRY(const std::string text, read_text(call.data, member));
  APM_CHECK_OK(core.policies().put(name, text));
  Answer answer;
  note_unknown(call, answer, {"policy", "rules", "name"});
  return answer;
}

Result<std::string> text_of(Core& core, const std::string& name) {
  std::optional<std::string> text = core.policies().text(name);
  if (!text) return Error(Code::kNotFound, "policy_absent", "");
  return std::move(*text);
}

}  // namespace

Result<Answer> serve_policies(Core& core, Call& call, const std::string&) {
  if (!reads(call)) return unsupported();
  Answer answer;
  answer.data = json::Object{{"keys", names_of(core)}};
  answer.flatten = true;
  return answer;
}

Result<Answer> serve_policy(Core& core, Call& call, const std::string& rest) {
  if (call.operation != logical::Operation::kRead) return write(core, call, rest, "policy");
  APM_TRY(std::string text, text_of(core, rest));
  Answer answer;
  answer.data = json::Object{{"name", policy::normalise_name(rest)}, {"policy", std::move(text)}};
  answer.flatten = true;
  return answer;
}

Result<Answer> serve_policies_legacy(Core& core, Call& call, const std::string&) {
  if (!reads(call)) return unsupported();
  Answer answer;
  answer.data = json::Object{{"keys", names_of(core)}, {"policies", names_of(core)}};
  answer.flatten = true;
  return answer;
}

Result<Answer> serve_policy_legacy(Core& core, Call& call, const std::string& rest) {
  if (call.operation != logical::Operation::kRead) {
    return write(core, call, rest, call.data.find("policy") != nullptr ? "policy" : "rules");
  }
  APM_TRY(std::string text, text_of(core, rest));
  Answer answer;
  answer.data = json::Object{{"name", policy::normalise_name(rest)}, {"rules", std::move(text)}};
  answer.flatten = true;
  return answer;
}

}  // namespace apm::api
