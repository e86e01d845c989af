#include "auth/apm/collateral.h"

#include <algorithm>

namespace apm::auth_apm {
namespace {

using attestation::Appraisal;
using Vendor = CollateralSource::Vendor;

// Whether the evidence would be accepted but for this: one rule fails, and it is this one.
bool only_lacks(const json::Object& evidence, const Judge& judge, std::string_view reason) {
  Appraisal trial;
  if (verify_evidence(evidence, judge, trial).ok()) return false;
  const auto failed = [](const Appraisal::Entry& entry) { return !entry.holds; };
  const auto other = [&](const Appraisal::Entry& entry) {
    return failed(entry) && entry.rule.reason != reason;
  };
  return std::ranges::any_of(trial.entries(), failed) &&
         std::ranges::none_of(trial.entries(), other);
}

Result<std::optional<Fetched>> fetch_intel(const json::Object& evidence, const Judge& judge,
                                           const Lack& lack, CollateralSource& source) {
  if (!only_lacks(evidence, judge, "dcap_collateral_missing")) return std::optional<Fetched>();
  Fetched out;
  APM_TRY(out.intel, source.of_quote(lack.evidence));
  return std::optional(std::move(out));
}

Result<std::optional<Fetched>> fetch_list(const json::Object& evidence, const Judge& judge,
                                          const Lack& lack, CollateralSource& source) {
  if (!lack.product || !only_lacks(evidence, judge, "snp_crl_missing")) {
    return std::optional<Fetched>();
  }
  Fetched out;
  APM_TRY(out.amd_crl, source.amd_crl(*lack.product));
  return std::optional(std::move(out));
}

Result<std::optional<Fetched>> fetch_vcek(const json::Object& evidence, const Judge& judge,
                                          const Lack& lack, CollateralSource& source,
                                          const std::string& asker, Appraisal& appraisal) {
  APM_CHECK_OK(check_unproved(evidence, judge, appraisal));
  APM_TRY(CollateralSource::Amd amd, source.of_snp_report(lack.evidence, asker));
  Fetched out;
  out.vcek_pem = std::move(amd.vcek_pem);
  out.amd_crl = std::move(amd.crl);
  return std::optional(std::move(out));
}

}  // namespace

Result<std::optional<Fetched>> fetch_lacking(const json::Object& evidence, const Judge& judge,
                                             CollateralSource& source, const std::string& asker,
                                             Appraisal& appraisal) {
  APM_TRY(const std::optional<Lack> lack, what_lacks(evidence, judge));
  if (!lack) return std::optional<Fetched>();
  const bool intel = lack->what == Lack::What::kIntelDocuments;
  if (!source.gives(intel ? Vendor::kIntel : Vendor::kAmd)) return std::optional<Fetched>();
  switch (lack->what) {
    case Lack::What::kIntelDocuments: return fetch_intel(evidence, judge, *lack, source);
    case Lack::What::kAmdList: return fetch_list(evidence, judge, *lack, source);
    case Lack::What::kVcek: {
      Appraisal trial = appraisal;
      auto fetched = fetch_vcek(evidence, judge, *lack, source, asker, trial);
      if (!fetched.ok()) appraisal = std::move(trial);
      return fetched;
    }
  }
  return std::optional<Fetched>();
}

}  // namespace apm::auth_apm
