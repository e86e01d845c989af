#pragma once

// `collect` on Azure's confidential VMs: the vTPM's HCL report, a quote of all PCRs, the event log,
// and what vouches for the hardware beneath (AMD's certificates or a TD quote, by IMDS), as files
// that verify and identify read. Asks the TPM and IMDS; one thread.
//
// Errors: kInvalidArgument "usage"; those of workload/evidence.h and tee/tpm.h.

#include <string>
#include <vector>

#include "cli/arguments.h"
#include "tee/tpm.h"
#include "workload/evidence.h"

namespace apm::cli::evidence {

struct AzureFile {
  std::string input;  // its name as an input of verify; "" for the evidence itself, the HCL report
  std::string suffix;
  Bytes bytes;
};
struct AzureCollection {
  std::string family;
  Bytes nonce;  // that the quote signs
  std::vector<AzureFile> files;
};
// -tcti, -imds, -event-log; -nonce (hexadecimal) is a fresh one when it is not given.
[[nodiscard]] Result<AzureCollection> collect_azure(const Arguments& args);

// The same, of what was asked for already. Pure.
[[nodiscard]] Result<std::vector<AzureFile>> azure_files(const workload::MachineQuote& machine,
                                                         const workload::Platform& platform);

}  // namespace apm::cli::evidence
