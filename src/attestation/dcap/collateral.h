#pragma once

// What Intel says about platforms (Provisioning Certification Service, version 4): TCB info and QE
// identity, each signed, and the revocation lists of both levels. It comes with the evidence, from
// a cache, or from a fetcher; here it is only bytes, and nothing in it is believed before
// dcap::verify has checked it. Absent parts stay empty, and the verifier names them.
// Errors: kInvalidArgument "dcap_collateral_malformed".

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace apm::attestation::dcap {

// A JSON value exactly as it was signed, the signature (ECDSA P-256, r and s), and the signer.
struct SignedDocument {
  std::string body;
  Bytes signature;
  std::string chain_pem;
};

struct Collateral {
  SignedDocument tcb_info;
  SignedDocument qe_identity;
  Bytes pck_crl;   // DER or PEM, by the PCK's CA
  Bytes root_crl;  // DER or PEM, by the root
};

// As the service answers, one file each: {"tcbInfo": ..., "signature": hex} and {"enclaveIdentity":
// ..., "signature": hex}, the signing chains from its headers as PEM, and the lists. A part that is
// "" is absent.
struct CollateralFiles {
  std::string tcb_info, tcb_info_chain_pem;
  std::string qe_identity, qe_identity_chain_pem;
  Bytes pck_crl, root_crl;
};
[[nodiscard]] Result<Collateral> collateral_from_files(const CollateralFiles& files);

// One JSON object with the names of Intel's sgx_ql_qve_collateral_t: tcb_info and qe_identity
// (strings that hold the signed text), tcb_info_signature and qe_identity_signature (hex),
// tcb_info_issuer_chain and qe_identity_issuer_chain (PEM), pck_crl and root_ca_crl (hex of DER).
// Other members are not read.
[[nodiscard]] Result<Collateral> collateral_from_json(std::string_view text);

}  // namespace apm::attestation::dcap
