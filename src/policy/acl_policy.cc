#include "policy/acl_policy.h"

#include "base/text.h"
#include "hclconfig/hclconfig.h"
#include "policy/limits.h"

namespace apm::policy {
namespace {

using hclconfig::Body;
using hclconfig::error_at;
using hclconfig::Item;

unsigned bit(Capability capability) { return static_cast<unsigned>(capability); }

// 0 for a word that is no capability.
unsigned capability_bit(std::string_view word) {
  if (word == "deny") return bit(Capability::kDeny);
  if (word == "create") return bit(Capability::kCreate);
  if (word == "read") return bit(Capability::kRead);
  if (word == "update") return bit(Capability::kUpdate);
  if (word == "delete") return bit(Capability::kDelete);
  if (word == "list") return bit(Capability::kList);
  if (word == "patch") return bit(Capability::kPatch);
  if (word == "sudo") return bit(Capability::kSudo);
  return 0;
}

// The old one-word form.
unsigned shorthand_bits(std::string_view word) {
  const unsigned read = bit(Capability::kRead) | bit(Capability::kList);
  const unsigned write = read | bit(Capability::kCreate) | bit(Capability::kUpdate) |
                         bit(Capability::kDelete) | bit(Capability::kPatch);
  if (word == "deny") return bit(Capability::kDeny);
  if (word == "read") return read;
  if (word == "write") return write;
  if (word == "sudo") return write | bit(Capability::kSudo);
  return 0;
}

Result<unsigned> capabilities_of(const Item& item) {
  APM_TRY(const std::vector<std::string> words, hclconfig::strings_of(item));
  unsigned bits = 0;
  for (const std::string& word : words) {
    const unsigned one = capability_bit(word);
    if (one == 0) return error_at(item.value.at, concat("\"", word, "\" is not a capability"));
    bits |= one;
  }
  return bits;
}

Result<json::Value> scalar_of(const hclconfig::Value& value) {
  if (const std::string* text = value.as_string()) return json::Value(*text);
  if (const bool* flag = value.as_bool()) return json::Value(*flag);
  if (const auto* number = value.as_number()) return json::Value(json::Number{number->text});
  return error_at(value.at, "a parameter's values are strings, numbers or booleans");
}

Result<ParameterValues> parameters_of(const Item& item) {
  const Body* body = item.value.as_object();
  if (body == nullptr || !item.labels.empty()) {
    return error_at(item.value.at, concat("\"", item.key, "\" must be a map of lists"));
  }
  ParameterValues out;
  for (const Item& parameter : body->items) {
    const auto* list = parameter.value.as_list();
    if (list == nullptr) return error_at(parameter.value.at, "a parameter's values must be a list");
    const auto [at, added] = out.try_emplace(to_lower(parameter.key));
    if (!added) return error_at(parameter.at, concat("\"", parameter.key, "\" is there twice"));
    std::vector<json::Value>& values = at->second;
    for (const hclconfig::Value& value : *list) {
      APM_TRY(json::Value one, scalar_of(value));
      values.push_back(std::move(one));
    }
  }
  return out;
}

Result<std::uint64_t> duration_of(const Item& item) {
  APM_TRY(const std::string text, hclconfig::string_of(item));
  const auto seconds = parse_duration_s(text);
  if (!seconds) return error_at(item.value.at, concat("\"", item.key, "\" must be a duration"));
  return *seconds;
}

Status read_member(PathRule& rule, const Item& item) {
  if (item.key == "capabilities") {
    APM_TRY(const unsigned bits, capabilities_of(item));
    rule.capabilities |= bits;
  } else if (item.key == "policy") {
    APM_TRY(const std::string word, hclconfig::string_of(item));
    const unsigned bits = shorthand_bits(word);
    if (bits == 0) return error_at(item.value.at, "\"policy\" must be deny, read, write or sudo");
    rule.capabilities |= bits;
  } else if (item.key == "allowed_parameters") {
    APM_TRY(rule.allowed, parameters_of(item));
  } else if (item.key == "denied_parameters") {
    APM_TRY(rule.denied, parameters_of(item));
  } else if (item.key == "required_parameters") {
    APM_TRY(const std::vector<std::string> names, hclconfig::strings_of(item));
    for (const std::string& name : names) rule.required.insert(to_lower(name));
  } else if (item.key == "min_wrapping_ttl") {
    APM_TRY(rule.min_wrapping_ttl_s, duration_of(item));
  } else if (item.key == "max_wrapping_ttl") {
    APM_TRY(rule.max_wrapping_ttl_s, duration_of(item));
  } else if (item.key != "comment") {
    return error_at(item.at, concat("\"", item.key, "\" is not known in a path rule"));
  }
  return {};
}

Status read_pattern(PathRule& rule, const Item& item) {
  std::string_view pattern = item.labels[0];
  if (pattern.starts_with('/')) pattern.remove_prefix(1);
  rule.is_prefix = pattern.ends_with('*');
  if (rule.is_prefix) pattern.remove_suffix(1);
  if (pattern.find('*') != std::string_view::npos) {
    return error_at(item.at, "\"*\" may only be the last character of a path");
  }
  for (const std::string_view segment : split(pattern, '/')) {
    if (segment == "+") rule.has_segment_wildcard = true;
  }
  if (pattern.find("{{") != std::string_view::npos) {
    return error_at(item.at, "templates in a path are not supported: write the path out");
  }
  if (rule.is_prefix && pattern.ends_with('+')) {
    return error_at(item.at, "\"+*\" is not allowed: use \"+/*\" or \"*\"");
  }
  rule.pattern = std::string(pattern);
  return {};
}

Result<PathRule> read_rule(const Item& item) {
  if (item.labels.size() != 1 || item.value.as_object() == nullptr) {
    return error_at(item.at, "a rule is written path \"...\" { ... }");
  }
  PathRule rule;
  APM_CHECK_OK(read_pattern(rule, item));
  const Body& body = *item.value.as_object();
  for (const Item& member : body.items) {
    if (const Item* first = body.find(member.key); first != &member) {
      return error_at(member.at, concat("\"", member.key, "\" was already set at ",
                                        hclconfig::describe(first->at)));
    }
    APM_CHECK_OK(read_member(rule, member));
  }
  if (rule.max_wrapping_ttl_s != 0 && rule.max_wrapping_ttl_s < rule.min_wrapping_ttl_s) {
    return error_at(item.at, "max_wrapping_ttl is less than min_wrapping_ttl");
  }
  if ((rule.capabilities & bit(Capability::kDeny)) != 0) {
    rule.capabilities = bit(Capability::kDeny);
    rule.allowed.clear();
    rule.denied.clear();
    rule.required.clear();
  }
  return rule;
}

}  // namespace

std::string normalise_name(std::string_view name) { return to_lower(trim(name)); }

Result<AclPolicy> parse_acl(std::string_view name, std::string_view text) {
  auto body = hclconfig::parse(text);
  if (!body.ok()) return body.error().within("failed to parse policy");
  AclPolicy policy{normalise_name(name), {}};
  for (const Item& item : body->items) {
    if (item.key == "name" && item.value.as_string() != nullptr) continue;
    if (item.key != "path") {
      return error_at(item.at, concat("\"", item.key, "\" is not known in a policy"))
          .within("failed to parse policy");
    }
    if (policy.rules.size() == kRulesMax) {
      return error_at(item.at, concat("a policy has at most ", kRulesMax, " rules"))
          .within("failed to parse policy");
    }
    auto rule = read_rule(item);
    if (!rule.ok()) return rule.error().within("failed to parse policy");
    policy.rules.push_back(std::move(*rule));
  }
  return policy;
}

std::string_view default_policy_text() {
  return R"(# What every token may do with itself.
path "auth/token/lookup-self" {
  capabilities = ["read"]
}
path "auth/token/renew-self" {
  capabilities = ["update"]
}
path "auth/token/revoke-self" {
  capabilities = ["update"]
}
path "sys/capabilities-self" {
  capabilities = ["update"]
}
path "sys/internal/ui/resultant-acl" {
  capabilities = ["read"]
}
path "cubbyhole/*" {
  capabilities = ["create", "read", "update", "delete", "list"]
}
)";
}

}  // namespace apm::policy
