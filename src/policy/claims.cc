#include "policy/claims.h"

#include <algorithm>

#include "base/text.h"

namespace apm::policy {
namespace {

// A scalar as the text that is compared.
std::optional<std::string> canonical(const json::Value& value) {
  if (const std::string* text = value.as_string()) return *text;
  if (const bool* flag = value.as_bool()) return *flag ? "true" : "false";
  if (const json::Number* number = value.as_number()) return number->text;
  return std::nullopt;
}

const json::Value* walk(const json::Value& claims, std::string_view path) {
  const json::Value* at = &claims;
  for (const std::string_view segment : split(path, '.')) {
    at = at->at(segment);
    if (at == nullptr) return nullptr;
  }
  return at;
}

struct Whole {
  bool negative = false;
  std::string_view digits;
};

std::optional<Whole> whole_of(std::string_view text) {
  Whole out;
  if (text.starts_with('-')) {
    out.negative = true;
    text.remove_prefix(1);
  }
  if (text.empty() || text.find_first_not_of("0123456789") != std::string_view::npos) return {};
  if (text.size() > 1 && text[0] == '0') return {};
  out.negative = out.negative && text != "0";
  out.digits = text;
  return out;
}

// Negative, zero or positive, as a is less than, equal to or greater than b.
int compare(const Whole& a, const Whole& b) {
  if (a.negative != b.negative) return a.negative ? -1 : 1;
  int size = a.digits.compare(b.digits);
  if (a.digits.size() != b.digits.size()) size = a.digits.size() < b.digits.size() ? -1 : 1;
  return a.negative ? -size : size;
}

bool in_order(Operator op, const std::string& found, const std::string& expected) {
  const auto left = whole_of(found);
  const auto right = whole_of(expected);
  if (!left || !right) return false;
  const int order = compare(*left, *right);
  if (op == Operator::kLess) return order < 0;
  if (op == Operator::kLessOrEquals) return order <= 0;
  if (op == Operator::kGreater) return order > 0;
  return op == Operator::kGreaterOrEquals && order >= 0;
}

bool holds(Operator op, const std::string& found, const std::vector<std::string>& expected) {
  const bool among = std::find(expected.begin(), expected.end(), found) != expected.end();
  switch (op) {
    case Operator::kEquals:
    case Operator::kIn: return among;
    case Operator::kNotEquals: return !among;
    case Operator::kLess:
    case Operator::kLessOrEquals:
    case Operator::kGreater:
    case Operator::kGreaterOrEquals: return in_order(op, found, expected.front());
    case Operator::kExists: break;  // answered by the caller, who knows whether there is a value
  }
  return false;
}

RuleResult test_claim(const Condition& condition, const json::Value& claims) {
  RuleResult out{.claim = condition.claim,
                 .op = condition.op,
                 .expected = condition.expected,
                 .found = {},
                 .passed = false,
                 .place = condition.place,
                 .excused = false};
  const json::Value* value = walk(claims, condition.claim);
  const bool present = value != nullptr && !value->is_null();
  if (present) out.found = canonical(*value);
  if (condition.op == Operator::kExists) {
    out.passed = present == (condition.expected.front() == "true");
  } else {
    out.passed = out.found && holds(condition.op, *out.found, condition.expected);
  }
  return out;
}

// What failed within a condition that holds all the same.
void excuse(std::vector<RuleResult>& rules, std::size_t from) {
  for (std::size_t i = from; i < rules.size(); ++i) rules[i].excused = !rules[i].passed;
}

// Every rule is tested, also behind one that decided: the reader wants all reasons at once.
bool test(const Condition& condition, const json::Value& claims, std::vector<RuleResult>& rules) {
  if (condition.kind == Condition::Kind::kClaim) {
    rules.push_back(test_claim(condition, claims));
    return rules.back().passed;
  }
  const std::size_t first = rules.size();
  bool all = !condition.children.empty();  // an empty list, which no parser of ours makes, fails
  bool any = false;
  for (const Condition& child : condition.children) {
    const bool passed = test(child, claims, rules);
    all = all && passed;
    any = any || passed;
  }
  const bool passed = condition.kind == Condition::Kind::kAllOf ? all : any;
  if (passed) excuse(rules, first);
  return passed;
}

std::string_view without_slash(std::string_view url) {
  if (url.ends_with('/')) url.remove_suffix(1);
  return url;
}

}  // namespace

std::string_view operator_name(Operator op) {
  switch (op) {
    case Operator::kEquals: return "equals";
    case Operator::kNotEquals: return "notEquals";
    case Operator::kIn: return "in";
    case Operator::kLess: return "less";
    case Operator::kLessOrEquals: return "lessOrEquals";
    case Operator::kGreater: return "greater";
    case Operator::kGreaterOrEquals: return "greaterOrEquals";
    case Operator::kExists: return "exists";
  }
  return "";
}

std::string describe(const RuleResult& rule) {
  std::string expected;
  for (const std::string& one : rule.expected) {
    expected += concat(expected.empty() ? "" : ", ", "\"", one, "\"");
  }
  return concat("claim \"", rule.claim, "\": ", operator_name(rule.op), " ", expected, ", found ",
                rule.found ? concat("\"", *rule.found, "\"") : "no single value",
                rule.passed ? ": passed" : ": failed");
}

const RuleResult* Verdict::decisive() const {
  const auto refuses = [](const RuleResult& rule) { return !rule.passed && !rule.excused; };
  const auto found = std::ranges::find_if(rules, refuses);
  return found == rules.end() ? nullptr : &*found;
}

Verdict evaluate(const Condition& condition, const json::Value& claims) {
  Verdict out;
  out.passed = test(condition, claims, out.rules);
  return out;
}

Verdict evaluate(const ReleasePolicy& policy, std::string_view issuer, const json::Value& claims) {
  Verdict out;
  const std::string from(without_slash(issuer));
  bool all = !policy.authorities.empty();
  bool any = false;
  for (const Authority& authority : policy.authorities) {
    const bool known = !from.empty() && authority.url == from;
    out.rules.push_back({.claim = "iss",
                         .op = Operator::kEquals,
                         .expected = {authority.url},
                         .found = from,
                         .passed = known,
                         .place = "",
                         .excused = false});
    const bool passed = known && test(authority.conditions, claims, out.rules);
    all = all && passed;
    any = any || passed;
  }
  out.passed = policy.kind == Condition::Kind::kAllOf ? all : any;
  if (out.passed) excuse(out.rules, 0);
  return out;
}

}  // namespace apm::policy
