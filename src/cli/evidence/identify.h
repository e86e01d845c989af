#pragma once

// The ids in a piece of evidence, by the formulas of docs/identity.md, without any verification:
// for operators who write authorisations. Reads the case's files; one thread.

#include "attestation/claims.h"
#include "cli/evidence/case.h"

namespace apm::cli::evidence {

struct Identity {
  std::string family;          // the word of the verifier: "azure-snp-vtpm"
  std::string enclave_id;      // "" when there is none
  std::string enclave_reason;  // why
  std::string enclave_message;
  attestation::SignerVerdict signer;
};

// An error when the evidence cannot be read at all.
[[nodiscard]] Result<Identity> identify(const Case& c);

}  // namespace apm::cli::evidence
