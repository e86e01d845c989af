// For a path that a policy names exactly, the decision is what the bits of its rules say: deny
// wins, capabilities add up, and nothing else is granted. A policy without rules grants nothing.

#include "policy/acl.h"
#include "policy/acl_policy.h"
#include "property.h"

namespace {

using apm::fuzz::require;
using apm::policy::Capability;
using apm::policy::PathRule;

constexpr unsigned kDeny = static_cast<unsigned>(Capability::kDeny);
constexpr unsigned kRead = static_cast<unsigned>(Capability::kRead);

bool exact(const PathRule& rule) { return !rule.is_prefix && !rule.has_segment_wildcard; }

void check_rule(const apm::policy::AclPolicy& policy, const apm::policy::Acl& acl,
                const PathRule& named) {
  unsigned bits = 0;
  bool wrapped = false;
  for (const PathRule& rule : policy.rules) {
    if (!exact(rule) || rule.pattern != named.pattern) continue;
    bits |= rule.capabilities;
    wrapped = wrapped || rule.min_wrapping_ttl_s != 0 || rule.max_wrapping_ttl_s != 0;
  }
  const auto decision = acl.decide(named.pattern, apm::logical::Operation::kRead, nullptr);
  const bool wanted = (bits & kRead) != 0 && (bits & kDeny) == 0;
  require(!decision.allowed || wanted, "a read is allowed that no rule grants");
  require(decision.allowed || !wanted || wrapped, "a read is refused that a rule grants");
  if ((bits & kDeny) != 0) {
    require(acl.capabilities(named.pattern) == std::vector<std::string>{"deny"}, "deny is not all");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto policy = apm::policy::parse_acl("fuzz", apm::fuzz::text_of(data, size));
  if (!policy.ok()) return 0;
  const apm::policy::Acl acl({&*policy}, false);
  for (const PathRule& rule : policy->rules) {
    if (exact(rule)) check_rule(*policy, acl, rule);
  }
  return 0;
}
