#pragma once

// The rules about Intel's judgement: the Quoting Enclave (QE) is Intel's and of a known level, the
// platform and the TDX module reach a level, and the status of the whole is one that the relying
// party allows. Without the first, any enclave of a genuine platform could act as QE.
// Reasons: dcap_evaluation_number, dcap_qe_mrsigner, dcap_qe_prodid, dcap_qe_miscselect,
// dcap_qe_attributes, dcap_qe_level_none, tdx_module_unknown, tdx_module_mrsigner,
// tdx_module_attributes, tdx_module_level_none, dcap_tcb_level_none, dcap_advisory_refused, and
// those of tcb_status_reason().

#include "attestation/dcap/floor.h"
#include "attestation/dcap/tcb.h"
#include "base/result.h"

namespace apm::attestation::dcap {

[[nodiscard]] Status apply_tcb_rules(const TcbInput& input, const TcbVerdict& verdict,
                                     const Floor& floor, Appraisal& appraisal);

}  // namespace apm::attestation::dcap
