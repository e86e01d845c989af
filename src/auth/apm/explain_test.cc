// What evidence files of every family would get. Each family's file is accepted by its verifier,
// refused by a floor with the floor's code, and damaged evidence is refused by the verification.

#include "auth/apm/explain.h"

#include <gtest/gtest.h>

#include "attestation/testing/dcap_trial.h"
#include "attestation/testing/synthetic_enclave.h"
#include "attestation/testing/synthetic_maa.h"
#include "attestation/testing/synthetic_machine.h"
#include "auth/apm/testing/family_logins.h"
#include "base/encoding.h"
#include "storage/leased_memory_store.h"

namespace apm::auth_apm {
namespace {

using attestation::testing::DcapTrial;
using attestation::testing::must;
using attestation::testing::SyntheticEnclave;
using attestation::testing::SyntheticMaa;
using attestation::testing::SyntheticMachine;

struct File {
  json::Object evidence;
  std::int64_t now = 0;
};

class ApmExplain : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { machine_ = new SyntheticMachine(); }
  static void TearDownTestSuite() {
    delete machine_;
    machine_ = nullptr;
  }
  void SetUp() override {
    machine_->reset();
    auto plan = barrier_.plan_init(barrier::StoreKind::kTest, {1, 1});
    ASSERT_TRUE(plan.ok()) << plan.error().message;
    ASSERT_TRUE(barrier_.commit_init(std::move(*plan)).ok());
    ASSERT_TRUE(authorisations_.load().ok());
  }

  static File azure() {
    const Bytes binding(32, 7);
    const auto e = machine_->evidence([&](ByteView) { return binding; });
    json::Object pcrs;
    for (const auto& [i, value] : e.quote.pcrs) pcrs.set(std::to_string(i), hex_encode(value));
    return {json::Object{{"family", "azure-snp-vtpm"},
                         {"hcl_report", base64_encode(e.platform.hcl_report)},
                         {"vcek_chain", e.platform.endorsements.chain_pem},
                         {"quote", json::Object{{"attest", base64_encode(e.quote.attest)},
                                                {"signature", base64_encode(e.quote.signature)}}},
                         {"pcrs", pcrs},
                         {"event_log", base64_encode(e.event_log)}},
            attestation::testing::kNow};
  }
  static File snp() {
    const auto e = machine_->snp_evidence();
    return {json::Object{{"family", "snp"},
                         {"report", base64_encode(e.report)},
                         {"vcek_chain", e.endorsements.chain_pem}},
            attestation::testing::kNow};
  }
  static File intel(DcapTrial trial) {
    return {json::Object{{"family", trial.is_tdx() ? "tdx" : "sgx"},
                         {"quote", base64_encode(trial.platform.quote())},
                         {"collateral", testing::collateral_text(trial.platform.collateral())}},
            trial.now_unix_s};
  }
  static File nitro() {
    return {
        json::Object{{"family", "aws-nitro"}, {"document", base64_encode(enclave().document())}},
        SyntheticEnclave::kMadeAt + 2};
  }
  static File maa() {
    static const SyntheticMaa provider;
    json::Object payload = SyntheticMaa::base();
    SyntheticMaa::add_sgx(payload);
    return {json::Object{{"family", "maa"},
                         {"token", provider.token(std::move(payload))},
                         {"jwks", provider.key_set_text()}},
            SyntheticMaa::kIssuedAt + 2};
  }
  static SyntheticEnclave& enclave() {
    static SyntheticEnclave made;
    return made;
  }

  json::Value ask(const File& file, const json::Object& change = {}) {
    json::Object written = change;
    written.set("maa_issuers", SyntheticMaa::kIssuer);
    written.set("maa_policy_hashes", SyntheticMaa::kPolicyHash);
    const Config config = must(merge(Config{}, written));
    static const attestation::snp::Anchors amd = machine_->anchors();
    const attestation::nitro::Anchors aws = enclave().anchors();
    return must(explain(file.evidence, {config, {&amd, &DcapTrial::anchors(), &aws}, file.now, {}},
                        authorisations_));
  }
  std::string verdict(const File& file, const json::Object& change = {}) {
    const json::Value answer = ask(file, change);
    if (*answer.string_at("verdict") == "accept") return "accept";
    return *answer.string_at("refused_by") + ": " + *answer.string_at("reason");
  }
  void authorise(json::Object data) {
    const bool enclave = data.find("enclave") != nullptr;
    ASSERT_TRUE(authorisations_.add(must(read_authorisation(data, enclave))).ok());
  }

  ManualClock clock_{attestation::testing::kNow};
  storage::LeasedMemoryStore store_;
  barrier::Barrier barrier_{store_, clock_};
  Authorisations authorisations_{barrier::View(barrier_, "auth/1/")};
  static SyntheticMachine* machine_;
};
SyntheticMachine* ApmExplain::machine_ = nullptr;

void damage(File& file, const char* member, std::size_t at) {
  json::Value& value = *file.evidence.find(member);
  Bytes raw = must(base64_decode(*value.as_string()));
  raw.at(at) ^= 1;
  value = base64_encode(raw);
}

TEST_F(ApmExplain, EveryFamilyIsJudgedInFull) {
  const json::Object no_claim{{"claims_policy", R"({"claim": "family", "equals": "x"})"}};
  const struct {
    File file;
    json::Object floor;
    const char* reason;
  } rows[] = {
      {azure(), {{"vmpl_max", 0}, {"min_tcb_snp", 255}}, "snp_tcb_too_old"},
      {azure(), {{"allowed_pcrs", "7:" + std::string(64, '0')}}, "tpm_pcr_not_allowed"},
      {snp(), {{"allowed_host_data", std::string(64, 'a')}}, "snp_host_data_not_allowed"},
      {intel(DcapTrial::sgx()), {{"sgx_min_isv_svn", 9}}, "sgx_svn_too_old"},
      {intel(DcapTrial::sgx()), {{"sgx_tcb_statuses", ""}}, "dcap_tcb_up_to_date"},
      {intel(DcapTrial::td15()), {{"tdx_permitted_attributes", "0x0"}}, "tdx_attributes"},
      {intel(DcapTrial::td15()), {{"tdx_allowed_rtmr3", std::string(96, 'a')}}, "tdx_rtmr3"},
      {nitro(), {{"nitro_allowed_pcrs", "0:" + std::string(96, '0')}}, "nitro_pcr_not_pinned"},
      {maa(), {{"maa_min_sgx_svn", 9}}, "maa_svn_too_old"}};
  for (const auto& row : rows) {
    EXPECT_EQ(verdict(row.file), "accept") << row.reason;
    EXPECT_EQ(verdict(row.file, row.floor), std::string("policy: ") + row.reason);
    EXPECT_EQ(verdict(row.file, no_claim), "policy: claims_policy") << row.reason;
    EXPECT_EQ(verdict(row.file, {{"allowed_families", "azure-tdx-vtpm"}}),
              "policy: family_not_allowed");
    const json::Value answer = ask(row.file);
    EXPECT_EQ(*answer.string_at("binding"), kNotBound);
    EXPECT_EQ(*answer.at("login_supported")->as_bool(), *answer.string_at("family") != "maa");
    EXPECT_GT(answer.at("rules")->as_array()->size(), 3U);
    EXPECT_EQ(answer.string_at("enclave_id")->size(), 64U);
  }
}

TEST_F(ApmExplain, WhatIsNotGenuineIsRefusedByTheVerification) {
  File report = snp();
  damage(report, "report", 0x90);
  EXPECT_EQ(verdict(report), "verification: snp_signature_invalid");
  EXPECT_EQ(ask(report).at("enclave_id"), nullptr);
  EXPECT_EQ(ask(report).at("authorizations"), nullptr);
  File document = nitro();
  damage(document, "document", 40);
  EXPECT_NE(verdict(document), "accept");
  File machine = azure();
  damage(machine, "event_log", 200);
  EXPECT_NE(verdict(machine), "accept");
}

TEST_F(ApmExplain, ARuleAboutAChallengeIsNotSaidToHold) {
  const std::pair<File, const char*> rows[] = {{azure(), "tpm_extra_data"},
                                               {snp(), "snp_report_data"},
                                               {intel(DcapTrial::sgx()), "dcap_report_data"},
                                               {intel(DcapTrial::td15()), "dcap_report_data"}};
  for (const auto& [file, name] : rows) {
    const json::Value answer = ask(file);
    std::set<std::string> unsaid;
    for (const json::Value& rule : *answer.at("rules")->as_array()) {
      if (rule.at("holds")->is_null()) unsaid.insert(*rule.string_at("rule"));
    }
    EXPECT_EQ(unsaid, std::set<std::string>{name});
  }
}

TEST_F(ApmExplain, DebugIsNoFloorThatCouldBeWaived) {
  machine_->edit_report = [](Bytes& r) { r[0x00A] = 0x0b; };
  EXPECT_EQ(verdict(snp()), "verification: snp_debug_allowed");
  DcapTrial td = DcapTrial::td15();
  td.platform.body[120] = 1;
  EXPECT_EQ(verdict(intel(std::move(td))), "verification: tdx_debug");
}

TEST_F(ApmExplain, MissingCollateralIsRefusedByName) {
  File quote = intel(DcapTrial::sgx());
  quote.evidence.erase("collateral");
  EXPECT_EQ(verdict(quote), "verification: dcap_collateral_missing");
  File td = intel(DcapTrial::td15());
  td.evidence.erase("collateral");
  EXPECT_EQ(verdict(td), "verification: dcap_collateral_missing");
  File report = snp();
  report.evidence.erase("vcek_chain");
  EXPECT_EQ(verdict(report), "verification: snp_chain_missing");
  EXPECT_EQ(verdict(snp(), {{"require_crl", true}}), "policy: snp_crl_missing");
}

TEST_F(ApmExplain, EachAuthorisationThatNamesTheWorkloadIsShown) {
  const json::Value first = ask(azure());
  const std::string enclave = *first.string_at("enclave_id");
  const std::string signer = *first.string_at("signer_id");
  authorise({{"enclave", enclave}, {"signer", signer}, {"secret", "open"}});
  authorise({{"signer", signer},
             {"secret", "strict"},
             {"claims", R"({"claim": "sevsnp.vmpl", "equals": 3})"}});
  authorise({{"signer", std::string(64, '1')}, {"secret", "others"}});
  const json::Value answer = ask(azure());
  EXPECT_EQ(json::write(*answer.at("secrets")), R"(["anjuna/open"])");
  ASSERT_EQ(answer.at("authorizations")->as_array()->size(), 2U);
  for (const json::Value& one : *answer.at("authorizations")->as_array()) {
    const bool open = *one.string_at("secret") == "anjuna/open";
    EXPECT_EQ(*one.at("applies")->as_bool(), open);
    EXPECT_EQ(one.at("claims")->as_array()->size(), open ? 0U : 1U);
    if (open) continue;
    const json::Value& rule = one.at("claims")->as_array()->front();
    EXPECT_EQ(*rule.string_at("claim"), "sevsnp.vmpl");
    EXPECT_EQ(*rule.string_at("found"), "0");
    EXPECT_FALSE(*rule.at("passed")->as_bool());
  }
  // Refused by a floor: the same authorisations are shown, and none applies.
  const json::Value refused = ask(azure(), {{"min_tcb_snp", 255}});
  EXPECT_EQ(refused.at("authorizations")->as_array()->size(), 2U);
  EXPECT_TRUE(refused.at("secrets")->as_array()->empty());
  for (const json::Value& one : *refused.at("authorizations")->as_array()) {
    EXPECT_FALSE(*one.at("applies")->as_bool());
  }
}

TEST_F(ApmExplain, FaultsOfTheQuestion) {
  const auto reason = [&](json::Object evidence) {
    const Config config;
    const attestation::snp::Anchors amd = attestation::snp::Anchors::none();
    const attestation::nitro::Anchors aws = attestation::nitro::Anchors::none();
    const auto answer =
        explain(evidence, {config, {&amd, &DcapTrial::anchors(), &aws}, 0, {}}, authorisations_);
    return answer.ok() ? "answered" : answer.error().reason;
  };
  EXPECT_EQ(reason({}), "login_malformed");
  EXPECT_EQ(reason({{"family", "pony"}}), "family_unsupported");
  EXPECT_EQ(reason({{"family", "snp"}}), "login_malformed");
  EXPECT_EQ(reason({{"family", "snp"}, {"report", "*"}}), "login_malformed");
  EXPECT_EQ(reason({{"family", "sgx"}, {"quote", ""}, {"collateral", "{"}}),
            "dcap_collateral_malformed");
  EXPECT_EQ(reason({{"family", "maa"}, {"token", "x"}}), "login_malformed");
}

TEST_F(ApmExplain, TheNamedFamilyIsTheEvidences) {
  File file = azure();
  file.evidence.set("family", "azure-tdx-vtpm");
  EXPECT_EQ(verdict(file), "verification: family_mismatch");
}

}  // namespace
}  // namespace apm::auth_apm
