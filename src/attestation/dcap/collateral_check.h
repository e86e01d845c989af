#pragma once

// From collateral as bytes to documents that are Intel's, of now, and about this platform; and the
// revocation lists asked about this chain. Reasons, with `<d>` one of dcap_tcb_info,
// dcap_qe_identity and `<c>` one of dcap_pck_crl, dcap_root_crl: those of trust_chain with prefix
// <d>; <d>_signature, <d>_malformed, <d>_id, <d>_expired, <d>_not_yet_valid; dcap_fmspc_mismatch,
// dcap_pce_id_mismatch; <c>_malformed, <c>_issuer, <c>_signature, <c>_expired, <c>_not_yet_valid;
// dcap_pck_revoked, dcap_pck_ca_revoked, dcap_tcb_signing_revoked.

#include <optional>
#include <string>

#include "attestation/dcap/tcb_documents.h"
#include "attestation/dcap/verify.h"

namespace apm::attestation::dcap {

struct CheckedCollateral {
  std::optional<TcbInfo> tcb_info;
  std::optional<QeIdentity> qe_identity;
  std::string missing;  // the parts that are absent, for people; "" when none is
};

[[nodiscard]] Result<CheckedCollateral> check_collateral(const Collateral& collateral,
                                                         const Evidence& evidence,
                                                         const Expectation& expectation,
                                                         Appraisal& appraisal);

}  // namespace apm::attestation::dcap
