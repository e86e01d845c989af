#include "policy/acl.h"

#include <algorithm>

#include "base/text.h"

namespace apm::policy {
namespace {

using logical::Operation;

unsigned bit(Capability capability) { return static_cast<unsigned>(capability); }

bool denies(const PathRule& rule) { return (rule.capabilities & bit(Capability::kDeny)) != 0; }

unsigned needed_for(Operation operation) {
  switch (operation) {
    case Operation::kRead: return bit(Capability::kRead);
    case Operation::kList: return bit(Capability::kList);
    case Operation::kCreate: return bit(Capability::kCreate);
    case Operation::kUpdate: return bit(Capability::kUpdate);
    case Operation::kPatch: return bit(Capability::kPatch);
    case Operation::kDelete: return bit(Capability::kDelete);
  }
  return bit(Capability::kDeny);
}

std::string written(const PathRule& rule) { return rule.pattern + (rule.is_prefix ? "*" : ""); }

std::size_t first_wildcard(const std::string& pattern) {
  std::size_t start = 0;
  for (const std::string_view segment : split(pattern, '/')) {
    if (segment == "+") return start;
    if (segment.ends_with('*')) return start + segment.size() - 1;
    start += segment.size() + 1;
  }
  return pattern.size();
}

std::size_t plus_count(const std::string& pattern) {
  const auto segments = split(pattern, '/');
  return static_cast<std::size_t>(std::count(segments.begin(), segments.end(), "+"));
}

// Whether `a` is more specific than `b`.
bool more_specific(const PathRule& a, const PathRule& b) {
  const std::string left = written(a);
  const std::string right = written(b);
  if (const auto x = first_wildcard(left), y = first_wildcard(right); x != y) return x > y;
  if (a.is_prefix != b.is_prefix) return b.is_prefix;
  if (const auto x = plus_count(left), y = plus_count(right); x != y) return x < y;
  if (left.size() != right.size()) return left.size() > right.size();
  return left > right;
}

bool matches(const PathRule& rule, std::string_view path) {
  if (!rule.has_segment_wildcard) return rule.is_prefix && path.starts_with(rule.pattern);
  const auto want = split(rule.pattern, '/');
  const auto have = split(path, '/');
  if (rule.is_prefix ? have.size() < want.size() : have.size() != want.size()) return false;
  for (std::size_t i = 0; i < want.size(); ++i) {
    if (want[i] == "+") continue;
    const bool last_of_prefix = rule.is_prefix && i + 1 == want.size();
    if (last_of_prefix ? !have[i].starts_with(want[i]) : have[i] != want[i]) return false;
  }
  return true;
}

// A policy's value "*" at either end of a string stands for anything there.
bool value_matches(const json::Value& wanted, const json::Value& given) {
  const std::string* pattern = wanted.as_string();
  const std::string* text = given.as_string();
  if (pattern == nullptr || text == nullptr) return wanted == given;
  std::string_view core = *pattern;
  const bool open_start = core.starts_with('*');
  if (open_start) core.remove_prefix(1);
  const bool open_end = core.ends_with('*');
  if (open_end) core.remove_suffix(1);
  if (open_start && open_end) return text->find(core) != std::string::npos;
  if (open_start) return text->ends_with(core);
  if (open_end) return text->starts_with(core);
  return *text == core;
}

bool any_matches(const std::vector<json::Value>& wanted, const json::Value& given) {
  return wanted.empty() || std::any_of(wanted.begin(), wanted.end(), [&given](const json::Value& one) {
           return value_matches(one, given);
         });
}

bool parameters_pass(const PathRule& rule, bool unbounded, const json::Object& parameters) {
  std::set<std::string> names;
  for (const auto& [name, value] : parameters) names.insert(to_lower(name));
  for (const std::string& name : rule.required) {
    if (!names.contains(name)) return false;
  }
  if (rule.denied.contains("*") && !parameters.empty()) return false;
  for (const auto& [name, value] : parameters) {
    const auto denied = rule.denied.find(to_lower(name));
    if (denied != rule.denied.end() && any_matches(denied->second, value)) return false;
    if (unbounded || rule.allowed.empty()) continue;
    auto allowed = rule.allowed.find(to_lower(name));
    if (allowed == rule.allowed.end()) allowed = rule.allowed.find("*");
    if (allowed == rule.allowed.end() || !any_matches(allowed->second, value)) return false;
  }
  return true;
}

// Values of one parameter from two policies; an empty list (any value) swallows the other.
void unite(ParameterValues& into, const ParameterValues& more) {
  for (const auto& [name, values] : more) {
    const auto [at, added] = into.emplace(name, values);
    if (added || at->second.empty()) continue;
    if (values.empty()) {
      at->second.clear();
    } else {
      at->second.insert(at->second.end(), values.begin(), values.end());
    }
  }
}

}  // namespace

Acl::Acl(const std::vector<const AclPolicy*>& policies, bool root) : root_(root) {
  for (const AclPolicy* policy : policies) {
    for (const PathRule& rule : policy->rules) add(rule, policy->name);
  }
  std::sort(patterns_.begin(), patterns_.end(),
            [](const Merged& a, const Merged& b) { return more_specific(a.rule, b.rule); });
}

void Acl::add(const PathRule& rule, const std::string& policy) {
  Merged* present = nullptr;
  if (!rule.is_prefix && !rule.has_segment_wildcard) {
    const auto [at, added] = exact_.emplace(rule.pattern, Merged{rule, rule.allowed.empty(), {policy}});
    if (added) return;
    present = &at->second;
  } else {
    for (Merged& one : patterns_) {
      if (written(one.rule) == written(rule)) present = &one;
    }
    if (present == nullptr) {
      patterns_.push_back(Merged{rule, rule.allowed.empty(), {policy}});
      return;
    }
  }
  if (denies(present->rule)) return;
  if (denies(rule)) {
    *present = Merged{rule, false, {policy}};
    return;
  }
  present->rule.capabilities |= rule.capabilities;
  present->allowed_everything = present->allowed_everything || rule.allowed.empty();
  unite(present->rule.allowed, rule.allowed);
  unite(present->rule.denied, rule.denied);
  present->rule.required.insert(rule.required.begin(), rule.required.end());
  present->policies.push_back(policy);
}

const Acl::Merged* Acl::find(const std::string& path, bool list) const {
  if (const auto found = exact_.find(path); found != exact_.end()) return &found->second;
  if (list && path.ends_with('/')) {
    const auto found = exact_.find(std::string_view(path).substr(0, path.size() - 1));
    if (found != exact_.end()) return &found->second;
  }
  for (const Merged& one : patterns_) {
    if (matches(one.rule, path)) return &one;
    // "+" rules written without the slash bind a LIST too.
    if (list && path.ends_with('/') && one.rule.has_segment_wildcard &&
        matches(one.rule, std::string_view(path).substr(0, path.size() - 1))) {
      return &one;
    }
  }
  return nullptr;
}

Decision Acl::decide(const std::string& path, Operation operation,
                     const json::Object* parameters) const {
  if (root_) return {true, true, {std::string(kRootPolicy)}};
  const Merged* found = find(path, operation == Operation::kList);
  if (found == nullptr || denies(found->rule)) return {};
  if ((found->rule.capabilities & needed_for(operation)) == 0) return {};
  if (parameters != nullptr && !parameters_pass(found->rule, found->allowed_everything, *parameters)) {
    return {};
  }
  return {true, (found->rule.capabilities & bit(Capability::kSudo)) != 0, found->policies};
}

std::vector<std::string> Acl::capabilities(const std::string& path) const {
  if (root_) return {"root"};
  const Merged* found = find(path, path.ends_with('/'));
  if (found == nullptr || denies(found->rule) || found->rule.capabilities == 0) return {"deny"};
  std::vector<std::string> out;
  for (const auto& [capability, word] :
       {std::pair{Capability::kCreate, "create"}, {Capability::kDelete, "delete"},
        {Capability::kList, "list"}, {Capability::kPatch, "patch"}, {Capability::kRead, "read"},
        {Capability::kSudo, "sudo"}, {Capability::kUpdate, "update"}}) {
    if ((found->rule.capabilities & bit(capability)) != 0) out.emplace_back(word);
  }
  return out;
}

bool Acl::touches(const std::string& prefix) const {
  if (root_) return true;
  const auto near = [&prefix](const PathRule& rule) {
    if (denies(rule) || rule.capabilities == 0) return false;
    const std::string fixed = written(rule).substr(0, first_wildcard(written(rule)));
    return fixed.starts_with(prefix) || (fixed.size() < written(rule).size() && prefix.starts_with(fixed)) ||
           fixed + "/" == prefix;
  };
  return std::any_of(exact_.begin(), exact_.end(), [&](const auto& one) { return near(one.second.rule); }) ||
         std::any_of(patterns_.begin(), patterns_.end(), [&](const Merged& one) { return near(one.rule); });
}

}  // namespace apm::policy
