#include "cli/evidence/identify.h"

#include "attestation/azure_vtpm/hcl_report.h"
#include "attestation/azure_vtpm/verify.h"
#include "attestation/identity.h"
#include "attestation/maa/identity.h"
#include "attestation/nitro/document.h"
#include "attestation/nitro/identity.h"
#include "attestation/sgx/result.h"
#include "attestation/snp/verify.h"
#include "attestation/tdx/result.h"
#include "base/text.h"
#include "cli/evidence/tpm_inputs.h"
#include "crypto/jws.h"

namespace apm::cli::evidence {
namespace {

using attestation::Appraisal;

void set_enclave(Result<std::string> id, Identity& out) {
  if (id.ok()) {
    out.enclave_id = std::move(*id);
  } else {
    out.enclave_reason = id.error().reason;
    out.enclave_message = id.error().message;
  }
}

Result<Identity> of_snp(const Case& c) {
  APM_TRY(Bytes raw, c.bytes(c.has("extended") ? "extended" : "report"));
  if (raw.size() > attestation::snp::kReportSize) raw.resize(attestation::snp::kReportSize);
  Appraisal appraisal;
  APM_TRY(const attestation::snp::Report report, attestation::snp::parse_report(raw, appraisal));
  Identity out{.family = "snp",
               .enclave_id = attestation::snp::enclave_id(report),
               .enclave_reason = "",
               .enclave_message = "",
               .signer = attestation::snp::signer(report)};
  return out;
}

Result<Identity> of_quote(const Case& c) {
  APM_TRY(const Bytes raw, c.bytes("quote"));
  APM_TRY(attestation::dcap::Quote quote, attestation::dcap::parse_quote(raw));
  Identity out;
  out.family = c.family();
  if (c.family() == "tdx") {
    APM_TRY(const attestation::tdx::TdReport report, attestation::tdx::parse_td_report(quote));
    set_enclave(attestation::tdx::enclave_id(report), out);
    out.signer.reason = "tdx_no_signer";
    out.signer.message = "no key has signed what a TD calls its owner: a TD has no Signer ID";
    return out;
  }
  attestation::sgx::Claims claims;
  APM_TRY(claims.report, attestation::dcap::parse_enclave_report(quote.body));
  claims.evidence.quote = std::move(quote);
  const attestation::EvidenceResult result = attestation::sgx::result_of(claims);
  out.enclave_id = result.enclave_id;
  out.signer = result.signer;
  return out;
}

Result<Identity> of_azure(const Case& c) {
  APM_TRY(const Bytes raw, c.bytes("hcl"));
  Appraisal appraisal;
  APM_TRY(const attestation::azure_vtpm::HclReport hcl,
          attestation::azure_vtpm::parse_hcl_report(raw, appraisal));
  const bool tdx = hcl.hardware == attestation::azure_vtpm::Hardware::kTdx;
  Identity out;
  out.family = tdx ? attestation::azure_vtpm::kTdxFamily : attestation::azure_vtpm::kFamily;
  if (!c.has("pcrs")) {
    out.enclave_reason = "identity_pcr_missing";
    out.enclave_message =
        "the report alone names no guest software: add pcrs=FILE and eventlog=FILE";
    out.signer.reason = out.enclave_reason;
    out.signer.message = out.enclave_message;
    return out;
  }
  APM_TRY(const Pcrs given, pcr_values(c));
  const attestation::tpm::PcrValues& pcrs = given.values;
  APM_TRY(const std::optional<Bytes> log, c.optional_bytes("eventlog"));
  set_enclave(attestation::azure_vtpm_enclave_id(pcrs, out.family), out);
  out.signer = attestation::azure_vtpm_signer(log.value_or(Bytes()), pcrs);
  return out;
}

Result<Identity> of_nitro(const Case& c) {
  APM_TRY(const Bytes raw, c.bytes("doc"));
  APM_TRY(const attestation::nitro::Document document, attestation::nitro::parse_document(raw));
  Identity out;
  out.family = "aws-nitro";
  set_enclave(attestation::nitro::enclave_id(document.pcrs), out);
  out.signer = attestation::nitro::signer_of(document.pcrs);
  return out;
}

Result<Identity> of_maa(const Case& c) {
  APM_TRY(const Bytes raw, c.bytes("jwt"));
  APM_TRY(const crypto::Jws jws, crypto::parse_jws(trim(as_text(raw))));
  APM_CHECK_OK(attestation::maa::check_token_type(jws.payload));
  APM_TRY(const attestation::maa::Token token, attestation::maa::read_token(jws.payload));
  Identity out;
  out.family = "maa";
  set_enclave(attestation::maa::enclave_id(token), out);
  out.signer = attestation::maa::signer_of(token);
  return out;
}

}  // namespace

Result<Identity> identify(const Case& c) {
  if (c.family() == "snp") return of_snp(c);
  if (c.family() == "sgx" || c.family() == "tdx") return of_quote(c);
  if (c.family() == "azure") return of_azure(c);
  if (c.family() == "nitro") return of_nitro(c);
  if (c.family() == "maa") return of_maa(c);
  return Error(Code::kInvalidArgument, "evidence_identity",
               "a TPM quote alone names no machine: give the HCL report that vouches for its key");
}

}  // namespace apm::cli::evidence
