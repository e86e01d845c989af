#pragma once

// The verdict on a case: its family's verifier is called with the case's inputs, and what it said
// is put into one form. Pure but for reading the case's files; one thread.
//
// Verdicts: "accept"; "reject"; "parse" for evidence whose parts agree, but without the
// certificates that would prove it (case files only); "policy" when all that failed are rules that
// a relying party may sensibly waive (dcap::is_choice).

#include <optional>
#include <string>

#include "attestation/claims.h"
#include "cli/evidence/case.h"

namespace apm::cli::evidence {

// What a family's verifier left behind.
struct Outcome {
  attestation::Appraisal appraisal;
  Status status;                                      // of the verifier
  bool unrooted = false;                              // nothing was there to prove it by
  std::optional<attestation::EvidenceResult> result;  // when the family names an identity
};

[[nodiscard]] Result<Outcome> judge_snp(const Case& c);
[[nodiscard]] Result<Outcome> judge_azure(const Case& c);
[[nodiscard]] Result<Outcome> judge_tpm(const Case& c);
[[nodiscard]] Result<Outcome> judge_dcap(const Case& c);  // sgx, tdx
[[nodiscard]] Result<Outcome> judge_nitro(const Case& c);
[[nodiscard]] Result<Outcome> judge_maa(const Case& c);

struct Verdict {
  std::string verdict;
  std::string stage;   // of the rule that decided; the case's own when nothing failed
  std::string reason;  // "" when accepted
  std::string message;
};

// An error is a fault of the case or of reading its files, not of the evidence.
[[nodiscard]] Result<Outcome> judge(const Case& c);
[[nodiscard]] Verdict verdict_of(const Case& c, const Outcome& outcome);

}  // namespace apm::cli::evidence
