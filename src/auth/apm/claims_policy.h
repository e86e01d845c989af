#pragma once

// A claims policy of an operator: a condition of policy/claims.h over what evidence proved. One
// stands in the login's configuration, for every login; one may stand with an authorisation, for
// every read under it (docs/operations/authorising.md). A value; any thread.
//
// Errors of reading: kInvalidArgument "policy_syntax" and "policy_claim_unknown" with the place,
// "policy_size".

#include <optional>
#include <string>

#include "attestation/appraisal.h"
#include "base/json.h"
#include "base/result.h"
#include "logical/request.h"
#include "policy/claims.h"

namespace apm::auth_apm {

class ClaimsPolicy {
 public:
  ClaimsPolicy() = default;  // asks for nothing
  // A JSON object, or text that holds one (from a command line). null and "" ask for nothing.
  [[nodiscard]] static Result<ClaimsPolicy> read(const json::Value& written);

  [[nodiscard]] bool asks() const { return condition_.has_value(); }
  [[nodiscard]] const json::Value& document() const { return document_; }  // null: asks for nothing
  [[nodiscard]] policy::Verdict evaluate(const json::Value& subject) const;

 private:
  json::Value document_;
  std::optional<policy::Condition> condition_;
};

// What policies test: the identity's facts, with its family, trust anchor and ids beside them.
[[nodiscard]] json::Value subject_of(const logical::AttestedIdentity& identity);

// The policy's rules as entries of the appraisal, under `reason`; what was excused holds there.
void record(const policy::Verdict& verdict, std::string_view reason,
            attestation::Appraisal& appraisal);
// For operators: [{"claim", "place", "operator", "wanted", "found", "passed", "excused"}]
[[nodiscard]] json::Array explain(const policy::Verdict& verdict);

}  // namespace apm::auth_apm
