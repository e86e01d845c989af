#include "cli/evidence/judge.h"

#include <algorithm>

#include "attestation/dcap/verify.h"

namespace apm::cli::evidence {
namespace {

using attestation::Appraisal;

struct Failure {
  std::string stage, reason, message;
};

// The recorded rules that failed, and the verifier's own refusal where no rule records it.
std::vector<Failure> failures_of(const Outcome& outcome) {
  std::vector<Failure> out;
  for (const Appraisal::Entry& entry : outcome.appraisal.entries()) {
    if (entry.holds) continue;
    out.push_back({std::string(attestation::stage_name(entry.rule.stage)), entry.rule.reason,
                   entry.rule.found});
  }
  if (outcome.status.ok()) return out;
  const Error& error = outcome.status.error();
  const auto same = [&](const Failure& f) { return f.reason == error.reason; };
  const auto found = std::ranges::find_if(out, same);
  if (found != out.end()) {
    found->message = error.message;
  } else {
    out.push_back({"format", error.reason, error.message});
  }
  return out;
}

Result<Outcome> ask_verifier(const Case& c) {
  if (c.family() == "snp") return judge_snp(c);
  if (c.family() == "azure") return judge_azure(c);
  if (c.family() == "tpm") return judge_tpm(c);
  if (c.family() == "sgx" || c.family() == "tdx") return judge_dcap(c);
  if (c.family() == "nitro") return judge_nitro(c);
  if (c.family() == "maa") return judge_maa(c);
  return Error(Code::kInternal, "case_family", "a family without a verifier: " + c.family());
}

}  // namespace

// Only a refusal says something of the evidence. Anything else (a file that cannot be read, a
// malformed floor) is a fault of the question.
Result<Outcome> judge(const Case& c) {
  auto outcome = ask_verifier(c);
  if (!outcome.ok() && outcome.error().code == Code::kRefused) {
    return Outcome{
        .appraisal = c.appraisal(), .status = outcome.error(), .unrooted = false, .result = {}};
  }
  if (outcome.ok() && !outcome->status.ok() && outcome->status.error().code != Code::kRefused) {
    return outcome->status.error();
  }
  return outcome;
}

Verdict verdict_of(const Case& c, const Outcome& outcome) {
  const std::vector<Failure> failures = failures_of(outcome);
  if (failures.empty()) return {outcome.unrooted ? "parse" : "accept", c.stage(), "", ""};
  const auto binding = [](const Failure& f) { return !attestation::dcap::is_choice(f.reason); };
  const auto decisive = std::ranges::find_if(failures, binding);
  const Failure& shown = decisive == failures.end() ? failures.front() : *decisive;
  const bool choice = decisive == failures.end() && c.rigour() == Rigour::kCaseFile;
  return {choice ? "policy" : "reject", shown.stage, shown.reason, shown.message};
}

}  // namespace apm::cli::evidence
