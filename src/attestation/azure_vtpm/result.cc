#include "attestation/azure_vtpm/result.h"

#include "base/encoding.h"

namespace apm::attestation::azure_vtpm {
namespace {

json::Object hcl_claims(const PlatformClaims& platform) {
  const RuntimeClaims& runtime = platform.runtime;
  json::Array keys;
  for (const std::string& id : runtime.key_ids) keys.emplace_back(id);
  json::Object out{{"keys", std::move(keys)},
                   {"vm_configuration", runtime.vm_configuration},
                   {"vm_id", runtime.vm_id}};
  if (runtime.secure_boot) out.set("secure_boot", *runtime.secure_boot);
  if (runtime.user_data) out.set("user_data", hex_encode(*runtime.user_data));
  return out;
}

void add_hardware(const PlatformClaims& platform, EvidenceResult& result) {
  if (platform.snp) {
    snp::add_eat_claims(*platform.snp, result.claims);
    result.claims.set("sevsnp", snp::sevsnp_claims(*platform.snp));
    result.trust_anchor = platform.snp->anchor;
    result.vendor_anchor = platform.snp->vendor_anchor;
  } else if (platform.tdx) {
    for (const auto& [name, value] : platform.tdx->eat) result.claims.set(name, value);
    result.claims.set(std::string(kDebugStatus),
                      platform.tdx->debug ? kDebugEnabled : kDebugDisabled);
    result.claims.set("tdx", platform.tdx->tdx);
    result.trust_anchor = platform.tdx->trust_anchor;
    result.vendor_anchor = platform.tdx->vendor_anchor;
  }
}

}  // namespace

json::Object tpm_claims(const tpm::Attest& quote, const tpm::PcrValues& pcrs) {
  json::Object values;
  for (const auto& [index, value] : pcrs) values.set(std::to_string(index), hex_encode(value));
  return json::Object{
      {"pcrs", std::move(values)},        {"pcr_digest", hex_encode(quote.pcr_digest)},
      {"reset_count", quote.reset_count}, {"restart_count", quote.restart_count},
      {"clock_ms", quote.clock},          {"clock_safe", quote.safe}};
}

Result<EvidenceResult> to_result(const Claims& claims, ByteView event_log,
                                 const std::set<std::string>& allowed_public) {
  EvidenceResult result;
  result.family = claims.platform.hardware == Hardware::kSnp ? kFamily : kTdxFamily;
  result.claims.set(std::string(kEatProfile), kClaimsProfile);
  result.claims.set(std::string(kEatNonce), base64url_encode(claims.quote.extra_data));
  add_hardware(claims.platform, result);
  result.claims.set("azure_hcl", hcl_claims(claims.platform));
  result.claims.set("tpm", tpm_claims(claims.quote, claims.pcrs));
  APM_TRY(result.enclave_id, azure_vtpm_enclave_id(claims.pcrs, result.family));
  result.signer = azure_vtpm_signer(event_log, claims.pcrs, allowed_public);
  if (result.signer.exists()) {
    result.claims.set("signer_common_name", result.signer.common_name);
  }
  return result;
}

}  // namespace apm::attestation::azure_vtpm
