#include "policy/acl.h"

#include <algorithm>

#include "base/text.h"
#include "policy/parameters.h"

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

// The lesser of two bounds, of which 0 is none.
void lower(std::uint64_t& into, std::uint64_t other) {
  if (other != 0 && (into == 0 || other < into)) into = other;
}

bool wrapping_passes(const PathRule& rule, std::uint64_t wrap_ttl_s) {
  if (rule.min_wrapping_ttl_s == 0 && rule.max_wrapping_ttl_s == 0) return true;
  if (wrap_ttl_s == 0 || wrap_ttl_s < rule.min_wrapping_ttl_s) return false;
  return rule.max_wrapping_ttl_s == 0 || wrap_ttl_s <= rule.max_wrapping_ttl_s;
}

}  // namespace

Acl::Acl(const std::vector<const AclPolicy*>& policies, bool root) : root_(root) {
  Rules patterns;
  for (const AclPolicy* policy : policies) {
    for (const PathRule& rule : policy->rules) {
      add(rule.is_prefix || rule.has_segment_wildcard ? patterns : exact_, rule, policy->name);
    }
  }
  patterns_.reserve(patterns.size());
  for (auto& one : patterns) patterns_.push_back(std::move(one.second));
  std::sort(patterns_.begin(), patterns_.end(),
            [](const Merged& a, const Merged& b) { return more_specific(a.rule, b.rule); });
}

void Acl::add(Rules& rules, const PathRule& rule, const std::string& policy) {
  const std::pair<std::string, unsigned> giver{policy, rule.capabilities};
  const auto [at, added] = rules.try_emplace(written(rule), Merged{rule, {giver}});
  PathRule& present = at->second.rule;
  if (added || denies(present)) return;
  if (denies(rule)) {
    at->second = Merged{rule, {giver}};
    return;
  }
  present.capabilities |= rule.capabilities;
  unite(present.allowed, rule.allowed);
  unite(present.denied, rule.denied);
  present.required.insert(rule.required.begin(), rule.required.end());
  lower(present.min_wrapping_ttl_s, rule.min_wrapping_ttl_s);
  lower(present.max_wrapping_ttl_s, rule.max_wrapping_ttl_s);
  at->second.policies.push_back(giver);
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

Decision Acl::decide(const std::string& path, Operation operation, const json::Object* parameters,
                     std::uint64_t wrap_ttl_s) const {
  if (root_) return {true, true, {std::string(kRootPolicy)}, 0, "root"};
  const Merged* found = find(path, operation == Operation::kList);
  if (found == nullptr) return {false, false, {}, 0, "no_rule"};
  const PathRule& rule = found->rule;
  const auto refuse = [&rule](std::string_view reason) {
    return Decision{false, false, {}, rule.capabilities, reason};
  };
  const unsigned needed = needed_for(operation);
  if (denies(rule)) return refuse("denied_by_rule");
  if ((rule.capabilities & needed) == 0) return refuse("capability_missing");
  if (!wrapping_passes(rule, wrap_ttl_s)) return refuse("wrapping_out_of_bounds");
  if (parameters != nullptr && !parameters_pass(rule, *parameters)) {
    return refuse("parameter_refused");
  }
  Decision out{
      true, (rule.capabilities & bit(Capability::kSudo)) != 0, {}, rule.capabilities, "granted"};
  for (const auto& [name, bits] : found->policies) {
    if ((bits & needed) != 0) out.granting_policies.push_back(name);
  }
  return out;
}

std::vector<std::string> Acl::capabilities(const std::string& path) const {
  if (root_) return {"root"};
  const Merged* found = find(path, true);
  if (found == nullptr || denies(found->rule) || found->rule.capabilities == 0) return {"deny"};
  std::vector<std::string> out;
  for (const auto& [capability, word] : {std::pair{Capability::kCreate, "create"},
                                         {Capability::kDelete, "delete"},
                                         {Capability::kList, "list"},
                                         {Capability::kPatch, "patch"},
                                         {Capability::kRead, "read"},
                                         {Capability::kSudo, "sudo"},
                                         {Capability::kUpdate, "update"}}) {
    if ((found->rule.capabilities & bit(capability)) != 0) out.emplace_back(word);
  }
  return out;
}

bool Acl::touches(const std::string& prefix) const {
  if (root_) return true;
  const auto near = [&prefix](const PathRule& rule) {
    if (denies(rule) || rule.capabilities == 0) return false;
    const std::string fixed = written(rule).substr(0, first_wildcard(written(rule)));
    const bool open = fixed.size() < written(rule).size();
    return fixed.starts_with(prefix) || (open && prefix.starts_with(fixed)) ||
           fixed + "/" == prefix;
  };
  return std::any_of(exact_.begin(), exact_.end(),
                     [&near](const auto& one) { return near(one.second.rule); }) ||
         std::any_of(patterns_.begin(), patterns_.end(),
                     [&near](const Merged& one) { return near(one.rule); });
}

}  // namespace apm::policy
