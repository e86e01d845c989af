#include <algorithm>
#include <array>

#include "base/text.h"
#include "policy/claims.h"
#include "policy/limits.h"

namespace apm::policy {
namespace {

Error wrong(const std::string& place, std::string_view what, const char* reason = "policy_syntax") {
  return Error(Code::kInvalidArgument, reason,
               concat(place.empty() ? "the policy" : place, ": ", what));
}

std::optional<std::string> scalar(const json::Value& value) {
  if (const std::string* text = value.as_string()) return *text;
  if (const bool* flag = value.as_bool()) return *flag ? "true" : "false";
  if (const json::Number* number = value.as_number()) return number->text;
  return std::nullopt;
}

std::optional<Operator> operator_of(std::string_view name) {
  constexpr std::array kAll{Operator::kEquals,
                            Operator::kNotEquals,
                            Operator::kIn,
                            Operator::kLess,
                            Operator::kLessOrEquals,
                            Operator::kGreater,
                            Operator::kGreaterOrEquals,
                            Operator::kExists};
  for (const Operator op : kAll) {
    if (operator_name(op) == name) return op;
  }
  return std::nullopt;
}

bool is_order(Operator op) {
  return op == Operator::kLess || op == Operator::kLessOrEquals || op == Operator::kGreater ||
         op == Operator::kGreaterOrEquals;
}

bool is_whole(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos &&
         (text.size() == 1 || text[0] != '0');
}

class Parser {
 public:
  explicit Parser(Grammar grammar, IsClaim is_claim = {})
      : grammar_(grammar), is_claim_(std::move(is_claim)) {}

  Result<ReleasePolicy> policy(const json::Value& document) {
    const json::Object* object = document.as_object();
    if (object == nullptr) return wrong("", "must be an object");
    ReleasePolicy out;
    APM_TRY(const Group group, group_of(*object, "", {"version"}));
    const std::string* version = document.string_at("version");
    if (version == nullptr || *version != "1.0.0") return wrong("version", "must be \"1.0.0\"");
    out.version = *version;
    out.kind = group.kind;
    for (std::size_t i = 0; i < group.list->size(); ++i) {
      APM_TRY(Authority one, authority((*group.list)[i], concat(group.place, "[", i, "]")));
      out.authorities.push_back(std::move(one));
    }
    return out;
  }

  Result<Condition> condition(const json::Value& value, const std::string& place,
                              std::size_t depth) {
    if (depth > kConditionDepthMax) return wrong(place, "is nested too deeply");
    if (++count_ > kConditionsMax) return wrong(place, "is one condition too many");
    const json::Object* object = value.as_object();
    if (object == nullptr) return wrong(place, "must be an object");
    if (object->find("claim") != nullptr) return claim(*object, place);
    APM_TRY(const Group group, group_of(*object, place, {}));
    return children(group, depth);
  }

 private:
  struct Group {
    Condition::Kind kind = Condition::Kind::kAllOf;
    const json::Array* list = nullptr;
    std::string place;
  };

  // The one anyOf or allOf of `object`, which else holds `others` only.
  static Result<Group> group_of(const json::Object& object, const std::string& place,
                                std::initializer_list<std::string_view> others) {
    Group out;
    for (const auto& [name, value] : object) {
      if (std::find(others.begin(), others.end(), name) != others.end()) continue;
      if (name != "anyOf" && name != "allOf") {
        return wrong(place, concat("\"", name, "\" is not known here"));
      }
      if (out.list != nullptr) return wrong(place, "has anyOf and allOf: nest one in the other");
      out.kind = name == "anyOf" ? Condition::Kind::kAnyOf : Condition::Kind::kAllOf;
      out.list = value.as_array();
      out.place = place.empty() ? name : concat(place, ".", name);
      if (out.list == nullptr || out.list->empty()) {
        return wrong(out.place, "must be a list with something in it");
      }
    }
    if (out.list == nullptr) return wrong(place, "needs anyOf or allOf");
    return out;
  }

  Result<Condition> children(const Group& group, std::size_t depth) {
    Condition out;
    out.kind = group.kind;
    for (std::size_t i = 0; i < group.list->size(); ++i) {
      APM_TRY(Condition one,
              condition((*group.list)[i], concat(group.place, "[", i, "]"), depth + 1));
      out.children.push_back(std::move(one));
    }
    return out;
  }

  Result<Authority> authority(const json::Value& value, const std::string& place) {
    const json::Object* object = value.as_object();
    if (object == nullptr) return wrong(place, "must be an object");
    const std::string* url = value.string_at("authority");
    if (url == nullptr || !url->starts_with("https://") || url->size() == 8) {
      return wrong(place, "\"authority\" must be an https URL");
    }
    APM_TRY(const Group group, group_of(*object, place, {"authority"}));
    APM_TRY(Condition conditions, children(group, 1));
    Authority out{*url, std::move(conditions)};
    if (out.url.ends_with('/')) out.url.pop_back();
    return out;
  }

  Result<Condition> claim(const json::Object& object, const std::string& place) const {
    Condition out;
    out.kind = Condition::Kind::kClaim;
    out.place = place;
    const json::Value* expected = nullptr;
    for (const auto& [name, value] : object) {
      if (name == "claim") {
        APM_CHECK_OK(read_path(out, value, place));
        continue;
      }
      const auto op = operator_of(name);
      if (!op) return wrong(place, concat("\"", name, "\" is not an operator"));
      if (grammar_ == Grammar::kAzureKeyVault && *op != Operator::kEquals) {
        return wrong(place, concat("Key Vault implements \"equals\" alone, not \"", name, "\""));
      }
      if (expected != nullptr) return wrong(place, "has two operators");
      out.op = *op;
      expected = &value;
    }
    if (expected == nullptr) return wrong(place, "has no operator");
    if (is_claim_ && !is_claim_(out.claim)) {
      return wrong(place, concat("there is no claim \"", out.claim, "\""), "policy_claim_unknown");
    }
    APM_CHECK_OK(read_expected(out, *expected, place));
    return out;
  }

  static Status read_path(Condition& out, const json::Value& value, const std::string& place) {
    const std::string* path = value.as_string();
    if (path == nullptr || path->size() > kClaimPathBytesMax) {
      return wrong(place, "\"claim\" must be a dotted name");
    }
    for (const std::string_view segment : split(*path, '.')) {
      if (segment.empty()) return wrong(place, "\"claim\" has an empty part");
    }
    out.claim = *path;
    return {};
  }

  static Status read_expected(Condition& out, const json::Value& value, const std::string& place) {
    const std::string name(operator_name(out.op));
    if (out.op == Operator::kExists) {
      if (value.as_bool() == nullptr) return wrong(place, "\"exists\" must be true or false");
      out.expected = {*value.as_bool() ? "true" : "false"};
      return {};
    }
    const json::Array single{value};
    const json::Array* values = out.op == Operator::kIn ? value.as_array() : &single;
    if (values == nullptr || values->empty() || values->size() > kExpectedValuesMax) {
      return wrong(place, "\"in\" must be a list of 1 to 256 values");
    }
    for (const json::Value& one : *values) {
      const auto text = scalar(one);
      if (!text) return wrong(place, concat("\"", name, "\" compares strings, numbers, booleans"));
      if (is_order(out.op) && !is_whole(*text)) {
        return wrong(place, concat("\"", name, "\" compares whole numbers"));
      }
      out.expected.push_back(*text);
    }
    return {};
  }

  Grammar grammar_;
  IsClaim is_claim_;
  std::size_t count_ = 0;
};

}  // namespace

Result<ReleasePolicy> parse_release_policy(const json::Value& document, Grammar grammar) {
  return Parser(grammar).policy(document);
}

Result<Condition> parse_condition(const json::Value& document, Grammar grammar, IsClaim is_claim) {
  return Parser(grammar, std::move(is_claim)).condition(document, "", 1);
}

}  // namespace apm::policy
