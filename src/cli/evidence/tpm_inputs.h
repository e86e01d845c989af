#pragma once

// The inputs of a TPM quote, for evidence under a given AK and for Azure's.

#include <vector>

#include "attestation/tpm/event_log.h"
#include "cli/evidence/case.h"

namespace apm::cli::evidence {

// 24 values of 32 bytes, concatenated; none when the case has none.
[[nodiscard]] Result<attestation::tpm::PcrValues> pcr_values(const Case& c);
[[nodiscard]] std::vector<unsigned> all_pcrs();
// The raw RSASSA signature: tpm_sig and tpm_sig_raw as they are, or taken out of tpm_sig_tpmt. A
// refusal is recorded.
[[nodiscard]] Result<Bytes> quote_signature(const Case& c, attestation::Appraisal& appraisal);
// The event log, where the case has one, replays to the quoted PCRs that firmware alone extends.
[[nodiscard]] Status judge_event_log(const Case& c, const attestation::tpm::PcrValues& pcrs,
                                     attestation::Appraisal& appraisal);

}  // namespace apm::cli::evidence
