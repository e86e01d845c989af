// Captured hardware evidence with expected verdicts, stages and facts (cases.json of the vectors
// directory): the families snp, azure and tpm. A fact that no parser here reads is a failure.

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <numeric>
#include <set>

#include "attestation/azure_vtpm/result.h"
#include "attestation/azure_vtpm/verify.h"
#include "attestation/testing/vector_cases.h"
#include "base/byte_reader.h"
#include "base/clock.h"
#include "base/encoding.h"
#include "base/file.h"
#include "base/text.h"

namespace apm::attestation {
namespace {

using testing::vectors_directory;

using Facts = std::map<std::string, json::Value>;

std::string short_hex(std::uint64_t value) {
  Bytes raw;
  append_u64_be(raw, value);
  std::string digits = hex_encode(raw);
  digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size() - 1));
  return "0x" + digits;
}

std::string little_endian(std::uint64_t value) {
  Bytes raw;
  append_u64_le(raw, value);
  return hex_encode(raw);
}

// One case, and what was read of its evidence.
class Case : public testing::VectorCase {
 public:
  explicit Case(VectorCase one) : VectorCase(std::move(one)) {}
  // "all" and "quote": no limit.
  [[nodiscard]] Appraisal appraisal() const {
    const auto stage = stage_of(text("stage"));
    return stage ? Appraisal(*stage) : Appraisal();
  }
  [[nodiscard]] std::uint32_t vmpl_max() const {
    const json::Value* asked = value("policy_vmpl_max");
    return asked == nullptr ? 3 : static_cast<std::uint32_t>(*asked->as_uint());
  }
};

// ---- Inputs ----

std::string pem_of(const Case& c) {
  std::string pem;
  for (const char* name : {"vek", "intermediate"}) {
    if (c.has(name)) pem += crypto::Certificate::from_der(c.input(name))->pem();
  }
  return pem;
}

// The case's root is the only anchor, as the case says; without one, the built-in set.
snp::Anchors anchors_of(const Case& c) {
  if (!c.has("root") || c.has("td_quote")) return *snp::Anchors::vendor();
  snp::Anchors anchors = snp::Anchors::none();
  EXPECT_TRUE(
      anchors.add_named("case", crypto::Certificate::from_der(c.input("root"))->pem()).ok());
  return anchors;
}

tpm::PcrValues pcrs_of(const Case& c) {
  tpm::PcrValues pcrs;
  if (!c.has("pcrs")) return pcrs;
  const Bytes raw = c.input("pcrs");
  for (unsigned i = 0; i * 32 < raw.size(); ++i) {
    pcrs[i] = to_bytes(ByteView(raw).subspan(std::size_t{i} * 32, 32));
  }
  return pcrs;
}

std::vector<unsigned> all_pcrs() {
  std::vector<unsigned> out(24);
  std::iota(out.begin(), out.end(), 0U);
  return out;
}

// A captured VLEK is as good as its case says; the product's own default refuses it.
snp::Floor floor_of(const Case& c) {
  snp::Floor floor;
  floor.allow_vlek = true;
  floor.vmpl_max = c.vmpl_max();
  return floor;
}

// Stands in for the verifier of TD quotes: REPORTDATA of a version 4 quote, nothing proved.
Result<azure_vtpm::TdVerdict> read_td_quote(ByteView quote, Appraisal&) {
  azure_vtpm::TdVerdict verdict;
  verdict.report_data = to_bytes(quote.subspan(48 + 520, 64));
  return verdict;
}

// ---- Verifying ----

Result<Bytes> signature_of(const Case& c, Appraisal& appraisal) {
  if (!c.has("tpm_sig_tpmt")) return c.input(c.has("tpm_sig_raw") ? "tpm_sig_raw" : "tpm_sig");
  auto raw = tpm::rsassa_from_tpmt(c.input("tpm_sig_tpmt"));
  APM_CHECK_OK(appraisal.require(raw.ok() ? Status() : Status(raw.error()), Stage::kFormat,
                                 "tpm_signature_format"));
  return raw;
}

Status verify_snp(const Case& c, const snp::Anchors& anchors, Appraisal& appraisal) {
  snp::Expectation expected;
  expected.anchors = &anchors;
  expected.now_unix_s = c.time();
  expected.floor = floor_of(c);
  const snp::Endorsements endorsements{c.has("vek") ? pem_of(c) : "", {}, ""};
  if (!c.has("report")) {  // a certificate alone
    return snp::verify_vek(endorsements, snp::KeyKind::kVcek,
                           {&anchors, expected.now_unix_s, {}, false}, appraisal)
                   .ok()
               ? Status()
               : appraisal.verdict();
  }
  const Bytes report = c.input("report");
  if (report.size() >= 0x90) expected.report_data = to_bytes(ByteView(report).subspan(0x50, 64));
  APM_CHECK_OK(snp::verify({report, endorsements, {}}, expected, appraisal));
  return {};
}

Status verify_quote(const Case& c, Appraisal& appraisal) {
  const Bytes key = c.input("ak");
  APM_TRY(const crypto::PublicKey ak, as_text(key).starts_with("-----")
                                          ? crypto::PublicKey::from_pem(as_text(key))
                                          : crypto::PublicKey::from_spki_der(key));
  APM_TRY(const Bytes signature, signature_of(c, appraisal));
  APM_CHECK_OK(tpm::verify_quote({c.input("tpm_msg"), signature, ak}, pcrs_of(c),
                                 {c.input("nonce"), all_pcrs()}, appraisal));
  return {};
}

Status verify_azure(const Case& c, const snp::Anchors& anchors, Appraisal& appraisal) {
  azure_vtpm::Expectation expected;
  expected.anchors = &anchors;
  expected.now_unix_s = c.time();
  expected.required_pcrs = all_pcrs();
  expected.floor = floor_of(c);
  expected.verify_td_quote = read_td_quote;
  if (c.has("nonce")) expected.binding = c.input("nonce");
  azure_vtpm::PlatformEvidence platform;
  platform.hcl_report = c.input("hcl");
  if (c.has("vek")) platform.endorsements.chain_pem = pem_of(c);
  if (c.has("td_quote")) platform.td_quote = c.input("td_quote");
  const bool rooted = c.has("vek") || c.has("td_quote");
  APM_TRY(const azure_vtpm::PlatformClaims claims,
          rooted ? azure_vtpm::appraise_platform(platform, expected, appraisal)
                 : azure_vtpm::appraise_unrooted(platform.hcl_report, appraisal));
  if (c.has("tpm_msg")) {
    APM_TRY(const Bytes signature, signature_of(c, appraisal));
    APM_CHECK_OK(azure_vtpm::appraise_quote({c.input("tpm_msg"), signature, pcrs_of(c)},
                                            claims.runtime, expected, appraisal));
  }
  return appraisal.verdict();
}

Status verify_case(const Case& c, Appraisal& appraisal) {
  const snp::Anchors anchors = anchors_of(c);
  if (c.text("family") == "snp") return verify_snp(c, anchors, appraisal);
  return c.has("hcl") ? verify_azure(c, anchors, appraisal) : verify_quote(c, appraisal);
}

// ---- Facts ----

void add_identity_facts(const snp::Report& r, Facts& facts) {
  facts["report_data"] = hex_encode(r.report_data);
  facts["measurement"] = hex_encode(r.measurement);
  facts["host_data"] = hex_encode(r.host_data);
  facts["id_key_digest"] = hex_encode(r.id_key_digest);
  facts["author_key_digest"] = hex_encode(r.author_key_digest);
  facts["report_id"] = hex_encode(r.report_id);
  facts["family_id"] = hex_encode(r.family_id);
  facts["image_id"] = hex_encode(r.image_id);
}

Facts report_facts(ByteView raw) {
  Appraisal appraisal;
  const auto parsed = snp::parse_report(raw, appraisal);
  if (!parsed.ok()) return {};
  const snp::Report& r = *parsed;
  Facts facts;
  facts["version"] = r.version;
  facts["guest_svn"] = r.guest_svn;
  facts["policy"] = short_hex(r.policy.raw);
  facts["debug_allowed"] = r.policy.debug();
  facts["vmpl"] = r.vmpl;
  facts["platform_info"] = short_hex(r.platform_info);
  facts["key_info"] = short_hex(r.key_info.raw);
  facts["signing_key"] = r.key_info.signing_key();
  facts["current_tcb"] = hex_encode(r.current_tcb);
  facts["reported_tcb"] = hex_encode(r.reported_tcb);
  facts["committed_tcb"] = hex_encode(r.committed_tcb);
  facts["launch_tcb"] = hex_encode(r.launch_tcb);
  const snp::Cpuid cpu = r.cpuid.value_or(snp::Cpuid{});
  facts["cpuid_fms"] = hex_encode(Bytes{cpu.family, cpu.model, cpu.stepping});
  facts["chip_id"] = hex_encode(r.chip_id);
  facts["launch_mit_vector"] = little_endian(r.launch_mitigations);
  facts["current_mit_vector"] = little_endian(r.current_mitigations);
  add_identity_facts(r, facts);
  return facts;
}

void add_quote_facts(const Case& c, Facts& facts) {
  const auto quote = tpm::parse_attest(c.input("tpm_msg"));
  ASSERT_TRUE(quote.ok());
  facts["extra_data"] = hex_encode(quote->extra_data);
  facts["pcr_digest"] = hex_encode(quote->pcr_digest);
  std::string selections;
  for (const tpm::PcrSelection& selection : quote->selections) {
    Bytes bitmap(3, 0);
    for (const unsigned i : selection.indexes) {
      bitmap[i / 8] = static_cast<std::uint8_t>(bitmap[i / 8] | 1U << (i % 8));
    }
    selections += concat("('", short_hex(selection.bank), "', '", hex_encode(bitmap), "')");
  }
  facts["pcr_selection"] = concat("[", selections, "]");
  const tpm::PcrValues pcrs = pcrs_of(c);
  for (const auto& [name, index] : {std::pair{"pcr08", 8U}, std::pair{"pcr11", 11U}}) {
    if (pcrs.contains(index)) facts[name] = hex_encode(pcrs.at(index));
  }
}

void add_hardware_facts(const azure_vtpm::HclReport& hcl, Facts& facts) {
  if (hcl.hardware == azure_vtpm::Hardware::kSnp) {
    for (const auto& [name, value] : report_facts(hcl.hardware_report)) {
      facts["snp_" + name] = value;
    }
    return;
  }
  const auto td = azure_vtpm::parse_td_report(hcl.hardware_report);
  ASSERT_TRUE(td.ok());
  facts["td_mrtd"] = hex_encode(td->mrtd);
  facts["td_report_data"] = hex_encode(td->report_data);
  facts["td_attributes"] = hex_encode(td->attributes);
}

void add_hcl_facts(const Case& c, Facts& facts) {
  Appraisal appraisal;
  const auto hcl = azure_vtpm::parse_hcl_report(c.input("hcl"), appraisal);
  ASSERT_TRUE(hcl.ok());
  facts["hcl_version"] = hcl->version;
  facts["request_type"] = hcl->request_type;
  facts["request_version"] = hcl->request_version;
  facts["report_type"] = hcl->report_type;
  facts["hash_type"] = hcl->hash_type;
  facts["json_size"] = hcl->runtime_claims.size();
  facts["json_offset"] = hcl->claims_offset;
  facts["runtime_sha256"] = hex_encode(crypto::sha256(hcl->runtime_claims));
  const auto runtime = azure_vtpm::parse_runtime_claims(hcl->runtime_claims);
  ASSERT_TRUE(runtime.ok());
  facts["user_data"] = json::Null{};
  if (runtime->user_data) facts["user_data"] = hex_encode(*runtime->user_data);
  facts["vm_id"] = runtime->vm_id;
  add_hardware_facts(*hcl, facts);
}

Facts facts_of(const Case& c) {
  Facts facts;
  if (c.has("report")) facts = report_facts(c.input("report"));
  if (c.has("hcl")) add_hcl_facts(c, facts);
  if (c.has("tpm_msg")) add_quote_facts(c, facts);
  if (c.has("host_data_preimage")) {
    const std::string hash = hex_encode(crypto::sha256(c.input("host_data_preimage")));
    if (*facts.at("host_data").as_string() == hash) {
      facts["host_data_is"] = "sha256(host_data_preimage)";
    }
  }
  return facts;
}

// The CSP id is in the certificate, which is read on the way to a verdict.
json::Value csp_id_of(const Case& c) {
  const snp::Anchors anchors = anchors_of(c);
  Appraisal appraisal;
  const auto vek = snp::verify_vek({pem_of(c), {}, ""}, snp::KeyKind::kVlek,
                                   {&anchors, c.time(), {}, false}, appraisal);
  return vek.ok() ? json::Value(vek->csp_id) : json::Value();
}

void compare_facts(const Case& c) {
  const json::Object& wanted = c.facts();
  if (wanted.empty()) return;
  Facts read = facts_of(c);
  if (wanted.find("csp_id") != nullptr) read["csp_id"] = csp_id_of(c);
  for (const auto& [name, value] : wanted) {
    const auto found = read.find(name);
    if (found == read.end()) {
      ADD_FAILURE() << c.text("id") << ": nothing reads the fact " << name;
    } else {
      EXPECT_EQ(json::write(found->second), json::write(value)) << c.text("id") << ": " << name;
    }
  }
}

// ---- The cases ----

// The reason of every case that must be refused.
const std::map<std::string, std::string>& reasons() {
  static const std::map<std::string, std::string> map = {
      {"snp/neg-vcek-invalid-legacy", "snp_chain_invalid"},
      {"snp/neg-vlek-expired", "snp_chain_expired"},
      {"snp/neg-vlek-as-vcek", "snp_chain_untrusted"},
      {"snp/neg-vmpl1-policy", "snp_vmpl"},
      {"snp/milan-v2-debug-gosevguest", "snp_debug_allowed"},
      {"snp/neg-wrong-chip", "snp_signature_invalid"},
      {"snp/neg-genoa-vcek-under-milan-ask", "snp_chain_untrusted"},
      {"snp/neg-ask-under-wrong-ark", "snp_chain_untrusted"},
      {"snp/neg-corrupt-version0", "snp_report_version"},
      {"azure/neg-other-ak", "tpm_signature_invalid"},
      {"azure/neg-kinvolk-vcek", "snp_signature_invalid"},
      {"azure/neg-kinvolk-quote-ak", "tpm_signature_invalid"},
      {"azure/neg-quote-from-other-vm", "tpm_signature_invalid"},
      {"azure/neg-wrong-nonce", "tpm_extra_data"},
      {"azure/neg-nonce-prefix", "tpm_extra_data"},
      {"azure/neg-pcrs-of-other-vm", "tpm_pcr_digest"},
      {"tpm/neg-nonce-unpadded", "tpm_extra_data"},
      {"tpm/neg-tpmt-as-raw", "tpm_signature_format"},
  };
  return map;
}

std::string verdict(const Status& status) { return status.ok() ? "accept" : status.error().reason; }

std::string_view failed_stage(const Appraisal& appraisal) {
  for (const Appraisal::Entry& entry : appraisal.entries()) {
    if (!entry.holds) return stage_name(entry.rule.stage);
  }
  return "";
}

void check_case(const Case& c) {
  const std::string id = c.text("id");
  Appraisal appraisal = c.appraisal();
  const Status status = verify_case(c, appraisal);
  const auto known = reasons().find(id);
  EXPECT_EQ(verdict(status), known == reasons().end() ? "accept" : known->second)
      << id << ": " << c.text("why");
  EXPECT_EQ(status.ok(), c.text("expect") != "reject") << id;
  EXPECT_EQ(status.ok(), appraisal.verdict().ok()) << id;
  if (!status.ok()) {
    EXPECT_EQ(failed_stage(appraisal), c.text("stage")) << id;
  }
  compare_facts(c);
}

TEST(Vectors, SnpAzureAndTpm) {
  unsigned checked = 0;
  for (const char* family : {"snp", "azure", "tpm"}) {
    for (const testing::VectorCase& one : testing::vector_cases(family)) {
      check_case(Case(one));
      ++checked;
    }
  }
  if (checked == 0) GTEST_SKIP() << "no hardware vectors at '" << vectors_directory() << "'";
  EXPECT_GE(checked, 40U);
}

}  // namespace
}  // namespace apm::attestation
