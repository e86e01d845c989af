#pragma once

// Conditions on attested claims, in the grammar of Azure Key Vault's release policies
// (https://learn.microsoft.com/azure/key-vault/keys/policy-grammar), and their evaluation with the
// reason for every rule. Pure values: any thread may use them.
//
//   {"version": "1.0.0", "anyOf": [{"authority": "https://...", "allOf": [
//       {"claim": "x-ms-isolation-tee.x-ms-compliance-status", "equals": "azure-compliant-cvm"}]}]}
//
// Key Vault implements "equals" alone, so what is written for it is read with kAzureKeyVault; our
// own conditions may use kExtended. Values compare as text: true and "true" are equal, so are 0 and
// "0"; letter case matters. A claim that is missing, null, an array or an object fails every
// comparison, "notEquals" too. A dot always separates: a claim whose name holds a dot cannot be
// named.

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace apm::policy {

enum class Grammar { kAzureKeyVault, kExtended };

enum class Operator {
  kEquals,
  kNotEquals,
  kIn,
  kLess,  // the four orders compare whole numbers of any length; other values fail
  kLessOrEquals,
  kGreater,
  kGreaterOrEquals,
  kExists,
};
[[nodiscard]] std::string_view operator_name(Operator op);  // "equals", as the grammar spells it

struct Condition {
  enum class Kind { kClaim, kAllOf, kAnyOf };
  Kind kind = Kind::kAllOf;
  // kClaim:
  std::string claim;  // dotted path
  Operator op = Operator::kEquals;
  std::vector<std::string> expected;  // canonical texts; several only for kIn
  std::string place;                  // in the document: "allOf[0].anyOf[2]"
  // kAllOf, kAnyOf; never empty after parsing:
  std::vector<Condition> children;
};

struct Authority {
  std::string url;  // without a trailing '/'
  Condition conditions;
};

struct ReleasePolicy {
  std::string version;
  Condition::Kind kind = Condition::Kind::kAnyOf;  // how the authorities combine
  std::vector<Authority> authorities;
};

// kInvalidArgument "policy_syntax" with the place ("anyOf[0].allOf[2]: ..."): unknown or missing
// members, an empty list, two operators in one condition, an operator outside the grammar.
[[nodiscard]] Result<ReleasePolicy> parse_release_policy(const json::Value& document,
                                                         Grammar grammar = Grammar::kAzureKeyVault);
// `is_claim`, where given, knows the claims that exist: another is kInvalidArgument
// "policy_claim_unknown" with its place, because a condition on it could never hold.
using IsClaim = std::function<bool(std::string_view path)>;
[[nodiscard]] Result<Condition> parse_condition(const json::Value& document, Grammar grammar,
                                                IsClaim is_claim = {});

struct RuleResult {
  std::string claim;
  Operator op = Operator::kEquals;
  std::vector<std::string> expected;
  std::optional<std::string> found;  // nothing: missing, or no single value
  bool passed = false;
  std::string place;  // of the condition in its document
  // It failed inside an anyOf that another branch fulfilled: it refused nothing.
  bool excused = false;
};
// `claim "a.b" must equals "x", found "y"`: for people.
[[nodiscard]] std::string describe(const RuleResult& rule);

struct Verdict {
  bool passed = false;
  std::vector<RuleResult> rules;  // every rule that was looked at, in the policy's order
  // The first rule that failed and was not excused; nullptr when the policy passed.
  [[nodiscard]] const RuleResult* decisive() const;
};

[[nodiscard]] Verdict evaluate(const Condition& condition, const json::Value& claims);
// `issuer`: who signed the claims (verified by the caller). Authorities of other issuers fail with
// a rule on "iss"; one trailing '/' makes no difference.
[[nodiscard]] Verdict evaluate(const ReleasePolicy& policy, std::string_view issuer,
                               const json::Value& claims);

}  // namespace apm::policy
