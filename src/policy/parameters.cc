#include "policy/parameters.h"

#include <algorithm>
#include <cstdlib>
#include <optional>

#include "base/text.h"

namespace apm::policy {
namespace {

bool text_matches(std::string_view pattern, std::string_view text) {
  const bool open_start = pattern.starts_with('*');
  if (open_start) pattern.remove_prefix(1);
  const bool open_end = pattern.ends_with('*');
  if (open_end) pattern.remove_suffix(1);
  if (open_start && open_end) return text.find(pattern) != std::string_view::npos;
  if (open_start) return text.ends_with(pattern);
  if (open_end) return text.starts_with(pattern);
  return text == pattern;
}

bool allowed_matches(const json::Value& wanted, const json::Value& given) {
  const std::string* pattern = wanted.as_string();
  const std::string* text = given.as_string();
  return pattern != nullptr && text != nullptr ? text_matches(*pattern, *text) : wanted == given;
}

std::optional<std::string> scalar_text(const json::Value& value) {
  if (const std::string* text = value.as_string()) return *text;
  if (const bool* flag = value.as_bool()) return *flag ? "true" : "false";
  if (const json::Number* number = value.as_number()) return number->text;
  return std::nullopt;
}

// Whether both texts are numbers of the same value.
bool same_number(const std::string& a, const std::string& b) {
  char* end_a = nullptr;
  char* end_b = nullptr;
  const double x = std::strtod(a.c_str(), &end_a);
  const double y = std::strtod(b.c_str(), &end_b);
  return !a.empty() && !b.empty() && *end_a == '\0' && *end_b == '\0' && x <= y && y <= x;
}

bool denied_matches(const json::Value& wanted, const json::Value& given) {
  if (const json::Array* elements = given.as_array()) {
    return std::any_of(elements->begin(), elements->end(),
                       [&wanted](const json::Value& one) { return denied_matches(wanted, one); });
  }
  const auto pattern = scalar_text(wanted);
  const auto text = scalar_text(given);
  if (!pattern || !text) return wanted == given;
  if (wanted.as_number() != nullptr && same_number(*pattern, *text)) return true;
  return wanted.as_string() != nullptr ? text_matches(*pattern, *text) : *pattern == *text;
}

// No wanted value means: every value.
template <class Matches>
bool any_matches(const std::vector<json::Value>& wanted, const json::Value& given,
                 Matches matches) {
  return wanted.empty() || std::any_of(wanted.begin(), wanted.end(),
                                       [&](const json::Value& one) { return matches(one, given); });
}

bool parameter_passes(const PathRule& rule, const std::string& name, const json::Value& value) {
  const auto denied = rule.denied.find(name);
  if (denied != rule.denied.end() && any_matches(denied->second, value, denied_matches)) {
    return false;
  }
  if (rule.allowed.empty()) return true;
  auto allowed = rule.allowed.find(name);
  if (allowed == rule.allowed.end()) allowed = rule.allowed.find("*");
  return allowed != rule.allowed.end() && any_matches(allowed->second, value, allowed_matches);
}

}  // namespace

bool parameters_pass(const PathRule& rule, const json::Object& parameters) {
  std::set<std::string> names;
  for (const auto& [name, value] : parameters) names.insert(to_lower(name));
  for (const std::string& name : rule.required) {
    if (!names.contains(name)) return false;
  }
  if (rule.denied.contains("*") && !parameters.empty()) return false;
  for (const auto& [name, value] : parameters) {
    if (!parameter_passes(rule, to_lower(name), value)) return false;
  }
  return true;
}

}  // namespace apm::policy
