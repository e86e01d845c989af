#pragma once

// The inputs of a TPM quote, for evidence under a given AK and for Azure's.

#include <vector>

#include "attestation/tpm/attest.h"
#include "attestation/tpm/event_log.h"
#include "cli/evidence/case.h"

namespace apm::cli::evidence {

// 24 values of one bank, concatenated: 32 bytes each of SHA-256, 48 of SHA-384, 20 of SHA-1 (which
// the verifier refuses). None when the case has none.
struct Pcrs {
  attestation::tpm::PcrValues values;
  std::uint16_t bank = attestation::tpm::kAlgSha256;
};
[[nodiscard]] Result<Pcrs> pcr_values(const Case& c);
[[nodiscard]] std::vector<unsigned> all_pcrs();
// The raw RSASSA signature: tpm_sig and tpm_sig_raw as they are, or taken out of tpm_sig_tpmt. A
// refusal is recorded.
[[nodiscard]] Result<Bytes> quote_signature(const Case& c, attestation::Appraisal& appraisal);
// The event log, where the case has one, replays to the quoted PCRs that firmware alone extends.
[[nodiscard]] Status judge_event_log(const Case& c, const attestation::tpm::PcrValues& pcrs,
                                     attestation::Appraisal& appraisal);

}  // namespace apm::cli::evidence
