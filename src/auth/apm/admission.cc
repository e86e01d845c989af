#include "auth/apm/admission.h"

#include <algorithm>
#include <array>

#include "auth/apm/claims_policy.h"
#include "base/text.h"

namespace apm::auth_apm {
namespace {

using attestation::Appraisal;
using attestation::SignerVerdict;
using attestation::Stage;

// Evidence whose family or image has no signer by its nature: such a workload can be authorised by
// its Enclave ID. Any other reason (Secure Boot off, a public signer, an ambiguous log) is a fault.
bool unsigned_by_nature(const SignerVerdict& signer) {
  constexpr std::array<std::string_view, 7> kReasons{
      "tdx_no_signer",      "snp_signer_missing", "sgx_no_signer",     "signer_pcr_zero",
      "signer_pcr_missing", "signer_zero",        "signer_is_platform"};
  return std::ranges::find(kReasons, signer.reason) != kReasons.end();
}

Status admit_signer(const SignerVerdict& signer, Appraisal& appraisal) {
  if (!signer.exists() && unsigned_by_nature(signer)) return {};
  const Status status =
      signer.exists() ? Status() : Status(Error(Code::kRefused, signer.reason, signer.message));
  return appraisal.require(status, Stage::kPolicy, "signer_event_missing");
}

std::string words(const std::set<std::string>& texts) {
  std::string out;
  for (const std::string& text : texts) out += concat(out.empty() ? "" : ", ", text);
  return out;
}

}  // namespace

Status admit_family(const Config& config, std::string_view family, Appraisal& appraisal) {
  if (config.allowed_families.empty()) return {};
  return appraisal.require(
      config.allowed_families.contains(std::string(family)),
      {Stage::kPolicy, "family_not_allowed", concat("evidence of the family ", family),
       concat("one of allowed_families: ", words(config.allowed_families))});
}

Status admit_claims(const Config& config, const attestation::EvidenceResult& result,
                    Appraisal& appraisal) {
  const policy::Verdict verdict = config.claims.evaluate(subject_of(identity_of(result)));
  record(verdict, "claims_policy", appraisal);
  APM_CHECK_OK(appraisal.verdict());
  APM_CHECK_OK(admit_signer(result.signer, appraisal));
  if (!result.enclave_id.empty()) return {};
  const std::string& reason = result.enclave_reason;
  return appraisal.require(
      false, {Stage::kPolicy, reason.empty() ? "identity_missing" : reason, "no Enclave ID",
              "evidence that says which software runs (docs/identity.md)"});
}

logical::AttestedIdentity identity_of(const attestation::EvidenceResult& result) {
  logical::AttestedIdentity identity;
  identity.enclave_id = result.enclave_id;
  identity.signer_id = result.signer.signer_id;
  identity.family = result.family;
  identity.trust_anchor = result.trust_anchor;
  identity.facts = result.claims;
  return identity;
}

}  // namespace apm::auth_apm
