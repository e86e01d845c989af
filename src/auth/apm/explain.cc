#include "auth/apm/explain.h"

#include <algorithm>
#include <array>
#include <set>

#include "auth/apm/admission.h"
#include "base/text.h"

namespace apm::auth_apm {
namespace {

using attestation::Appraisal;
using attestation::EvidenceResult;

// Rules about a challenge, which compared the file's own value with itself here.
json::Array rules_of(const Appraisal& appraisal) {
  constexpr std::array<std::string_view, 3> kOfAChallenge{"tpm_extra_data", "snp_report_data",
                                                          "dcap_report_data"};
  json::Array out = appraisal.explain();
  for (std::size_t i = 0; i < out.size(); ++i) {
    const attestation::Rule& rule = appraisal.entries()[i].rule;
    if (!appraisal.entries()[i].holds || rule.stage != attestation::Stage::kFreshness) continue;
    if (std::ranges::find(kOfAChallenge, rule.reason) == kOfAChallenge.end()) continue;
    out[i].as_object()->set("holds", json::Null());
    out[i].as_object()->set("wanted", kNotBound);
  }
  return out;
}

json::Value or_null(const std::string& text) {
  return text.empty() ? json::Value() : json::Value(text);
}

Result<EvidenceResult> admit(const json::Object& evidence, const Judge& judge,
                             Appraisal& appraisal) {
  const json::Value* family = evidence.find("family");
  const std::string name =
      family == nullptr || family->as_string() == nullptr ? "" : *family->as_string();
  const Status family_allowed = admit_family(judge.config, name, appraisal);
  APM_TRY(Judged judged, verify_evidence(evidence, judge, appraisal));
  EvidenceResult& result = judged.result;
  APM_CHECK_OK(family_allowed);
  APM_CHECK_OK(admit_claims(judge.config, result, appraisal));
  return std::move(result);
}

bool login_supported(const json::Value& family, const Judge& judge) {
  if (family != json::Value(kOptInFamily)) return true;
  return judge.anchors.maa != nullptr && !judge.anchors.maa->empty();
}

template <class T>
void add_all(std::set<T>& to, const std::set<T>& from) {
  to.insert(from.begin(), from.end());
}

// The verifiers' own defaults, and beyond them whatever this configuration lets pass.
Config loosest(const Config& config) {
  Config out;
  out.floor.allow_vlek = true;
  out.floor.vmpl_max = config.floor.vmpl_max;
  out.allowed_public_signers = config.allowed_public_signers;
  add_all(out.sgx.platform.allowed_statuses, config.sgx.platform.allowed_statuses);
  add_all(out.tdx.platform.allowed_statuses, config.tdx.platform.allowed_statuses);
  out.tdx.attributes.permitted |= config.tdx.attributes.permitted;
  out.tdx.xfam.permitted |= config.tdx.xfam.permitted;
  out.nitro.age_s_max = std::max(out.nitro.age_s_max, config.nitro.age_s_max);
  out.maa.age_s_max = std::max(out.maa.age_s_max, config.maa.age_s_max);
  out.maa.vmpl_max = config.maa.vmpl_max;
  out.maa_trust = config.maa_trust;
  add_all(out.maa.compliance, config.maa.compliance);
  add_all(out.maa.tdx_tcb_statuses, config.maa.tdx_tcb_statuses);
  return out;
}

// Tells what is not genuine from what a floor of this server refuses.
std::optional<EvidenceResult> genuine(const json::Object& evidence, const Judge& judge) {
  const Config config = loosest(judge.config);
  Appraisal unused;
  auto judged = verify_evidence(
      evidence, {config, judge.anchors, judge.now_unix_s, {}, judge.fetched}, unused);
  if (!judged.ok()) return std::nullopt;
  return std::move(judged->result);
}

void add_identity(const EvidenceResult& result, json::Object& out) {
  out.set("enclave_id", or_null(result.enclave_id));
  out.set("signer_id", or_null(result.signer.signer_id));
  if (!result.signer.exists()) out.set("signer_reason", result.signer.reason);
  out.set("trust_anchor", result.trust_anchor);
  out.set("vendor_anchor", result.vendor_anchor);
  out.set("claims", result.claims);
}

// Those that name the workload; `accepted`: whether a login would get as far as using them.
void add_authorisations(const EvidenceResult& result, bool accepted,
                        const Authorisations& authorisations, json::Object& out) {
  json::Array list;
  std::set<std::string> secrets;  // two authorisations may open the same one
  for (const auto& [authorisation, verdict] : authorisations.matches(identity_of(result))) {
    json::Object line = authorisation.describe();
    line.erase("claims");
    line.set("secret", authorisation.full_path());
    line.set("applies", accepted && verdict.passed);
    line.set("claims", explain(verdict));
    list.emplace_back(std::move(line));
    if (accepted && verdict.passed) secrets.insert(authorisation.full_path());
  }
  out.set("authorizations", std::move(list));
  out.set("secrets", json::Array(secrets.begin(), secrets.end()));
}

}  // namespace

Result<json::Object> explain(const json::Object& evidence, const Judge& judge,
                             const Authorisations& authorisations) {
  Appraisal appraisal;
  const auto admitted = admit(evidence, judge, appraisal);
  if (!admitted.ok() && admitted.error().code != Code::kRefused) return admitted.error();
  json::Object out{{"verdict", admitted.ok() ? "accept" : "reject"},
                   {"reason", admitted.ok() ? "" : admitted.error().reason},
                   {"message", admitted.ok() ? "" : admitted.error().message},
                   {"family", *evidence.find("family")},
                   {"login_supported", login_supported(*evidence.find("family"), judge)},
                   {"judged_at", judge.now_unix_s},
                   {"binding", kNotBound},
                   {"rules", rules_of(appraisal)}};
  if (admitted.ok()) {
    add_identity(*admitted, out);
    add_authorisations(*admitted, true, authorisations, out);
    return out;
  }
  const std::optional<EvidenceResult> result = genuine(evidence, judge);
  out.set("refused_by", result ? "policy" : "verification");
  if (!result) return out;
  add_identity(*result, out);
  add_authorisations(*result, false, authorisations, out);
  return out;
}

}  // namespace apm::auth_apm
