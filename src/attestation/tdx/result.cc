#include "attestation/tdx/result.h"

#include <algorithm>

#include "attestation/dcap/claims.h"
#include "attestation/dcap/fields.h"
#include "base/byte_reader.h"
#include "base/encoding.h"
#include "crypto/digest.h"

namespace apm::attestation::tdx {
namespace {

constexpr std::string_view kModel = "Intel TDX";
constexpr std::string_view kEnclaveDomain("apm-enclave-id-v1\0tdx\0", 22);

}  // namespace

Result<std::string> enclave_id(const TdReport& report) {
  const bool measured = std::any_of(report.rtmr.begin(), report.rtmr.end(),
                                    [](const Register& rtmr) { return !dcap::all_zero(rtmr); });
  if (!measured) {
    return dcap::refused("tdx_identity_unmeasured",
                         "RTMR0 to RTMR3 are zero: the report names the launch image alone, not "
                         "the software that runs; on Azure use the vTPM's evidence");
  }
  const Register* const registers[] = {
      &report.mr_td,   &report.rtmr[0],      &report.rtmr[1],  &report.rtmr[2],
      &report.rtmr[3], &report.mr_config_id, &report.mr_owner, &report.mr_owner_config};
  Bytes text = to_bytes(kEnclaveDomain);
  std::uint32_t index = 0;
  for (const Register* one : registers) {
    append_u32_be(text, index++);
    append_u32_be(text, static_cast<std::uint32_t>(one->size()));
    append(text, *one);
  }
  return hex_encode(crypto::sha256(text));
}

json::Object hardware_claims() { return dcap::hardware_claims(kModel); }

Result<EvidenceResult> result_of(const Claims& claims) {
  EvidenceResult out;
  APM_TRY(out.enclave_id, enclave_id(claims.report));
  out.family = "tdx";
  out.claims = dcap::common_claims(claims.evidence, kModel, claims.report.debug());
  out.claims.set("tdx", own_claims(claims));
  if (claims.evidence.chain) out.trust_anchor = claims.evidence.chain->anchor->name;
  out.vendor_anchor = out.trust_anchor == dcap::kVendorAnchorName;
  out.signer.reason = "tdx_no_signer";
  out.signer.message =
      "nothing in a TD report is signed by an image's owner: authorise the Enclave ID";
  return out;
}

}  // namespace apm::attestation::tdx
