#pragma once

// One ACL policy: rules for paths, as Vault writes them in HCL1 or JSON. Unknown keys are errors,
// so that a rule that we would not enforce is never accepted; "{{" in a path (Vault's templates)
// and "+*" are errors for the same reason. A key given twice in one rule is an error.

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace apm::policy {

enum class Capability : unsigned {
  kDeny = 1U << 0,
  kCreate = 1U << 1,
  kRead = 1U << 2,
  kUpdate = 1U << 3,
  kDelete = 1U << 4,
  kList = 1U << 5,
  kPatch = 1U << 6,
  kSudo = 1U << 7,
};

// A parameter's allowed or denied values; none means every value.
using ParameterValues = std::map<std::string, std::vector<json::Value>>;

struct PathRule {
  std::string pattern;  // without the trailing '*' of a prefix rule
  bool is_prefix = false;
  bool has_segment_wildcard = false;  // a '+' segment
  unsigned capabilities = 0;          // bits of Capability
  ParameterValues allowed;
  ParameterValues denied;
  std::set<std::string> required;
  // Bounds of the life of a wrapped answer; 0: none. With one set, an answer must be wrapped.
  std::uint64_t min_wrapping_ttl_s = 0;
  std::uint64_t max_wrapping_ttl_s = 0;
};

struct AclPolicy {
  std::string name;
  std::vector<PathRule> rules;
};

// Trimmed and lower case: the one form in which policy names are stored, compared and shown.
[[nodiscard]] std::string normalise_name(std::string_view name);

// kInvalidArgument with line and column.
[[nodiscard]] Result<AclPolicy> parse_acl(std::string_view name, std::string_view text);

// Names that cannot be written; "root" cannot be read either.
inline constexpr std::string_view kRootPolicy = "root";
inline constexpr std::string_view kDefaultPolicy = "default";
[[nodiscard]] std::string_view default_policy_text();

}  // namespace apm::policy
