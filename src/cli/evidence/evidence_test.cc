// Evidence files and case files: what is refused before any verifier is asked, and the captured
// cases through the same code as the command.

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>

#include "base/clock.h"
#include "base/encoding.h"
#include "base/file.h"
#include "cli/evidence/detect.h"
#include "cli/evidence/identify.h"
#include "cli/evidence/judge.h"

namespace apm::cli::evidence {
namespace {

std::string vectors() {
  if (const char* named = std::getenv("APM_VECTORS")) return named;
  return std::string(APM_SOURCE_DIR) + "/../shared/vectors";
}

json::Object case_object() {
  return json::Object{{"id", "one"},
                      {"family", "nitro"},
                      {"stage", "all"},
                      {"verify_time", "2026-11-24T00:00:00Z"},
                      {"inputs", json::Object{{"doc", "hex:00"}}}};
}

std::string reason_of(json::Object object) {
  const auto made = Case::from_json(json::Value(std::move(object)), "");
  return made.ok() ? "" : made.error().reason;
}

TEST(EvidenceCase, MalformedCases) {
  EXPECT_EQ(reason_of(case_object()), "");
  for (const char* member : {"id", "family", "stage", "verify_time", "inputs"}) {
    json::Object broken = case_object();
    broken.set(member, 7);
    EXPECT_EQ(reason_of(std::move(broken)), "case_malformed") << member;
  }
  json::Object family = case_object();
  family.set("family", "abacus");
  EXPECT_EQ(reason_of(std::move(family)), "case_malformed");
  json::Object stage = case_object();
  stage.set("stage", "later");
  EXPECT_EQ(reason_of(std::move(stage)), "case_malformed");
  json::Object input = case_object();
  input.set("inputs", json::Object{{"doc", "hex:00"}, {"policy_min_everything", 9}});
  EXPECT_EQ(reason_of(std::move(input)), "case_input_unknown");
}

TEST(EvidenceCase, Inputs) {
  const auto c = *Case::from_words("snp", {"report", Bytes{1}},
                                   json::Object{{"host_data_preimage", "hex:zz"},
                                                {"vek", "/nonexistent/file"},
                                                {"allow_debug", "perhaps"},
                                                {"policy_vmpl_max", "many"},
                                                {"crl", "hex:00ff"},
                                                {"root", "hex:00"},
                                                {"intermediate", "hex:00"}},
                                   0);
  EXPECT_EQ(*c.bytes("report"), Bytes{1});
  EXPECT_EQ(c.bytes("host_data_preimage").error().reason, "case_input");
  EXPECT_EQ(c.bytes("vek").error().code, Code::kIo);
  EXPECT_EQ(c.flag("allow_debug").error().reason, "case_input");
  EXPECT_EQ(c.number("policy_vmpl_max", 0).error().reason, "case_input");
  EXPECT_EQ(c.bytes("extended").error().reason, "case_input");
  EXPECT_EQ(*c.bytes("crl"), (Bytes{0x00, 0xff}));
  EXPECT_EQ(c.certificate_pem("root").error().reason, "case_input");
  EXPECT_EQ(c.certificate_pem("intermediate").error().reason, "certificate_malformed");
  EXPECT_FALSE(*c.flag("allow_vlek"));
}

// Inputs that nobody reads, that contradict each other, or that repeat the evidence itself.
TEST(EvidenceCase, InputsThatWouldNotCount) {
  const auto why = [](const char* family, const char* evidence, json::Object inputs) {
    const auto made = Case::from_words(family, {evidence, Bytes{1}}, std::move(inputs), 0);
    return made.ok() ? "" : made.error().reason;
  };
  EXPECT_EQ(why("snp", "report", {{"nonce", "hex:00"}}), "case_input_unread");
  EXPECT_EQ(why("snp", "report", {{"report_data_preimage", "hex:00"}}), "case_input_unread");
  EXPECT_EQ(why("nitro", "doc", {{"policy_vmpl_max", "0"}}), "case_input_unread");
  EXPECT_EQ(why("tdx", "quote", {{"nonce", "hex:00"}}), "case_input_unread");
  EXPECT_EQ(why("snp", "report", {{"minimum", "9"}}), "case_input_unknown");
  EXPECT_EQ(why("snp", "report", {{"vek", "a"}, {"thim", "b"}}), "case_input");
  EXPECT_EQ(why("tdx", "quote", {{"collateral", "a"}, {"pck_crl", "b"}}), "case_input");
  EXPECT_EQ(why("snp", "report", {{"report", "a"}}), "case_input");
  EXPECT_EQ(why("snp", "report", {{"vek", "a"}, {"crl", "b"}}), "");
}

// What cannot be read is a fault of the question and no verdict; a malformed certificate is one.
TEST(EvidenceJudge, FaultsOfTheQuestion) {
  const auto ask = [](const char* family, const char* evidence, json::Object inputs) {
    const auto c = Case::from_words(family, {evidence, Bytes(1184, 0)}, std::move(inputs), 0);
    const auto outcome = judge(*c);
    return outcome.ok() ? verdict_of(*c, *outcome).reason : "error " + outcome.error().reason;
  };
  EXPECT_EQ(ask("snp", "report", {{"root", "hex:00"}}), "error case_input");
  EXPECT_EQ(ask("snp", "report", {{"policy_vmpl_max", "4"}}), "error case_input");
  EXPECT_EQ(ask("snp", "report", {{"vek", "hex:3082"}}), "certificate_malformed");
  EXPECT_EQ(ask("tpm", "tpm_msg", {{"ak", "hex:00"}}), "tpm_ak_malformed");
  // A report longer than the file of report and table.
  EXPECT_EQ(ask("snp", "report", {{"extended", "hex:" + std::string(2400, '0')}}),
            "snp_report_version");
}

TEST(EvidenceDetect, TellsNothingFromNoise) {
  for (const std::size_t size : {0U, 1U, 7U, 8U, 1184U, 1185U, 70000U}) {
    EXPECT_EQ(detect(Bytes(size, 0)).error().reason, "evidence_unknown") << size;
    EXPECT_EQ(detect(Bytes(size, 0xff)).error().reason, "evidence_unknown") << size;
  }
  Bytes report(1184, 0);
  report[0] = 3;
  EXPECT_EQ(detect(report)->family, "snp");
  report.push_back(0);
  EXPECT_EQ(detect(report)->input, "extended");
}

class CapturedEvidence : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!read_file(vectors() + "/cases.json", std::size_t{8} << 20).ok()) {
      GTEST_SKIP() << "no hardware vectors at '" << vectors() << "'";
    }
  }
  static Result<json::Value> document() {
    APM_TRY(const Bytes raw, read_file(vectors() + "/cases.json", std::size_t{8} << 20));
    json::Limits limits;
    limits.bytes_max = std::size_t{8} << 20;
    limits.values_max = 1'000'000;
    return json::parse(raw, limits);
  }
  // Judged in full, as `verify FILE` does.
  static Verdict full(const std::string& family, const std::string& input, const std::string& file,
                      json::Object more = {}) {
    const auto c = Case::from_words(family, {input, *read_file(vectors() + "/" + file, 1 << 20)},
                                    std::move(more), *parse_rfc3339_s("2026-11-01T00:00:00Z"));
    const auto outcome = judge(*c);
    EXPECT_TRUE(outcome.ok()) << file << ": " << outcome.error().message;
    return verdict_of(*c, *outcome);
  }
};

TEST_F(CapturedEvidence, EveryCaseReachesItsVerdictAtItsStage) {
  const auto wanted = document();
  const auto cases = read_case_file(vectors() + "/cases.json");
  ASSERT_TRUE(cases.ok()) << cases.error().message;
  const json::Array& list = *wanted->at("cases")->as_array();
  ASSERT_EQ(cases->size(), list.size());
  ASSERT_GE(list.size(), 86U);
  for (std::size_t i = 0; i < list.size(); ++i) {
    ASSERT_TRUE(cases->at(i).made.ok()) << cases->at(i).made.error().message;
    const Case& c = *cases->at(i).made;
    const auto outcome = judge(c);
    ASSERT_TRUE(outcome.ok()) << c.id() << ": " << outcome.error().message;
    const Verdict verdict = verdict_of(c, *outcome);
    EXPECT_EQ(verdict.verdict, *list[i].string_at("expect")) << c.id();
    if (verdict.verdict == "reject") {
      EXPECT_EQ(verdict.stage, *list[i].string_at("stage")) << c.id();
      EXPECT_NE(verdict.reason, "") << c.id();
    }
  }
}

TEST_F(CapturedEvidence, WithoutCollateralEverythingIsRefusedByName) {
  for (const char* file : {"tdx/v4-emr2-trustee.quote.bin", "tdx/v4-cos113.quote.bin",
                           "tdx/v5-alibaba.quote.bin", "tdx/v4-dcapqvl.quote.bin"}) {
    EXPECT_EQ(full("tdx", "quote", file).reason, "dcap_collateral_missing") << file;
  }
  for (const char* file :
       {"sgx/ms-oe-release.quote.bin", "sgx/ms-intel-release.quote.bin", "sgx/dcapqvl.quote.bin"}) {
    EXPECT_EQ(full("sgx", "quote", file).reason, "dcap_collateral_missing") << file;
  }
  EXPECT_EQ(full("snp", "report", "snp/milan-v2-virtee.report.bin").reason, "snp_chain_missing");
  EXPECT_EQ(full("azure", "hcl", "azure/kinvolk-snp.hcl.bin").reason, "snp_chain_missing");
  EXPECT_EQ(full("azure", "hcl", "azure/tdx-a-trustee.hcl.bin").verdict, "reject");
  json::Object td_quote{{"td_quote", vectors() + "/azure/tdx-a-trustee.td-quote.bin"}};
  EXPECT_EQ(full("azure", "hcl", "azure/tdx-a-trustee.hcl.bin", std::move(td_quote)).reason,
            "dcap_collateral_missing");
}

TEST_F(CapturedEvidence, SafeDefaultsWhereNoCaseFileAsksForLess) {
  const auto vek = [](const char* file) { return json::Object{{"vek", vectors() + "/" + file}}; };
  EXPECT_EQ(
      full("snp", "report", "snp/milan-v2-virtee.report.bin", vek("snp/milan-v2-virtee.vcek.der"))
          .verdict,
      "accept");
  EXPECT_EQ(full("snp", "report", "snp/milan-v2-debug-gosevguest.report.bin",
                 vek("snp/milan-v2-debug-gosevguest.vcek.der"))
                .reason,
            "snp_debug_allowed");
  // A quote-less HCL report names no guest: its hardware part alone is no acceptance.
  EXPECT_EQ(full("azure", "hcl", "azure/snp-b-trustee.hcl.bin", vek("azure/snp-b-trustee.vcek.der"))
                .reason,
            "tpm_quote_missing");
  EXPECT_EQ(full("nitro", "doc", "nitro/anjuna-2021.cose").verdict, "reject");
}

// The root that a case names is the only anchor, whatever else the evidence brings along.
TEST_F(CapturedEvidence, AzureMachines) {
  const auto inputs = [](const char* root) {
    const std::string base = vectors() + "/azure/snp-a-trustee-v0.";
    return json::Object{{"vek", base + "vcek.der"},
                        {"tpm_msg", base + "tpm-msg.bin"},
                        {"tpm_sig", base + "tpm-sig.bin"},
                        {"pcrs", base + "pcrs.bin"},
                        {"nonce", "hex:6368616c6c656e6765"},
                        {"intermediate", vectors() + "/roots/amd-ask-milan.der"},
                        {"root", vectors() + root}};
  };
  const char* const hcl = "azure/snp-a-trustee-v0.hcl.bin";
  EXPECT_EQ(full("azure", "hcl", hcl, inputs("/roots/amd-ark-genoa.der")).reason,
            "snp_chain_untrusted");
  EXPECT_EQ(full("azure", "hcl", hcl, inputs("/roots/amd-ark-milan.der")).verdict, "accept");
  json::Object distracted = inputs("/roots/amd-ark-genoa.der");
  distracted.set("td_quote", "hex:00");
  const auto c = Case::from_words("azure", {"hcl", *read_file(vectors() + "/" + hcl, 1 << 20)},
                                  std::move(distracted), 1'793'491'200);
  EXPECT_EQ(judge(*c).error().reason, "case_input");
  const auto honest = Case::from_words("azure", {"hcl", *read_file(vectors() + "/" + hcl, 1 << 20)},
                                       inputs("/roots/amd-ark-milan.der"), 1'793'491'200);
  const auto outcome = judge(*honest);
  ASSERT_TRUE(outcome.ok() && outcome->result);
  EXPECT_EQ(outcome->result->family, "azure-snp-vtpm");
  EXPECT_EQ(outcome->result->enclave_id.size(), 64U);
  EXPECT_FALSE(outcome->result->vendor_anchor);
}

TEST_F(CapturedEvidence, KindsAndIdentities) {
  const std::map<std::string, std::pair<std::string, std::string>> files = {
      {"snp/milan-v2-virtee.report.bin",
       {"snp", "f01b372bf8c41dbb20332810a3f3553aa213fe4f6b0ef6a404d4b60ddb2401ab"}},
      {"tdx/v4-dstack-report.quote.bin",
       {"tdx", "59935c4d89cad8b0d48823e7f6c577042f67fba965f549448b8f130b6cb5f097"}},
      {"tdx/v5-azure-cvmtools.quote.bin", {"tdx", ""}},
      {"sgx/dcapqvl.quote.bin",
       {"sgx", "33d8736db756ed4997e04ba358d27833188f1932ff7b1d156904d3f560452fbb"}},
      {"nitro/anjuna-2021.cose",
       {"nitro", "1115144da04a6487add3e52f72d617aa3d5c44a53e64921a6833125185a542eb"}},
      {"maa/azurevm-snp-eus2-2025.jwt", {"maa", ""}},
      {"azure/snp-b-trustee.hcl.bin", {"azure", ""}}};
  for (const auto& [file, wanted] : files) {
    const std::string path = vectors() + "/" + file;
    const Bytes raw = *read_file(path, 1 << 20);
    const auto kind = detect(raw);
    ASSERT_TRUE(kind.ok()) << file;
    EXPECT_EQ(kind->family, wanted.first) << file;
    const auto c = Case::from_words(kind->family, {kind->input, raw}, {}, 0);
    const auto identity = identify(*c);
    ASSERT_TRUE(identity.ok()) << file << ": " << identity.error().message;
    EXPECT_EQ(identity->enclave_id, wanted.second) << file;
    EXPECT_EQ(identity->enclave_reason.empty(), !wanted.second.empty()) << file;
  }
}

}  // namespace
}  // namespace apm::cli::evidence
