#pragma once

// What a set of policies says about a path. Pure: no clock, no store, no caller.
//
// For one path the most specific matching pattern decides: an exact path beats every pattern; among
// patterns, lower priority has the one whose first '+' or '*' comes earlier, then the one ending in
// '*', then the one with more '+', then the shorter, then the lexicographically smaller. The same
// pattern in several policies is merged: deny wins, capabilities add up. A LIST of "x/" is also
// matched against the exact path "x", so that a rule written without the slash binds.

#include <map>
#include <string>
#include <vector>

#include "base/json.h"
#include "logical/operation.h"
#include "policy/acl_policy.h"

namespace apm::policy {

struct Decision {
  bool allowed = false;
  bool sudo = false;
  std::vector<std::string> granting_policies;
};

class Acl {
 public:
  // `root` true: everything is allowed.
  Acl(const std::vector<const AclPolicy*>& policies, bool root);

  // `parameters`: the request's members, for create, update and patch; nullptr otherwise.
  [[nodiscard]] Decision decide(const std::string& path, logical::Operation operation,
                                const json::Object* parameters) const;
  // Sorted words, {"deny"} when nothing is allowed, {"root"} for the root policy.
  [[nodiscard]] std::vector<std::string> capabilities(const std::string& path) const;
  // Whether any rule could allow something at or below `prefix` ("anjuna/").
  [[nodiscard]] bool touches(const std::string& prefix) const;

 private:
  struct Merged {
    PathRule rule;
    bool allowed_everything = false;  // one policy puts no bound on the parameters
    std::vector<std::string> policies;
  };
  void add(const PathRule& rule, const std::string& policy);
  [[nodiscard]] const Merged* find(const std::string& path, bool list) const;

  bool root_;
  std::map<std::string, Merged, std::less<>> exact_;
  std::vector<Merged> patterns_;  // highest priority first
};

}  // namespace apm::policy
