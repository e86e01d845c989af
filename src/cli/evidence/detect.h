#pragma once

// Which family a file of evidence belongs to, by its own bytes, and the name of the case input that
// it is. Tells a kind apart and trusts nothing. Pure; any thread.

#include <string>

#include "base/bytes.h"
#include "base/result.h"

namespace apm::cli::evidence {

struct Kind {
  std::string family;  // of a case: "snp", "azure", "tpm", "maa", "nitro", "sgx", "tdx"
  std::string input;   // "report", "extended", "hcl", "tpm_msg", "jwt", "doc", "quote"
};

// kInvalidArgument "evidence_unknown".
[[nodiscard]] Result<Kind> detect(ByteView raw);

}  // namespace apm::cli::evidence
