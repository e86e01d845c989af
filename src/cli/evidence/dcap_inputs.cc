#include "cli/evidence/dcap_inputs.h"

namespace apm::cli::evidence {
namespace {

using attestation::dcap::Collateral;

Result<std::string> text_of(const Case& c, std::string_view input) {
  APM_TRY(const std::optional<Bytes> raw, c.optional_bytes(input));
  return raw ? std::string(as_text(*raw)) : std::string();
}

Result<std::optional<Collateral>> from(Result<Collateral> read) {
  if (!read.ok()) return read.error();
  return std::optional<Collateral>(std::move(*read));
}

}  // namespace

Result<attestation::dcap::Anchors> intel_anchors(const Case& c) {
  if (!c.has("root")) return attestation::dcap::Anchors::vendor();
  attestation::dcap::Anchors anchors = attestation::dcap::Anchors::none();
  APM_TRY(const std::string pem, c.certificate_pem("root"));
  APM_CHECK_OK(anchors.add_named("case", pem));
  return anchors;
}

Result<std::optional<Collateral>> intel_collateral(const Case& c) {
  if (c.has("collateral")) {
    APM_TRY(const std::string text, text_of(c, "collateral"));
    return from(attestation::dcap::collateral_from_json(text));
  }
  bool any = false;
  for (const char* name :
       {"tcb_info", "tcb_chain", "qe_identity", "qe_chain", "pck_crl", "root_crl"}) {
    any = any || c.has(name);
  }
  if (!any) return std::optional<Collateral>();
  attestation::dcap::CollateralFiles files;
  APM_TRY(files.tcb_info, text_of(c, "tcb_info"));
  APM_TRY(files.tcb_info_chain_pem, text_of(c, "tcb_chain"));
  APM_TRY(files.qe_identity, text_of(c, "qe_identity"));
  APM_TRY(files.qe_identity_chain_pem, text_of(c, "qe_chain"));
  APM_TRY(const std::optional<Bytes> pck_crl, c.optional_bytes("pck_crl"));
  APM_TRY(const std::optional<Bytes> root_crl, c.optional_bytes("root_crl"));
  files.pck_crl = pck_crl.value_or(Bytes());
  files.root_crl = root_crl.value_or(Bytes());
  return from(attestation::dcap::collateral_from_files(files));
}

}  // namespace apm::cli::evidence
