#pragma once

// What a set of policies says about a path. Pure: no clock, no store, no caller.
//
// For one path the most specific matching pattern decides: an exact path beats every pattern; among
// patterns, lower priority has the one whose first '+' or '*' comes earlier, then the one ending in
// '*', then the one with more '+', then the shorter, then the lexicographically smaller. The same
// pattern in several policies is merged: deny wins, capabilities add up, and a parameter list of
// one policy binds the merged rule also where another policy has none (as in Vault). A LIST of "x/"
// is also matched against "x", by the exact path and by each '+' pattern, so that a rule written
// without the slash binds. (Vault tries all patterns without the slash first, so that there a rule
// for "x*" hides the more specific "x/*" from a LIST: we take the most specific one instead.)

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "logical/operation.h"
#include "policy/acl_policy.h"

namespace apm::policy {

struct Decision {
  bool allowed = false;
  bool sudo = false;                           // the rule also grants root-protected paths
  std::vector<std::string> granting_policies;  // those that grant this very operation
  unsigned capabilities = 0;                   // bits of the rule that decided, also of a refusal
  // Why: "root", "granted", "no_rule", "denied_by_rule", "capability_missing",
  // "wrapping_out_of_bounds" or "parameter_refused".
  std::string_view reason;
};

class Acl {
 public:
  // `root` true: everything is allowed.
  Acl(const std::vector<const AclPolicy*>& policies, bool root);

  // `parameters`: the request's members, for create, update and patch; nullptr otherwise.
  // `wrap_ttl_s`: how long the wrapped answer shall live; 0: it will not be wrapped.
  [[nodiscard]] Decision decide(const std::string& path, logical::Operation operation,
                                const json::Object* parameters, std::uint64_t wrap_ttl_s = 0) const;
  // Sorted words, {"deny"} when nothing is allowed, {"root"} for the root policy.
  [[nodiscard]] std::vector<std::string> capabilities(const std::string& path) const;
  // Whether any rule could allow something at or below `prefix` ("anjuna/").
  [[nodiscard]] bool touches(const std::string& prefix) const;

 private:
  struct Merged {
    PathRule rule;
    std::vector<std::pair<std::string, unsigned>> policies;  // name, and the bits that it gave
  };
  using Rules = std::map<std::string, Merged, std::less<>>;  // by the pattern as written
  static void add(Rules& rules, const PathRule& rule, const std::string& policy);
  [[nodiscard]] const Merged* find(const std::string& path, bool list) const;

  bool root_;
  Rules exact_;
  std::vector<Merged> patterns_;  // highest priority first
};

}  // namespace apm::policy
