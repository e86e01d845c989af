#include "auth/apm/claims_policy.h"

#include "attestation/claim_names.h"
#include "auth/apm/limits.h"
#include "base/text.h"

namespace apm::auth_apm {
namespace {

std::string joined(const std::vector<std::string>& values) {
  std::string out;
  for (const std::string& value : values) out += concat(out.empty() ? "" : ", ", value);
  return out;
}

Result<json::Value> document_of(const json::Value& written) {
  const std::string* text = written.as_string();
  if (text == nullptr) return written;
  if (trim(*text).empty()) return json::Value();
  const auto parsed = json::parse(*text);
  if (parsed.ok()) return parsed;
  return Error(Code::kInvalidArgument, "policy_syntax",
               concat("the policy is not JSON: ", parsed.error().message));
}

}  // namespace

Result<ClaimsPolicy> ClaimsPolicy::read(const json::Value& written) {
  ClaimsPolicy out;
  APM_TRY(out.document_, document_of(written));
  if (out.document_.is_null()) return out;
  if (json::write(out.document_).size() > kClaimsPolicyBytesMax) {
    return Error(Code::kInvalidArgument, "policy_size",
                 concat("the policy has more than ", kClaimsPolicyBytesMax, " bytes"));
  }
  APM_TRY(out.condition_, policy::parse_condition(out.document_, policy::Grammar::kExtended,
                                                  attestation::is_claim_name));
  return out;
}

policy::Verdict ClaimsPolicy::evaluate(const json::Value& subject) const {
  if (condition_) return policy::evaluate(*condition_, subject);
  policy::Verdict nothing_asked;
  nothing_asked.passed = true;
  return nothing_asked;
}

json::Value subject_of(const logical::AttestedIdentity& identity) {
  json::Object out = identity.facts;
  out.set("family", identity.family);
  out.set("trust_anchor", identity.trust_anchor);
  // An id that does not exist is absent, so that no policy can match it by accident.
  out.erase("enclave_id");
  out.erase("signer_id");
  if (!identity.enclave_id.empty()) out.set("enclave_id", identity.enclave_id);
  if (!identity.signer_id.empty()) out.set("signer_id", identity.signer_id);
  return out;
}

void record(const policy::Verdict& verdict, std::string_view reason,
            attestation::Appraisal& appraisal) {
  for (const policy::RuleResult& rule : verdict.rules) {
    const std::string found = rule.found ? concat("\"", *rule.found, "\"") : "no single value";
    appraisal.expect(
        rule.passed || rule.excused,
        {attestation::Stage::kPolicy, std::string(reason),
         concat(rule.claim, " = ", found, rule.excused ? ", made up for by another branch" : ""),
         concat(rule.place.empty() ? "" : rule.place + ": ", policy::operator_name(rule.op), " ",
                joined(rule.expected))});
  }
}

json::Array explain(const policy::Verdict& verdict) {
  json::Array out;
  for (const policy::RuleResult& rule : verdict.rules) {
    json::Object line{{"claim", rule.claim},
                      {"place", rule.place},
                      {"operator", policy::operator_name(rule.op)},
                      {"wanted", joined(rule.expected)},
                      {"found", rule.found ? json::Value(*rule.found) : json::Value()},
                      {"passed", rule.passed}};
    if (rule.excused) line.set("excused", true);
    out.emplace_back(std::move(line));
  }
  return out;
}

}  // namespace apm::auth_apm
