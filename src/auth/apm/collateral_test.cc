// Logins and files whose evidence brings no collateral, at a method that has a source of it: what
// is asked for, what is refused before anybody is asked, and that what comes is judged.

#include "auth/apm/collateral.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "auth/apm/testing/login_fixture.h"

namespace apm::auth_apm {
namespace {

namespace dcap = attestation::dcap;
namespace snp = attestation::snp;
using testing::azure_snp_login;
using testing::caller;
using testing::DcapTrial;
using testing::Direct;
using testing::direct_families;
using testing::edited_snp_evidence;
using testing::FamilyLogin;
using testing::intel_evidence;
using testing::machine;
using testing::must;
using testing::Signed;
using testing::signed_for;
using testing::spki_of;

constexpr std::int64_t kNow = attestation::testing::kNow;
constexpr std::int64_t kIntelNow = attestation::testing::kIntelNow;
constexpr std::int64_t kDay = attestation::testing::kIntelDay;

class FakeSource final : public CollateralSource {
 public:
  bool amd = true, intel = true;
  std::optional<Error> failure;
  std::function<void(DcapTrial&)> edit_platform = [](DcapTrial&) {};
  std::string vcek_pem;  // empty: the machine's
  std::int64_t crl_until_s = kNow + 500;
  std::vector<std::string> asked;  // "vcek 192.0.2.7", "list Milan", "documents"

  [[nodiscard]] bool gives(Vendor vendor) const override {
    return vendor == Vendor::kAmd ? amd : intel;
  }
  [[nodiscard]] Result<Amd> of_snp_report(ByteView report, const std::string& asker) override {
    asked.push_back("vcek " + asker);
    EXPECT_EQ(report.size(), snp::kReportSize);
    if (failure) return *failure;
    return Amd{vcek_pem.empty() ? machine().chain_pem() : vcek_pem, crl()};
  }
  [[nodiscard]] Result<Bytes> amd_crl(snp::Product product) override {
    asked.push_back("list " + std::string(snp::product_name(product)));
    if (failure) return *failure;
    return crl();
  }
  [[nodiscard]] Result<dcap::Collateral> of_quote(ByteView quote) override {
    asked.emplace_back("documents");
    if (failure) return *failure;
    const auto parsed = dcap::parse_quote(quote);
    EXPECT_TRUE(parsed.ok());
    DcapTrial trial =
        parsed.ok() && parsed->tee == dcap::Tee::kSgx ? DcapTrial::sgx() : DcapTrial();
    edit_platform(trial);
    return trial.platform.collateral();
  }

 private:
  [[nodiscard]] Bytes crl() const {
    return must(crypto::build_crl({.this_update_s = crl_until_s - 1000,
                                   .next_update_s = crl_until_s,
                                   .serials = {},
                                   .critical_extension = {}},
                                  machine().ark(), machine().ark_key()));
  }
};

class CollateralTest : public testing::LoginTest {
 protected:
  void SetUp() override {
    needs_.collateral = source_;
    LoginTest::SetUp();
  }
  static json::Object bare(json::Object body) {
    for (const char* member : {"collateral", "vcek_chain", "amd_crl"}) body.erase(member);
    return body;
  }
  // A bare login whose hardware signs something else, or is something else.
  json::Object direct(
      std::int64_t now, const std::function<json::Object(const Signed&)>& evidence,
      const std::function<void(Signed&)>& edit = [](Signed&) {}) {
    be_at(now);
    const json::Value asked = challenge();
    const Bytes key = spki_of(caller());
    Signed data = signed_for(attestation::login_binding(testing::asked(asked, key)), key);
    edit(data);
    json::Object body = bare(evidence(data));
    body.set("nonce", *asked.string_at("nonce"));
    body.set("caller_key", base64_encode(key));
    return body;
  }
  void expect_unasked(const json::Object& body, const std::string& why) {
    EXPECT_EQ(reason(body), why);
    EXPECT_TRUE(source_->asked.empty()) << why << ": asked for " << source_->asked.front();
    source_->asked.clear();
  }
  json::Value explained(json::Object file) {
    for (const char* member : {"nonce", "caller_key"}) file.erase(member);
    return json::Value(*must(call("explain", std::move(file))).data);
  }

  std::shared_ptr<FakeSource> source_ = std::make_shared<FakeSource>();
};

TEST_F(CollateralTest, EveryFamilyLogsInWithWhatIsFetched) {
  for (const FamilyLogin& family : testing::family_logins()) {
    SCOPED_TRACE(family.name);
    source_->asked.clear();
    EXPECT_EQ(reason(bare(good(family).body)), "accepted");
    EXPECT_EQ(issued_to_.family, family.name);
    const bool amd = family.name == "snp" || family.name == "azure-snp-vtpm";
    const std::vector<std::string> one = {amd ? "vcek " : "documents"};
    EXPECT_EQ(source_->asked, family.name == "aws-nitro" ? std::vector<std::string>{} : one);
  }
}

TEST_F(CollateralTest, WhoeverProvesNothingIsCountedByAddress) {
  logical::Request request;
  request.operation = logical::Operation::kUpdate;
  request.path = "login";
  request.remote_address = "192.0.2.7";
  request.data = bare(good(direct_families().front()).body);
  EXPECT_TRUE(method_->handle(request).ok());
  EXPECT_EQ(source_->asked, std::vector<std::string>{"vcek 192.0.2.7"});
}

// Nothing is fetched in the place of what came, or beside it.
TEST_F(CollateralTest, WhatCameIsUsedAsItCame) {
  for (const FamilyLogin& family : testing::family_logins()) {
    EXPECT_EQ(reason(good(family).body), "accepted") << family.name;
  }
  for (const char* member : {"pck_crl", "root_ca_crl", "tcb_info", "qe_identity"}) {
    json::Object part = good(direct_families()[2]).body;
    json::Value collateral = must(json::parse(*part.find("collateral")->as_string()));
    collateral.as_object()->erase(member);
    part.set("collateral", json::write(collateral));
    EXPECT_EQ(reason(part), "dcap_collateral_missing") << member;
  }
  json::Object stale = good(direct_families()[2]).body;
  be_at(kIntelNow + kDay + 1);
  stale.set("nonce", *challenge().string_at("nonce"));
  EXPECT_NE(reason(stale), "accepted");
  json::Object table = bare(good(direct_families().front()).body);
  table.set("certificate_table", base64_encode(Bytes(24, 0)));
  EXPECT_EQ(reason(table), "snp_chain_missing");
  EXPECT_TRUE(source_->asked.empty()) << source_->asked.front();
}

TEST_F(CollateralTest, OnlyAVendorThatTheSourceGivesIsAsked) {
  source_->amd = source_->intel = false;
  for (const FamilyLogin& family : testing::family_logins()) {
    const bool amd = family.name == "snp" || family.name == "azure-snp-vtpm";
    if (family.name == "aws-nitro") continue;
    expect_unasked(bare(good(family).body), amd ? "snp_chain_missing" : "dcap_collateral_missing");
  }
  source_->amd = true;
  EXPECT_EQ(reason(bare(good(direct_families().front()).body)), "accepted");
  source_->asked.clear();
  expect_unasked(bare(good(direct_families()[1]).body), "dcap_collateral_missing");
}

// An SNP report without its certificate can be written by anybody; these are not even that.
TEST_F(CollateralTest, NobodyIsAskedForAReportThatWouldBeRefusedAnyway) {
  const auto snp_with = [](const std::function<void(Bytes&)>& edit) {
    return [edit](const Signed& data) { return edited_snp_evidence(data, edit); };
  };
  const auto plain = snp_with([](Bytes&) {});
  expect_unasked(direct(kNow, plain, [](Signed& s) { s.report_data[0] ^= 1; }), "snp_report_data");
  expect_unasked(direct(kNow, plain, [](Signed& s) { s.report_data[63] ^= 1; }), "snp_report_data");
  expect_unasked(direct(kNow, snp_with([](Bytes& r) { r[0x00A] |= 8; })), "snp_debug_allowed");
  expect_unasked(direct(kNow, snp_with([](Bytes& r) { r[0x00A] |= 4; })), "snp_migration_allowed");
  expect_unasked(direct(kNow, snp_with([](Bytes& r) { r[0x030] = 1; })), "snp_vmpl");
  expect_unasked(direct(kNow, snp_with([](Bytes& r) { r[0] = 9; })), "snp_report_version");
  expect_unasked(direct(kNow, snp_with([](Bytes& r) { r[0x048] = 1U << 2; })),
                 "snp_vlek_not_allowed");
  expect_unasked(direct(kNow, snp_with([](Bytes& r) { r[0x048] = 2U << 2; })), "snp_signing_key");
  ASSERT_TRUE(call("config", {{"min_tcb_snp", 23}}).ok());
  expect_unasked(direct(kNow, plain), "snp_tcb_too_old");
  ASSERT_TRUE(call("config", {{"min_tcb_snp", 0}, {"allowed_chips", std::string(128, '1')}}).ok());
  expect_unasked(direct(kNow, plain), "snp_chip_not_allowed");
  ASSERT_TRUE(call("config", {{"allowed_chips", ""}, {"allowed_families", "sgx"}}).ok());
  expect_unasked(direct(kNow, plain), "family_not_allowed");
  ASSERT_TRUE(call("config", {{"allowed_families", ""}}).ok());
  json::Object other = direct(kNow, plain);
  other.set("nonce", *challenge().string_at("nonce"));
  expect_unasked(other, "snp_report_data");
  json::Object late = direct(kNow, plain);
  be_at(kNow + 121);
  expect_unasked(late, "nonce_expired");
  json::Object more = direct(kNow, plain);
  more.set("report_data", "AA==");
  expect_unasked(more, "login_malformed");
}

// Every rule that failed stands in the record, as of any other refusal.
TEST_F(CollateralTest, WhatIsRefusedUnaskedIsRecorded) {
  EXPECT_EQ(reason(direct(kNow,
                          [](const Signed& data) {
                            return edited_snp_evidence(data, [](Bytes& report) {
                              report[0x00A] |= 8;
                              report[0x030] = 1;
                            });
                          })),
            "snp_debug_allowed");
  EXPECT_EQ(failed_rules(), (std::vector<std::string>{"snp_debug_allowed", "snp_vmpl"}));
}

TEST_F(CollateralTest, NobodyIsAskedForAQuoteThatIsNotGenuine) {
  const auto quote = [](const DcapTrial& from, const std::function<void(DcapTrial&)>& edit) {
    return [from, edit](const Signed& data) {
      DcapTrial trial = from;
      edit(trial);
      return intel_evidence(std::move(trial), data);
    };
  };
  for (const DcapTrial& from : {DcapTrial(), DcapTrial::sgx()}) {
    SCOPED_TRACE(from.is_tdx() ? "tdx" : "sgx");
    const auto unchanged = quote(from, [](DcapTrial&) {});
    const auto keys = [] { return &attestation::testing::IntelKeys::get(); };
    expect_unasked(direct(kIntelNow, unchanged, [](Signed& s) { s.report_data[5] ^= 1; }),
                   "dcap_report_data");
    expect_unasked(
        direct(kIntelNow,
               quote(from, [&](DcapTrial& t) { t.platform.quote_signer = &keys()->stranger; })),
        "dcap_quote_signature");
    expect_unasked(
        direct(kIntelNow,
               quote(from, [&](DcapTrial& t) { t.platform.qe_signer = &keys()->stranger; })),
        "dcap_qe_report_signature");
    expect_unasked(direct(kIntelNow, quote(from,
                                           [&](DcapTrial& t) {
                                             t.platform.root.key = t.platform.root.signer =
                                                 t.platform.authority.signer = &keys()->other_root;
                                           })),
                   "dcap_root_not_pinned");
    expect_unasked(
        direct(kIntelNow,
               quote(from, [](DcapTrial& t) { t.platform.leaf.not_after_s = kIntelNow - 1; })),
        "dcap_chain_expired");
    const bool tdx = from.is_tdx();
    expect_unasked(
        direct(
            kIntelNow,
            quote(from, [tdx](DcapTrial& t) { t.platform.body[tdx ? 120 : 48] |= tdx ? 1 : 2; })),
        tdx ? "tdx_debug" : "sgx_debug");
    ASSERT_TRUE(call("config", {{tdx ? "tdx_allowed_mrtds" : "sgx_allowed_mrenclaves",
                                 std::string(tdx ? 96 : 64, '7')}})
                    .ok());
    expect_unasked(direct(kIntelNow, unchanged), tdx ? "tdx_mrtd" : "sgx_mrenclave");
  }
}

// An Azure machine's report says nothing without its TPM, so the TPM's part comes first as well.
TEST_F(CollateralTest, NobodyIsAskedForAnAzureLoginThatItsTpmDoesNotSign) {
  be_at(kNow);
  const auto with = [this](const std::function<void(json::Object&)>& edit) {
    json::Object body = bare(azure_snp_login(challenge()).body);
    edit(body);
    return body;
  };
  expect_unasked(with([this](json::Object& b) { b.set("nonce", *challenge().string_at("nonce")); }),
                 "tpm_extra_data");
  for (const char* part : {"quote", "key_certify"}) {
    expect_unasked(with([part](json::Object& b) {
                     json::Object& member = *b.find(part)->as_object();
                     Bytes signature = must(base64_decode(*member.find("signature")->as_string()));
                     signature.back() ^= 1;
                     member.set("signature", base64_encode(signature));
                   }),
                   "tpm_signature_invalid");
  }
  expect_unasked(
      with([](json::Object& b) { b.find("pcrs")->as_object()->set("4", std::string(64, 'a')); }),
      "tpm_pcr_digest");
  expect_unasked(with([](json::Object& b) {
                   Bytes blob = must(base64_decode(*b.find("hcl_report")->as_string()));
                   blob[1240 + 30] ^= 1;  // in the runtime claims, which the report's data hashes
                   b.set("hcl_report", base64_encode(blob));
                 }),
                 "snp_report_data");
  expect_unasked(with([](json::Object& b) { b.set("event_log", base64_encode(Bytes(2 << 20))); }),
                 "evidence_too_large");
  ASSERT_TRUE(call("config", {{"allowed_vm_ids", "another"}}).ok());
  expect_unasked(with([](json::Object&) {}), "azure_vm_not_allowed");
  ASSERT_TRUE(
      call("config", {{"allowed_vm_ids", ""}, {"allowed_pcrs", "4:" + std::string(64, 'b')}}).ok());
  expect_unasked(with([](json::Object&) {}), "tpm_pcr_not_allowed");
  ASSERT_TRUE(call("config", {{"allowed_pcrs", ""}}).ok());
  EXPECT_EQ(reason(with([](json::Object&) {})), "accepted");
}

// Whose list it is, the chain says: reports of version 2 do not.
TEST_F(CollateralTest, AmdsListIsFetchedWhereItIsRequired) {
  ASSERT_TRUE(call("config", {{"require_crl", true}}).ok());
  be_at(kNow);
  for (const std::uint32_t version : {2U, 3U}) {
    machine().reset();
    machine().report_version = version;
    json::Object body = testing::azure_login(challenge()).body;
    body.set("family", "azure-snp-vtpm");
    body.set("vcek_chain", machine().chain_pem());
    EXPECT_EQ(reason(body), "accepted") << version;
  }
  EXPECT_EQ(source_->asked, (std::vector<std::string>{"list Milan", "list Milan"}));
  source_->asked.clear();
  source_->crl_until_s = kNow - 1;
  EXPECT_EQ(reason(good(direct_families().front()).body), "snp_crl_stale");
  source_->asked.clear();
  json::Object unpinned = good(direct_families().front()).body;
  const attestation::testing::SyntheticMachine stranger;
  unpinned.set("vcek_chain", stranger.chain_pem());
  expect_unasked(unpinned, "snp_root_not_pinned");
}

TEST_F(CollateralTest, WhatIsFetchedIsJudgedLikeWhatIsSent) {
  const Direct snp = direct_families().front();
  const Direct tdx = direct_families()[2];
  source_->crl_until_s = kNow - 1;
  EXPECT_EQ(reason(bare(good(snp).body)), "snp_crl_stale");
  source_->crl_until_s = kNow + 500;
  const attestation::testing::SyntheticMachine stranger;
  source_->vcek_pem = stranger.chain_pem();
  EXPECT_EQ(reason(bare(good(snp).body)), "snp_root_not_pinned");
  machine().vcek_extensions["1.3.6.1.4.1.3704.1.4"] = Bytes(64, 0xc2);
  source_->vcek_pem = machine().chain_pem();  // genuine, of another chip
  EXPECT_EQ(reason(bare(good(snp).body)), "snp_chip_mismatch");
  source_->vcek_pem = "no certificate";
  EXPECT_EQ(reason(bare(good(snp).body)), "snp_chain_malformed");

  source_->edit_platform = [](DcapTrial& t) {
    t.platform.tcb_info_signer = &attestation::testing::IntelKeys::get().stranger;
  };
  EXPECT_EQ(reason(bare(good(tdx).body)), "dcap_tcb_info_signature");
  source_->edit_platform = [](DcapTrial& t) { t.platform.pck_crl.next_update_s = kIntelNow - 1; };
  EXPECT_EQ(reason(bare(good(tdx).body)), "dcap_pck_crl_expired");
}

TEST_F(CollateralTest, AFailureOfTheSourceIsTheLoginsReason) {
  source_->failure = Error(Code::kUnavailable, "endorsement_unreachable", "the mirror is away");
  const json::Object body = bare(good(direct_families()[2]).body);
  const auto away = call("login", body);
  ASSERT_FALSE(away.ok());
  EXPECT_EQ(away.error().code, Code::kUnavailable);
  EXPECT_EQ(away.error().reason, "endorsement_unreachable");
  const json::Value kept(
      *must(call("refusals/request-" + std::to_string(requests_), {}, logical::Operation::kRead))
           .data);
  EXPECT_EQ(*kept.string_at("message"), "the mirror is away");
  source_->failure.reset();
  EXPECT_EQ(reason(body), "accepted") << "the nonce of a login that failed so is not used up";
  source_->failure = Error(Code::kRefused, "endorsement_not_found", "no such chip");
  const auto unknown = call("login", bare(good(direct_families().front()).body));
  EXPECT_EQ(unknown.error().code, Code::kRefused);
  EXPECT_EQ(unknown.error().reason, "endorsement_not_found");
}

TEST_F(CollateralTest, ExplainFetchesWhatAFileLacksAndSaysSo) {
  const json::Object file = good(direct_families()[2]).body;
  EXPECT_TRUE(explained(file).at("collateral")->is_null());
  json::Value said = explained(bare(file));
  EXPECT_EQ(*said.string_at("verdict"), "accept");
  EXPECT_TRUE(*said.at("collateral")->at("fetched")->as_bool());
  source_->asked.clear();
  json::Object then = bare(file);
  then.set("at", kIntelNow - 100);
  EXPECT_EQ(*explained(then).string_at("reason"), "dcap_collateral_missing");
  EXPECT_TRUE(source_->asked.empty()) << "documents of today say nothing of another time";
  source_->failure = Error(Code::kUnavailable, "endorsement_unreachable", "the mirror is away");
  said = explained(bare(file));
  EXPECT_EQ(*said.string_at("reason"), "dcap_collateral_missing");
  EXPECT_FALSE(*said.at("collateral")->at("fetched")->as_bool());
  EXPECT_EQ(*said.at("collateral")->string_at("reason"), "endorsement_unreachable");
}

}  // namespace
}  // namespace apm::auth_apm
