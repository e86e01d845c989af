#include "auth/apm/families.h"

#include <array>

#include "attestation/azure_vtpm/verify.h"
#include "attestation/identity.h"
#include "attestation/sgx/result.h"
#include "attestation/snp/verify.h"
#include "attestation/tdx/result.h"
#include "attestation/tpm/public_area.h"
#include "auth/apm/judge_maa.h"
#include "auth/apm/wire_values.h"
#include "base/text.h"

namespace apm::auth_apm {
namespace {

namespace azure = attestation::azure_vtpm;
namespace dcap = attestation::dcap;
namespace nitro = attestation::nitro;
namespace sgx = attestation::sgx;
namespace snp = attestation::snp;
namespace tdx = attestation::tdx;
using attestation::Appraisal;
using attestation::EvidenceResult;
using attestation::Stage;

constexpr std::size_t kReportDataAt = 0x50;  // in an SNP report
constexpr std::size_t kReportDataBytes = 64;

// REPORT_DATA of SNP, SGX and TDX is twice as long as a binding; what is left is zero.
Bytes report_data_for(const Challenged& challenged) {
  Bytes out = challenged.binding;
  out.resize(kReportDataBytes);
  return out;
}

// ---- Direct SNP ----

struct AmdMembers {
  snp::Endorsements endorsements;
  Bytes crl;

  [[nodiscard]] bool has_chain() const {
    return !endorsements.chain_pem.empty() || !endorsements.certificate_table.empty() ||
           !endorsements.thim_json.empty();
  }
};

// What came, and what was fetched where nothing came.
Result<AmdMembers> read_amd(const json::Value& body, const Judge& judge) {
  AmdMembers out;
  APM_TRY(out.endorsements.chain_pem, optional_text(body, "vcek_chain"));
  APM_TRY(out.endorsements.certificate_table, optional_base64(body, "certificate_table"));
  APM_TRY(out.endorsements.thim_json, optional_text(body, "thim"));
  APM_TRY(out.crl, optional_base64(body, "amd_crl"));
  if (judge.fetched == nullptr) return out;
  if (!out.has_chain()) out.endorsements.chain_pem = judge.fetched->vcek_pem;
  if (out.crl.empty()) out.crl = judge.fetched->amd_crl;
  return out;
}

snp::Expectation expect_snp(ByteView report, const Judge& judge) {
  snp::Expectation expected;
  expected.anchors = judge.anchors.amd;
  expected.now_unix_s = judge.now_unix_s;
  expected.require_crl = judge.config.require_crl;
  expected.floor = judge.config.floor;
  if (judge.challenged) {
    expected.report_data = report_data_for(*judge.challenged);
  } else if (report.size() >= kReportDataAt + kReportDataBytes) {
    expected.report_data = to_bytes(report.subspan(kReportDataAt, kReportDataBytes));
  }
  return expected;
}

Result<Judged> verify_snp(const json::Value& body, const Judge& judge, Appraisal& appraisal) {
  snp::Evidence evidence;
  APM_TRY(evidence.report, base64_member(&body, "report"));
  APM_TRY(AmdMembers amd, read_amd(body, judge));
  evidence.endorsements = std::move(amd.endorsements);
  evidence.crl = std::move(amd.crl);
  APM_TRY(const snp::Claims claims,
          snp::verify(evidence, expect_snp(evidence.report, judge), appraisal));
  return Judged{snp::to_result(claims, judge.config.allowed_public_signers), {}};
}

// ---- Intel ----

Result<std::optional<dcap::Collateral>> read_collateral(const json::Value& body,
                                                        const Judge& judge) {
  APM_TRY(const std::string text, optional_text(body, "collateral"));
  if (text.empty()) {
    return judge.fetched == nullptr ? std::optional<dcap::Collateral>() : judge.fetched->intel;
  }
  APM_TRY(dcap::Collateral read, dcap::collateral_from_json(text));
  return std::optional<dcap::Collateral>(std::move(read));
}

Result<dcap::Expectation> expect_dcap(ByteView quote, const Judge& judge) {
  if (judge.challenged) {
    return dcap::Expectation{judge.anchors.intel, judge.now_unix_s,
                             report_data_for(*judge.challenged)};
  }
  const auto parsed = dcap::parse_quote(quote);  // what is wrong with it, the verifier says
  return dcap::Expectation{judge.anchors.intel, judge.now_unix_s,
                           parsed.ok() ? dcap::report_data_of(*parsed) : Bytes(kReportDataBytes)};
}

Result<Judged> verify_sgx(const json::Value& body, const Judge& judge, Appraisal& appraisal) {
  APM_TRY(const Bytes quote, base64_member(&body, "quote"));
  APM_TRY(const std::optional<dcap::Collateral> collateral, read_collateral(body, judge));
  APM_TRY(const dcap::Expectation expected, expect_dcap(quote, judge));
  APM_TRY(const sgx::Claims claims, sgx::verify(quote, collateral ? &*collateral : nullptr,
                                                expected, judge.config.sgx, appraisal));
  return Judged{sgx::result_of(claims), {}};
}

Result<tdx::Claims> verify_td(ByteView quote, const dcap::Collateral* collateral,
                              const Judge& judge, Appraisal& appraisal) {
  APM_TRY(const dcap::Expectation expected, expect_dcap(quote, judge));
  return tdx::verify(quote, collateral, expected, judge.config.tdx, appraisal);
}

Result<Judged> verify_tdx(const json::Value& body, const Judge& judge, Appraisal& appraisal) {
  APM_TRY(const Bytes quote, base64_member(&body, "quote"));
  APM_TRY(const std::optional<dcap::Collateral> collateral, read_collateral(body, judge));
  APM_TRY(const tdx::Claims claims,
          verify_td(quote, collateral ? &*collateral : nullptr, judge, appraisal));
  auto result = tdx::result_of(claims);
  APM_CHECK_OK(appraisal.require(result.ok() ? Status() : Status(result.error()), Stage::kPolicy,
                                 "tdx_identity_unmeasured"));
  APM_CHECK_OK(result);
  return Judged{std::move(*result), {}};
}

// ---- Azure's vTPM over either ----

Result<azure::AzureVtpmEvidence> read_azure(const json::Value& body, const Judge& judge) {
  azure::AzureVtpmEvidence out;
  APM_TRY(out.platform.hcl_report, base64_member(&body, "hcl_report"));
  APM_TRY(AmdMembers amd, read_amd(body, judge));
  out.platform.endorsements = std::move(amd.endorsements);
  out.platform.crl = std::move(amd.crl);
  APM_TRY(out.platform.td_quote, optional_base64(body, "td_quote"));
  APM_TRY(SignedMember quote, signed_member(body, "quote"));
  out.quote.attest = std::move(quote.attest);
  out.quote.signature = std::move(quote.signature);
  APM_TRY(out.quote.pcrs, pcr_members(body.at("pcrs")));
  if (!judge.challenged) {
    APM_TRY(out.event_log, optional_base64(body, "event_log"));
    if (body.at("key_public") == nullptr) return out;
  } else {
    APM_TRY(out.event_log, base64_member(&body, "event_log"));
  }
  APM_TRY(out.key_public, base64_member(&body, "key_public"));
  APM_TRY(SignedMember certified, signed_member(body, "key_certify"));
  out.certify_attest = std::move(certified.attest);
  out.certify_signature = std::move(certified.signature);
  return out;
}

// A login quotes exactly the PCRs that its challenge names; a file may hold more of them.
std::vector<unsigned> required_pcrs(const attestation::tpm::PcrValues& quoted) {
  std::vector<unsigned> all;
  for (const auto& [index, value] : quoted) all.push_back(index);
  for (const unsigned index : attestation::login_pcrs()) {
    if (!quoted.contains(index)) return attestation::login_pcrs();
  }
  return all;
}

azure::TdVerdict td_verdict(const tdx::Claims& claims) {
  azure::TdVerdict out;
  out.report_data = to_bytes(claims.report.report_data);
  out.debug = claims.report.debug();
  out.eat = tdx::hardware_claims();
  out.tdx = tdx::own_claims(claims);
  if (claims.evidence.chain) out.trust_anchor = claims.evidence.chain->anchor->name;
  out.vendor_anchor = out.trust_anchor == dcap::kVendorAnchorName;
  return out;
}

azure::Expectation expect_azure(const azure::AzureVtpmEvidence& evidence, const Judge& judge) {
  azure::Expectation out;
  if (judge.challenged) {
    out.binding = judge.challenged->binding;
    out.required_pcrs = attestation::login_pcrs();
  } else {
    const auto quote = attestation::tpm::parse_attest(evidence.quote.attest);
    if (quote.ok()) out.binding = quote->extra_data;
    out.required_pcrs = required_pcrs(evidence.quote.pcrs);
  }
  out.anchors = judge.anchors.amd;
  out.now_unix_s = judge.now_unix_s;
  out.allowed_public_signers = judge.config.allowed_public_signers;
  out.require_crl = judge.config.require_crl;
  out.floor = judge.config.floor;
  out.guest = judge.config.guest;
  return out;
}

Result<Judged> verify_azure(const json::Value& body, const Judge& judge, Appraisal& appraisal) {
  APM_TRY(const azure::AzureVtpmEvidence evidence, read_azure(body, judge));
  APM_TRY(const std::optional<dcap::Collateral> collateral, read_collateral(body, judge));
  azure::Expectation expected = expect_azure(evidence, judge);
  expected.verify_td_quote = [&](ByteView quote, Appraisal& record) -> Result<azure::TdVerdict> {
    APM_TRY(const tdx::Claims claims,
            verify_td(quote, collateral ? &*collateral : nullptr,
                      {judge.config, judge.anchors, judge.now_unix_s, {}, nullptr}, record));
    return td_verdict(claims);  // what its REPORT_DATA must be, the HCL report says
  };
  auto claims = evidence.key_public.empty()
                    ? azure::verify_quoted({evidence.platform, evidence.quote, evidence.event_log},
                                           expected, appraisal)
                    : azure::verify(evidence, expected, appraisal);
  if (!claims.ok()) return claims.error();
  return Judged{std::move(claims->result), std::move(claims->caller_key)};
}

// ---- Nitro ----

Result<Judged> verify_nitro(const json::Value& body, const Judge& judge, Appraisal& appraisal) {
  APM_TRY(const Bytes document, base64_member(&body, "document"));
  nitro::Expectation expected;
  expected.anchors = judge.anchors.aws;
  expected.now_unix_s = judge.now_unix_s;
  expected.floor = judge.config.nitro;
  if (judge.challenged) {
    expected.nonce = judge.challenged->binding;
    expected.public_key = judge.challenged->caller_key;
  }
  APM_TRY(nitro::Verified verified, nitro::verify(document, expected, appraisal));
  return Judged{std::move(verified.evidence), {}};
}

// ---- The table ----

using Members = std::span<const std::string_view>;
using Name = std::string_view;
// Both kinds of machine: which one it is, the HCL report says (family_mismatch).
constexpr std::array<Name, 12> kAzure = {
    "hcl_report",        "quote", "pcrs",    "event_log", "key_public", "key_certify", "vcek_chain",
    "certificate_table", "thim",  "amd_crl", "td_quote",  "collateral"};
constexpr std::array<Name, 5> kSnp = {"report", "vcek_chain", "certificate_table", "thim",
                                      "amd_crl"};
constexpr std::array<Name, 2> kIntel = {"quote", "collateral"};
constexpr std::array<Name, 1> kNitro = {"document"};
constexpr std::array<Name, 2> kMaa = {"token", "jwks"};

struct Family {
  std::string_view name;
  CallerKey key;
  Members members;
  Result<Judged> (*verify)(const json::Value& body, const Judge& judge, Appraisal& appraisal);
};
constexpr std::array kFamilies = {
    Family{"azure-snp-vtpm", CallerKey::kCertified, kAzure, verify_azure},
    Family{"azure-tdx-vtpm", CallerKey::kCertified, kAzure, verify_azure},
    Family{"snp", CallerKey::kSent, kSnp, verify_snp},
    Family{"sgx", CallerKey::kSent, kIntel, verify_sgx},
    Family{"tdx", CallerKey::kSent, kIntel, verify_tdx},
    Family{"aws-nitro", CallerKey::kSent, kNitro, verify_nitro},
    Family{"maa", CallerKey::kSent, kMaa, verify_maa}};

Result<const Family*> find_family(std::string_view name) {
  for (const Family& family : kFamilies) {
    if (family.name == name) return &family;
  }
  return Error(Code::kInvalidArgument, "family_unsupported",
               concat("login: evidence family '", name.substr(0, 64), "' is not supported"));
}

// What a verifier would not look at is no evidence, and whoever sent it thinks otherwise.
Status check_members(const json::Object& body, const Family& family, const Judge& judge) {
  std::vector<Name> known(family.members.begin(), family.members.end());
  known.insert(known.end(), {"family", "nonce"});
  if (family.key == CallerKey::kSent) known.emplace_back("caller_key");
  if (!judge.challenged) known.emplace_back("at");
  return only_members(body, known);
}

}  // namespace

Result<CallerKey> caller_key_of(std::string_view family) {
  APM_TRY(const Family* found, find_family(family));
  return found->key;
}

Result<Judged> verify_evidence(const json::Object& evidence, const Judge& judge,
                               Appraisal& appraisal) {
  const json::Value body(evidence);
  APM_TRY(const std::string name, text_member(&body, "family"));
  APM_TRY(const Family* family, find_family(name));
  APM_CHECK_OK(check_members(evidence, *family, judge));
  APM_TRY(Judged judged, family->verify(body, judge, appraisal));
  const std::string& found = judged.result.family;
  APM_CHECK_OK(appraisal.require(
      found == name, {Stage::kFormat, "family_mismatch", concat("evidence of ", found), name}));
  return judged;
}

// ---- What it lacks ----

namespace {

// Of an SNP machine: its report stands alone, or in an HCL report. Nothing: it is not of one.
Result<Bytes> snp_report_of(const json::Value& body, std::string_view family) {
  if (family == "snp") return base64_member(&body, "report");
  APM_TRY(const Bytes blob, base64_member(&body, "hcl_report"));
  Appraisal unused;
  const auto hcl = azure::parse_hcl_report(blob, unused);
  const bool snp = hcl.ok() && hcl->hardware == azure::Hardware::kSnp;
  return snp ? hcl->hardware_report : Bytes();
}

// By the certificate, when it leads to a pinned root.
std::optional<snp::Product> product_of_chain(ByteView report, const AmdMembers& amd,
                                             const Judge& judge) {
  Appraisal unused;
  const auto parsed = snp::parse_report(report, unused);
  if (!parsed.ok()) return std::nullopt;
  const auto kind = parsed->key_info.signing_key() == 0 ? snp::KeyKind::kVcek : snp::KeyKind::kVlek;
  const auto vek = snp::verify_vek(amd.endorsements, kind,
                                   {judge.anchors.amd, judge.now_unix_s, {}, false}, unused);
  return vek.ok() ? std::optional(vek->product) : std::nullopt;
}

Result<std::optional<Lack>> lack_of_amd(const json::Value& body, std::string_view family,
                                        const Judge& judge) {
  APM_TRY(const AmdMembers amd, read_amd(body, judge));
  const bool list = amd.has_chain() && judge.config.require_crl && amd.crl.empty();
  if (amd.has_chain() && !list) return std::optional<Lack>();
  APM_TRY(Bytes report, snp_report_of(body, family));
  if (report.empty()) return std::optional<Lack>();
  if (!list) return std::optional(Lack{Lack::What::kVcek, std::move(report), {}});
  const auto product = product_of_chain(report, amd, judge);
  return std::optional(Lack{Lack::What::kAmdList, std::move(report), product});
}

Result<std::optional<Lack>> lack_of_intel(const json::Value& body, std::string_view family) {
  APM_TRY(const std::string collateral, optional_text(body, "collateral"));
  if (!collateral.empty()) return std::optional<Lack>();
  const bool azure = family == azure::kTdxFamily;
  APM_TRY(Bytes quote, optional_base64(body, azure ? "td_quote" : "quote"));
  if (quote.empty()) return std::optional<Lack>();
  return std::optional(Lack{Lack::What::kIntelDocuments, std::move(quote), {}});
}

}  // namespace

Result<std::optional<Lack>> what_lacks(const json::Object& evidence, const Judge& judge) {
  const json::Value body(evidence);
  APM_TRY(const std::string name, text_member(&body, "family"));
  if (name == snp::kFamily || name == azure::kFamily) return lack_of_amd(body, name, judge);
  if (name == "sgx" || name == "tdx" || name == azure::kTdxFamily) {
    return lack_of_intel(body, name);
  }
  return std::optional<Lack>();
}

Status check_unproved(const json::Object& evidence, const Judge& judge, Appraisal& appraisal) {
  const json::Value body(evidence);
  APM_TRY(const std::string name, text_member(&body, "family"));
  APM_TRY(const Family* family, find_family(name));
  APM_CHECK_OK(check_members(evidence, *family, judge));
  if (name == snp::kFamily) {
    APM_TRY(const Bytes report, base64_member(&body, "report"));
    return snp::check_unproved(report, expect_snp(report, judge), appraisal);
  }
  APM_TRY(const azure::AzureVtpmEvidence read, read_azure(body, judge));
  return azure::check_unproved(read, expect_azure(read, judge), appraisal);
}

}  // namespace apm::auth_apm
