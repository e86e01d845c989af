// Captured hardware evidence with expected verdicts, stages and facts (cases.json of the vectors
// directory): the families snp, azure and tpm. A fact that no parser here reads is a failure.

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <set>

#include "attestation/azure_vtpm/result.h"
#include "attestation/azure_vtpm/verify.h"
#include "base/byte_reader.h"
#include "base/clock.h"
#include "base/encoding.h"
#include "base/file.h"
#include "base/text.h"

namespace apm::attestation {
namespace {

constexpr std::size_t kVectorBytesMax = 1 << 20;

std::string directory() {
  if (const char* named = std::getenv("APM_VECTORS")) return named;
#ifdef APM_SOURCE_DIR
  return std::string(APM_SOURCE_DIR) + "/../shared/vectors";
#else
  return "";
#endif
}

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
class Case {
 public:
  explicit Case(const json::Value& value) : value_(value) {}
  [[nodiscard]] std::string text(std::string_view name) const { return *value_.string_at(name); }
  [[nodiscard]] const json::Value* at(std::string_view name) const { return value_.at(name); }
  [[nodiscard]] bool has(std::string_view input) const {
    return value_.at("inputs")->at(input) != nullptr;
  }
  [[nodiscard]] Bytes input(std::string_view name) const {
    const std::string& what = *value_.at("inputs")->string_at(name);
    if (what.starts_with("hex:")) return *hex_decode(what.substr(4));
    return *read_file(directory() + "/" + what, kVectorBytesMax);
  }
  [[nodiscard]] std::int64_t time() const { return *parse_rfc3339_s(text("verify_time")); }
  // "all" and "quote": no limit.
  [[nodiscard]] Appraisal appraisal() const {
    const auto stage = stage_of(text("stage"));
    return stage ? Appraisal(*stage) : Appraisal();
  }
  [[nodiscard]] std::uint32_t vmpl_max() const {
    const json::Value* asked = value_.at("inputs")->at("policy_vmpl_max");
    return asked == nullptr ? 3 : static_cast<std::uint32_t>(*asked->as_uint());
  }

 private:
  const json::Value& value_;
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
  std::vector<unsigned> out;
  for (unsigned i = 0; i < 24; ++i) out.push_back(i);
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
  const json::Object& wanted = *c.at("facts")->as_object();
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

Result<json::Value> read_cases() {
  APM_TRY(const Bytes raw, read_file(directory() + "/cases.json", 4 << 20));
  json::Limits limits;
  limits.bytes_max = 4 << 20;
  limits.values_max = 1'000'000;
  return json::parse(raw, limits);
}

bool is_ours(const Case& c) {
  const std::string family = c.text("family");
  return family == "snp" || family == "azure" || family == "tpm";
}

TEST(Vectors, SnpAzureAndTpm) {
  const auto document = read_cases();
  if (!document.ok()) GTEST_SKIP() << "no hardware vectors at '" << directory() << "'";
  unsigned checked = 0;
  for (const json::Value& value : *document->at("cases")->as_array()) {
    const Case c(value);
    if (!is_ours(c)) continue;
    check_case(c);
    ++checked;
  }
  EXPECT_GE(checked, 40U);
}

// With AMD's built-in certificates, and whatever chain form the evidence came in.
class Captured : public ::testing::Test {
 protected:
  void SetUp() override {
    document_ = read_cases();
    if (!document_.ok()) GTEST_SKIP() << "no hardware vectors at '" << directory() << "'";
    anchors_ = *snp::Anchors::vendor();
    expected_.anchors = &anchors_;
    expected_.now_unix_s = *parse_rfc3339_s("2026-11-01T00:00:00Z");
  }
  static Bytes file(const std::string& name) {
    return *read_file(directory() + "/" + name, kVectorBytesMax);
  }
  std::string reason_of(const snp::Evidence& evidence) {
    if (evidence.report.size() >= 0x90) {
      expected_.report_data = to_bytes(ByteView(evidence.report).subspan(0x50, 64));
    }
    Appraisal appraisal;
    return verdict(snp::verify(evidence, expected_, appraisal).ok() ? Status()
                                                                    : appraisal.verdict());
  }
  static std::string pem(const std::string& name) {
    return crypto::Certificate::from_der(file(name))->pem();
  }

  Result<json::Value> document_ = Error(Code::kNotFound, "not read");
  snp::Anchors anchors_ = snp::Anchors::none();
  snp::Expectation expected_;
};

TEST_F(Captured, LeafAloneIsEnoughUnderTheBuiltInAuthorities) {
  const std::pair<const char*, const char*> accepted[] = {
      {"snp/milan-v2-virtee.report.bin", "snp/milan-v2-virtee.vcek.der"},
      {"snp/genoa-v3-tav.report.bin", "snp/genoa-v3-tav.vcek.der"},
      {"snp/genoa-v5-lunal-a.report.bin", "snp/genoa-v5-lunal-a.vcek.der"},
      {"snp/turin-v5-tav.report.bin", "snp/turin-v5-tav.vcek.der"}};
  for (const auto& [report, leaf] : accepted) {
    EXPECT_EQ(reason_of({file(report), {pem(leaf), {}, ""}, {}}), "accept") << report;
  }
}

TEST_F(Captured, VlekIsRefusedUnlessAllowed) {
  expected_.now_unix_s = *parse_rfc3339_s("2025-06-01T00:00:00Z");
  expected_.floor.vmpl_max = 1;
  const snp::Evidence evidence{file("snp/vlek-milan-v3-trustee.report.bin"),
                               {pem("snp/vlek-milan-v3-trustee.vlek.der"), {}, ""},
                               {}};
  EXPECT_EQ(reason_of(evidence), "snp_vlek_not_allowed");
  expected_.floor.allow_vlek = true;
  EXPECT_EQ(reason_of(evidence), "accept");
  snp::Evidence wrong = evidence;
  wrong.endorsements.chain_pem += pem("roots/amd-ask-milan.der");
  EXPECT_EQ(reason_of(wrong), "snp_chain_untrusted");  // the built-in ASVK does not repair it
}

TEST_F(Captured, ThimAnswerOfAzure) {
  const Bytes thim = file("snp/milan-v2-sidecar.thim.json");
  const snp::Evidence evidence{
      file("snp/milan-v2-sidecar.report.bin"), {"", {}, std::string(as_text(thim))}, {}};
  EXPECT_EQ(reason_of(evidence), "accept");
  expected_.floor.allowed_host_data = {
      hex_encode(crypto::sha256(file("snp/milan-v2-sidecar.cce-policy.txt")))};
  EXPECT_EQ(reason_of(evidence), "accept");
}

TEST_F(Captured, FloorsAreHeldAgainstTheReportedTcb) {
  const snp::Evidence evidence{
      file("snp/milan-v2-trustee.report.bin"), {pem("snp/milan-v2-trustee.vcek.der"), {}, ""}, {}};
  expected_.floor.minimum.microcode = 0x73;  // CURRENT_TCB says 0xce
  EXPECT_EQ(reason_of(evidence), "accept");
  expected_.floor.minimum.microcode = 0x74;
  EXPECT_EQ(reason_of(evidence), "snp_tcb_too_old");
}

TEST_F(Captured, EveryFlippedByteOfGenuineReportsIsRefused) {
  const std::pair<const char*, const char*> genuine[] = {
      {"snp/milan-v2-virtee.report.bin", "snp/milan-v2-virtee.vcek.der"},
      {"snp/turin-v5-tav.report.bin", "snp/turin-v5-tav.vcek.der"}};
  for (const auto& [name, leaf] : genuine) {
    const Bytes report = file(name);
    snp::Evidence evidence{report, {pem(leaf), {}, ""}, {}};
    for (std::size_t offset = 0; offset < report.size(); offset += 3) {
      evidence.report = report;
      evidence.report[offset] ^= static_cast<std::uint8_t>(1U << (offset % 8));
      const std::string reason = reason_of(evidence);
      ASSERT_NE(reason, "accept") << name << " offset " << offset;
      ASSERT_FALSE(reason.empty()) << name << " offset " << offset;
    }
  }
}

// Full verification of an Azure machine, no stage left out.
class CapturedAzure : public Captured {
 protected:
  void SetUp() override {
    Captured::SetUp();
    azure_.anchors = &anchors_;
    azure_.now_unix_s = expected_.now_unix_s;
    azure_.binding = to_bytes(std::string_view("challenge"));
    azure_.required_pcrs = all_pcrs();
    if (document_.ok()) evidence_ = quoted("azure/snp-a-trustee-v1");
  }
  static azure_vtpm::QuotedPlatform quoted(const std::string& stem) {
    azure_vtpm::QuotedPlatform out;
    out.platform.hcl_report = file(stem + ".hcl.bin");
    out.platform.endorsements.chain_pem = pem(stem + ".vcek.der");
    out.quote.attest = file(stem + ".tpm-msg.bin");
    out.quote.signature = file(stem + ".tpm-sig.bin");
    const Bytes raw = file(stem + ".pcrs.bin");
    for (unsigned i = 0; i < 24; ++i) {
      out.quote.pcrs[i] = to_bytes(ByteView(raw).subspan(std::size_t{i} * 32, 32));
    }
    return out;
  }
  std::string reason_of(const azure_vtpm::QuotedPlatform& evidence) {
    Appraisal appraisal;
    const auto claims = azure_vtpm::verify_quoted(evidence, azure_, appraisal);
    return claims.ok() ? "accept" : claims.error().reason;
  }

  azure_vtpm::Expectation azure_;
  azure_vtpm::QuotedPlatform evidence_;
};

TEST_F(CapturedAzure, WithoutItsCertificateAMachineIsRefusedByName) {
  EXPECT_EQ(reason_of(evidence_), "accept");
  evidence_.platform.endorsements = {};
  EXPECT_EQ(reason_of(evidence_), "snp_chain_missing");
}

TEST_F(CapturedAzure, EveryFlippedBitIsRefusedButTheCapabilityBitmap) {
  const auto refused = [&](Bytes& field, std::size_t offset) {
    const std::uint8_t before = field[offset];
    field[offset] ^= static_cast<std::uint8_t>(1U << (offset % 8));
    const std::string reason = reason_of(evidence_);
    field[offset] = before;
    return reason != "accept" && !reason.empty();
  };
  for (std::size_t i = 0; i < evidence_.platform.hcl_report.size(); i += 5) {
    ASSERT_TRUE(refused(evidence_.platform.hcl_report, i)) << "HCL report, offset " << i;
  }
  for (std::size_t i = 0; i < evidence_.quote.attest.size(); ++i) {
    ASSERT_TRUE(refused(evidence_.quote.attest, i)) << "quote, offset " << i;
  }
  for (std::size_t i = 0; i < evidence_.quote.signature.size(); i += 3) {
    ASSERT_TRUE(refused(evidence_.quote.signature, i)) << "signature, offset " << i;
  }
  for (unsigned pcr = 0; pcr < 24; ++pcr) {
    ASSERT_TRUE(refused(evidence_.quote.pcrs.at(pcr), pcr)) << "PCR " << pcr;
  }
}

TEST_F(CapturedAzure, EveryTruncationIsRefused) {
  const Bytes hcl = evidence_.platform.hcl_report;
  const Bytes quote = evidence_.quote.attest;
  for (std::size_t size = 0; size < hcl.size(); size += size > 1300 && size < 2600 ? 31 : 7) {
    evidence_.platform.hcl_report = to_bytes(ByteView(hcl).first(size));
    if (size == 2048) continue;  // the NV index of 2023: the same report
    ASSERT_NE(reason_of(evidence_), "accept") << "HCL report, " << size << " bytes";
  }
  evidence_.platform.hcl_report = hcl;
  for (std::size_t size = 0; size < quote.size(); ++size) {
    evidence_.quote.attest = to_bytes(ByteView(quote).first(size));
    ASSERT_NE(reason_of(evidence_), "accept") << "quote, " << size << " bytes";
  }
}

// The worked examples of docs/identity.md.
TEST_F(CapturedAzure, IdentitiesOfTheDocumentation) {
  const std::pair<const char*, const char*> machines[] = {
      {"azure/snp-a-trustee-v1",
       "168934ab5d2bcf2671b7648093af127a8dc6c9676e0525d2c0a5c4bcd99dfd62"},
      {"azure/snp-b-trustee", "abae3ee807b6f98bcab8481e80966fb57a1135c5d94f3c6f0780a842fc4aad01"}};
  for (const auto& [stem, id] : machines) {
    Appraisal appraisal;
    const auto claims = azure_vtpm::verify_quoted(quoted(stem), azure_, appraisal);
    ASSERT_TRUE(claims.ok()) << claims.error().message;
    EXPECT_EQ(claims->result.enclave_id, id) << stem;
    EXPECT_EQ(claims->result.signer.reason, "event_log_missing");
    EXPECT_TRUE(claims->result.vendor_anchor);
  }
}

TEST_F(Captured, IdentitiesOfTheDocumentation) {
  struct Example {
    const char* report;
    const char* leaf;
    const char* enclave_id;
    const char* signer;  // id when the public key is allowed, or the reason
  };
  const Example examples[] = {
      {"snp/milan-v2-virtee.report.bin", "snp/milan-v2-virtee.vcek.der",
       "f01b372bf8c41dbb20332810a3f3553aa213fe4f6b0ef6a404d4b60ddb2401ab", "snp_signer_missing"},
      {"snp/milan-v2-sidecar.report.bin", "snp/milan-v2-sidecar.vcek.der",
       "2fc4aa47efa0733808abbe48e7a248e696194427e6f05ab6dd0564fcc502c497",
       "1c475fd47d686d3440ad9f3a37e99bf1e929cb0743b9788801fa6b5ce845685c"},
      {"snp/turin-v5-tav.report.bin", "snp/turin-v5-tav.vcek.der",
       "34fc9754bb8ff6c72d9d6c65e50d9f3f9d1b96ce4ead826fdef28655b43da226",
       "e0086d14c3338753036e9a0b06e9069c10355ee7d39ebe233e6bf4ad41047897"}};
  for (const Example& example : examples) {
    const Bytes raw = file(example.report);
    ASSERT_EQ(reason_of({raw, {pem(example.leaf), {}, ""}, {}}), "accept");
    Appraisal appraisal;
    const auto report = snp::parse_report(raw, appraisal);
    EXPECT_EQ(snp::enclave_id(*report), example.enclave_id) << example.report;
    const SignerVerdict by_default = snp::signer(*report);
    EXPECT_FALSE(by_default.exists()) << example.report;
    const SignerVerdict allowed = snp::signer(*report, {example.signer});
    EXPECT_EQ(allowed.exists() ? allowed.signer_id : allowed.reason, example.signer)
        << example.report;
  }
}

TEST(BuiltIn, AnchorsAreTheVendors) {
  const auto anchors = snp::Anchors::vendor();
  ASSERT_TRUE(anchors.ok());
  std::set<std::string> hashes;
  for (const snp::Anchor& anchor : anchors->list()) {
    hashes.insert(hex_encode(crypto::sha256(anchor.ark.public_key()->spki_der())));
    EXPECT_TRUE(anchor.ask->signed_by(*anchor.ark.public_key()));
    EXPECT_TRUE(anchor.asvk->signed_by(*anchor.ark.public_key()));
    EXPECT_TRUE(anchor.is_vendor());
  }
  EXPECT_EQ(hashes, (std::set<std::string>{
                        "9f056bee44377e29308cb5ffa895bdfb62d18881fa6bed8d6f075b0204089cb9",
                        "429a69c9422aa258ee4d8db5fcda9c6470ef15f8cd5a9cebd6cbc7d90b863831",
                        "4f125410563a2ab9a50356f9243f6fe0b6f73de98603f53f90339c70e9d7ad08"}));
}

}  // namespace
}  // namespace apm::attestation
