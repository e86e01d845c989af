#include "attestation/sgx/result.h"

#include "attestation/dcap/claims.h"
#include "attestation/dcap/fields.h"
#include "base/encoding.h"

namespace apm::attestation::sgx {

EvidenceResult result_of(const Claims& claims) {
  EvidenceResult out;
  out.family = "sgx";
  out.claims = dcap::common_claims(claims.evidence, "Intel SGX", claims.report.debug());
  out.claims.set("sgx", own_claims(claims));
  if (claims.evidence.chain) out.trust_anchor = claims.evidence.chain->anchor->name;
  out.vendor_anchor = out.trust_anchor == dcap::kVendorAnchorName;
  out.enclave_id = hex_encode(claims.report.mr_enclave);
  if (dcap::all_zero(claims.report.mr_signer)) {
    out.signer.reason = "sgx_no_signer";
    out.signer.message = "MRSIGNER is zero: the enclave has no signer";
  } else {
    out.signer.signer_id = hex_encode(claims.report.mr_signer);
  }
  return out;
}

}  // namespace apm::attestation::sgx
