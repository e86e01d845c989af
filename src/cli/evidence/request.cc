#include "cli/evidence/request.h"

#include "attestation/azure_vtpm/verify.h"
#include "base/encoding.h"
#include "base/text.h"
#include "cli/evidence/amd_inputs.h"
#include "cli/evidence/dcap_inputs.h"
#include "cli/evidence/limits.h"
#include "cli/evidence/tpm_inputs.h"

namespace apm::cli::evidence {
namespace {

namespace azure = attestation::azure_vtpm;
namespace snp = attestation::snp;

// What verify takes from its caller, and a server from its configuration alone.
constexpr std::string_view kServers[] = {
    "root",        "policy_vmpl_max",      "policy_min_reported_snp_spl",
    "allow_vlek",  "allow_debug",          "nonce",
    "report_data", "report_data_preimage", "ccel",
    "ak",          "expected_issuer",      "host_data_preimage"};

Error bad_input(std::string_view input, std::string_view why) {
  return Error(Code::kInvalidArgument, "case_input", concat("input ", input, " ", why));
}

Status set_bytes(const Case& c, std::string_view input, std::string member, json::Object& out) {
  APM_TRY(const std::optional<Bytes> raw, c.optional_bytes(input));
  if (raw) out.set(std::move(member), base64_encode(*raw));
  return {};
}

void set_endorsements(const snp::Endorsements& endorsements, json::Object& out) {
  if (!endorsements.chain_pem.empty()) out.set("vcek_chain", endorsements.chain_pem);
  if (!endorsements.thim_json.empty()) out.set("thim", endorsements.thim_json);
  if (!endorsements.certificate_table.empty()) {
    out.set("certificate_table", base64_encode(endorsements.certificate_table));
  }
}

Result<json::Object> snp_members(const Case& c) {
  json::Object out{{"family", "snp"}};
  APM_TRY(snp::Endorsements endorsements, amd_endorsements(c));
  if (c.has("extended")) {
    if (c.has("report")) return bad_input("extended", "and report: give the extended report alone");
    APM_TRY(const Bytes extended, c.bytes("extended"));
    APM_TRY(const snp::ExtendedReport parts, snp::split_extended_report(extended));
    out.set("report", base64_encode(parts.report));
    if (endorsements.chain_pem.empty() && endorsements.thim_json.empty()) {
      endorsements.certificate_table = parts.certificate_table;
    }
  } else {
    APM_CHECK_OK(set_bytes(c, "report", "report", out));
  }
  set_endorsements(endorsements, out);
  APM_CHECK_OK(set_bytes(c, "crl", "amd_crl", out));
  return out;
}

// With the names of Intel's sgx_ql_qve_collateral_t.
Status set_collateral(const Case& c, json::Object& out) {
  APM_TRY(const auto read, intel_collateral(c));
  if (!read) return {};
  const attestation::dcap::Collateral& collateral = *read;
  out.set("collateral", json::write(json::Object{
                            {"tcb_info", collateral.tcb_info.body},
                            {"tcb_info_signature", hex_encode(collateral.tcb_info.signature)},
                            {"tcb_info_issuer_chain", collateral.tcb_info.chain_pem},
                            {"qe_identity", collateral.qe_identity.body},
                            {"qe_identity_signature", hex_encode(collateral.qe_identity.signature)},
                            {"qe_identity_issuer_chain", collateral.qe_identity.chain_pem},
                            {"pck_crl", hex_encode(collateral.pck_crl)},
                            {"root_ca_crl", hex_encode(collateral.root_crl)}}));
  return {};
}

Result<json::Object> intel_members(const Case& c) {
  json::Object out{{"family", c.family()}};
  APM_CHECK_OK(set_bytes(c, "quote", "quote", out));
  APM_CHECK_OK(set_collateral(c, out));
  return out;
}

// Which family it is stands in the report; a report that cannot be read is for the server to
// refuse.
std::string azure_family(ByteView hcl_report) {
  attestation::Appraisal unused;
  const auto hcl = azure::parse_hcl_report(hcl_report, unused);
  const bool tdx = hcl.ok() && hcl->hardware == azure::Hardware::kTdx;
  return std::string(tdx ? azure::kTdxFamily : azure::kFamily);
}

Result<json::Object> azure_members(const Case& c) {
  if (!c.has("hcl")) {
    return bad_input("hcl", "is missing: a quote alone says nothing about the machine");
  }
  APM_TRY(const Bytes hcl, c.bytes("hcl"));
  json::Object out{{"family", azure_family(hcl)}, {"hcl_report", base64_encode(hcl)}};
  APM_TRY(const snp::Endorsements endorsements, amd_endorsements(c));
  set_endorsements(endorsements, out);
  APM_CHECK_OK(set_bytes(c, "crl", "amd_crl", out));
  APM_CHECK_OK(set_bytes(c, "td_quote", "td_quote", out));
  APM_CHECK_OK(set_collateral(c, out));
  APM_CHECK_OK(set_bytes(c, "eventlog", "event_log", out));
  APM_TRY(const Bytes attest, c.bytes("tpm_msg"));
  attestation::Appraisal unused;
  APM_TRY(const Bytes signature, quote_signature(c, unused));
  out.set("quote",
          json::Object{{"attest", base64_encode(attest)}, {"signature", base64_encode(signature)}});
  APM_TRY(const Pcrs pcrs, pcr_values(c));
  json::Object values;
  for (const auto& [index, value] : pcrs.values) {
    values.set(std::to_string(index), hex_encode(value));
  }
  out.set("pcrs", std::move(values));
  return out;
}

Result<json::Object> signed_text_members(const Case& c) {
  if (c.family() == "nitro") {
    json::Object out{{"family", "aws-nitro"}};
    APM_CHECK_OK(set_bytes(c, "doc", "document", out));
    return out;
  }
  APM_TRY(const Bytes token, c.bytes("jwt"));
  APM_TRY(const Bytes keys, c.bytes("jwks"));
  return json::Object{{"family", "maa"}, {"token", trim(as_text(token))}, {"jwks", as_text(keys)}};
}

}  // namespace

Result<json::Object> explain_request(const Case& c) {
  for (const std::string_view input : kServers) {
    if (!c.has(input)) continue;
    return bad_input(input,
                     "is no evidence: the server judges by its own configuration, and a "
                     "file answers no challenge (verify judges by it)");
  }
  if (c.family() == "snp") return snp_members(c);
  if (c.family() == "azure" || c.family() == "tpm") return azure_members(c);
  if (c.family() == "sgx" || c.family() == "tdx") return intel_members(c);
  return signed_text_members(c);
}

Result<json::Object> explain_request(ByteView saved_login) {
  json::Limits limits;
  limits.bytes_max = kInputBytesMax;
  const auto parsed = json::parse(saved_login, limits);
  if (!parsed.ok() || parsed->string_at("family") == nullptr) {
    return Error(Code::kInvalidArgument, "case_input",
                 "this JSON is not the body of a login: it has no member \"family\"");
  }
  json::Object out = *parsed->as_object();
  out.erase("nonce");
  out.erase("at");
  return out;
}

}  // namespace apm::cli::evidence
