// Collateral: each test changes one thing of a set that is accepted otherwise.

#include "attestation/dcap/collateral_check.h"

#include <gtest/gtest.h>

#include "attestation/testing/dcap_trial.h"

namespace apm::attestation::dcap {
namespace {

using testing::DcapTrial;
using testing::IntelCertificate;
using testing::IntelKeys;
using testing::kIntelDay;
using testing::kIntelNow;
using testing::Reasons;
using testing::SyntheticIntel;

const IntelKeys& keys() { return IntelKeys::get(); }

TEST(DcapCollateral, MissingIsNamed) {
  DcapTrial trial;
  trial.with_collateral = false;
  EXPECT_EQ(trial.failures(), Reasons{"dcap_collateral_missing"});
  EXPECT_EQ(trial.failures(Appraisal(Stage::kFreshness)), Reasons());
  const Bytes quote = trial.platform.quote();
  const Collateral whole = trial.platform.collateral();
  const auto without = [&](auto drop) {
    Collateral part = whole;
    drop(part);
    return trial.failures(quote, &part);
  };
  const Reasons missing{"dcap_collateral_missing"};
  EXPECT_EQ(without([](Collateral& c) { c.tcb_info = {}; }), missing);
  EXPECT_EQ(without([](Collateral& c) { c.tcb_info.signature.clear(); }), missing);
  EXPECT_EQ(without([](Collateral& c) { c.tcb_info.chain_pem.clear(); }), missing);
  EXPECT_EQ(without([](Collateral& c) { c.qe_identity = {}; }), missing);
  EXPECT_EQ(without([](Collateral& c) { c.pck_crl.clear(); }), missing);
  EXPECT_EQ(without([](Collateral& c) { c.root_crl.clear(); }), missing);
}

TEST(DcapCollateral, SignedByIntelsTcbSigningOverTheExactText) {
  DcapTrial info;
  info.platform.tcb_info_signer = &keys().pck;
  EXPECT_EQ(info.failures(), Reasons{"dcap_tcb_info_signature"});
  DcapTrial identity;
  identity.platform.qe_identity_signer = &keys().stranger;
  EXPECT_EQ(identity.failures(), Reasons{"dcap_qe_identity_signature"});
  DcapTrial trial;
  const Bytes quote = trial.platform.quote();
  Collateral spaced = trial.platform.collateral();
  spaced.tcb_info.body += " ";
  EXPECT_EQ(trial.failures(quote, &spaced), Reasons{"dcap_tcb_info_signature"});
  Collateral cut = trial.platform.collateral();
  cut.tcb_info.signature.resize(1);
  EXPECT_EQ(trial.failures(quote, &cut), Reasons{"dcap_tcb_info_signature"});
  Collateral padded = trial.platform.collateral();  // s with a zero before it
  padded.tcb_info.signature.insert(padded.tcb_info.signature.begin() + 32, 0);
  EXPECT_EQ(trial.failures(quote, &padded), Reasons{"dcap_tcb_info_signature"});
  Collateral longer = trial.platform.collateral();
  longer.qe_identity.signature.push_back(0);
  EXPECT_EQ(trial.failures(quote, &longer), Reasons{"dcap_qe_identity_signature"});
}

TEST(DcapCollateral, SigningChain) {
  DcapTrial name;
  name.platform.tcb_signing.name = "Intel SGX Something";
  EXPECT_EQ(name.failures(), Reasons{"dcap_tcb_info_chain_kind"});
  DcapTrial expired;
  expired.platform.tcb_signing.not_after_s = kIntelNow - 1;
  EXPECT_EQ(expired.failures(), Reasons{"dcap_tcb_info_chain_expired"});
  DcapTrial usage;
  usage.platform.tcb_signing.key_usage = "keyAgreement";
  EXPECT_EQ(usage.failures(), Reasons{"dcap_tcb_info_chain_kind"});
  DcapTrial other;
  other.platform.tcb_signing.signer = &keys().other_root;
  const Reasons failed = other.failures();
  EXPECT_TRUE(failed == Reasons{"dcap_tcb_info_chain_untrusted"} ||
              failed == Reasons{"dcap_tcb_info_chain_invalid"})
      << *failed.begin();
  DcapTrial text;
  Collateral malformed = text.platform.collateral();
  malformed.tcb_info.chain_pem += "x";
  EXPECT_EQ(text.failures(text.platform.quote(), &malformed),
            Reasons{"dcap_tcb_info_chain_malformed"});
  // A PCK authority vouches for no signer of collateral.
  DcapTrial below;
  Collateral by_authority = below.platform.collateral();
  const crypto::Certificate signer = IntelCertificate{
      .name = "Intel SGX TCB Signing",
      .key = &keys().tcb_signing,
      .signer = &keys().authority,
      .key_usage = {},
      .extensions = {}}.build(&below.platform.certificates().authority);
  by_authority.tcb_info.chain_pem = signer.pem() + below.platform.certificates().authority.pem();
  EXPECT_EQ(below.failures(below.platform.quote(), &by_authority),
            Reasons{"dcap_tcb_info_chain_kind"});
  // The PCK chain does not sign collateral.
  DcapTrial plain;
  plain.platform.chain_end = "";
  Collateral foreign = plain.platform.collateral();
  foreign.qe_identity.chain_pem = plain.platform.chain_pem();
  EXPECT_EQ(plain.failures(plain.platform.quote(), &foreign),
            Reasons{"dcap_qe_identity_chain_kind"});
}

struct Change {
  const char* from;
  const char* to;
  const char* reason;
};

TEST(DcapCollateral, TcbInfoFields) {
  const Change changes[] = {
      {R"("id":"TDX")", R"("id":"SGX")", "dcap_tcb_info_id"},
      {R"("version":3)", R"("version":2)", "dcap_tcb_info_malformed"},
      {R"("tcbType":0)", R"("tcbType":1)", "dcap_tcb_info_malformed"},
      {R"("fmspc":"90)", R"("fmspc":"91)", "dcap_fmspc_mismatch"},
      {R"("pceId":"0000")", R"("pceId":"0001")", "dcap_pce_id_mismatch"},
      {R"("fmspc":"90)", R"("fmspc":"9)", "dcap_tcb_info_malformed"},
      {R"("issueDate")", R"("issued")", "dcap_tcb_info_malformed"},
      {R"({"svn":5},)", R"()", "dcap_tcb_info_malformed"},
      {R"({"svn":5})", R"({"svn":256})", "dcap_tcb_info_malformed"},
      {R"("tcbStatus":"SWH)", R"("tcbStatus":"SWX)", "dcap_tcb_info_malformed"},
      {R"("tcbStatus":"SWHardeningNeeded")", R"("tcbStatus":"TDRelaunchAdvised")",
       "dcap_tcb_info_malformed"},
      {R"("tdxModule")", R"("tdxmodule")", "dcap_tcb_info_malformed"},
      {R"({"id")", R"({"version":3,"id")", "dcap_tcb_info_malformed"},  // twice
  };
  for (const Change& change : changes) {
    DcapTrial trial;
    SyntheticIntel::replace(trial.platform.tcb_info, change.from, change.to);
    EXPECT_EQ(trial.failures(), Reasons{change.reason}) << change.from << " " << change.to;
  }
}

TEST(DcapCollateral, QeIdentityFields) {
  const Change changes[] = {
      {R"("id":"TD_QE")", R"("id":"QE")", "dcap_qe_identity_id"},
      {R"("version":2)", R"("version":3)", "dcap_qe_identity_malformed"},
      {R"("mrsigner":"9e)", R"("mrsigner":"9f)", "dcap_qe_mrsigner"},
      {R"("isvprodid":2)", R"("isvprodid":1)", "dcap_qe_prodid"},
      {R"("miscselect":"00)", R"("miscselect":"01)", "dcap_qe_miscselect"},
      {R"("attributes":"11)", R"("attributes":"13)", "dcap_qe_attributes"},
      {R"("isvsvn":6},"tcbStatus":"UpToDate")", R"("isvsvn":6},"tcbStatus":"SWHardeningNeeded")",
       "dcap_qe_identity_malformed"},
  };
  for (const Change& change : changes) {
    DcapTrial trial;
    SyntheticIntel::replace(trial.platform.qe_identity, change.from, change.to);
    EXPECT_EQ(trial.failures(), Reasons{change.reason}) << change.from << " " << change.to;
  }
}

TEST(DcapCollateral, DatesOfTheDocuments) {
  const std::string from = rfc3339(kIntelNow - kIntelDay);
  const std::string until = rfc3339(kIntelNow + kIntelDay);
  DcapTrial info;
  SyntheticIntel::replace(info.platform.tcb_info, until, rfc3339(kIntelNow - 1));
  EXPECT_EQ(info.failures(), Reasons{"dcap_tcb_info_expired"});
  DcapTrial early;
  SyntheticIntel::replace(early.platform.tcb_info, from, rfc3339(kIntelNow + 1));
  EXPECT_EQ(early.failures(), Reasons{"dcap_tcb_info_not_yet_valid"});
  DcapTrial identity;
  SyntheticIntel::replace(identity.platform.qe_identity, until, rfc3339(kIntelNow - 1));
  EXPECT_EQ(identity.failures(), Reasons{"dcap_qe_identity_expired"});
  DcapTrial later;
  SyntheticIntel::replace(later.platform.qe_identity, from, rfc3339(kIntelNow + 1));
  EXPECT_EQ(later.failures(), Reasons{"dcap_qe_identity_not_yet_valid"});
  DcapTrial edge;
  SyntheticIntel::replace(edge.platform.tcb_info, until, rfc3339(kIntelNow));
  EXPECT_EQ(edge.failures(), Reasons());
}

TEST(DcapCollateral, RevocationLists) {
  const auto changed = [](auto change) {
    DcapTrial trial;
    change(trial.platform);
    return trial.failures();
  };
  using P = SyntheticIntel;
  EXPECT_EQ(changed([](P& p) { p.pck_crl_signer = &keys().stranger; }),
            Reasons{"dcap_pck_crl_signature"});
  EXPECT_EQ(changed([](P& p) { p.root_crl_signer = &keys().stranger; }),
            Reasons{"dcap_root_crl_signature"});
  EXPECT_EQ(changed([](P& p) { p.pck_crl.next_update_s = kIntelNow - 1; }),
            Reasons{"dcap_pck_crl_expired"});
  EXPECT_EQ(changed([](P& p) { p.root_crl.next_update_s = kIntelNow - 1; }),
            Reasons{"dcap_root_crl_expired"});
  EXPECT_EQ(changed([](P& p) { p.pck_crl.this_update_s = kIntelNow + 1; }),
            Reasons{"dcap_pck_crl_not_yet_valid"});
  EXPECT_EQ(changed([](P& p) { p.root_crl.this_update_s = kIntelNow + 1; }),
            Reasons{"dcap_root_crl_not_yet_valid"});
  EXPECT_EQ(changed([](P& p) { p.pck_crl.serials = {p.certificates().leaf.serial()}; }),
            Reasons{"dcap_pck_revoked"});
  EXPECT_EQ(changed([](P& p) { p.root_crl.serials = {p.certificates().authority.serial()}; }),
            Reasons{"dcap_pck_ca_revoked"});
  EXPECT_EQ(changed([](P& p) { p.root_crl.serials = {p.certificates().tcb_signing.serial()}; }),
            Reasons{"dcap_tcb_signing_revoked"});
  // A list that names the leaf, but of the wrong issuer.
  DcapTrial trial;
  Collateral swapped = trial.platform.collateral();
  std::swap(swapped.pck_crl, swapped.root_crl);
  EXPECT_EQ(trial.failures(trial.platform.quote(), &swapped), Reasons{"dcap_pck_crl_issuer"});
  Collateral root_only = trial.platform.collateral();
  root_only.root_crl = root_only.pck_crl;
  EXPECT_EQ(trial.failures(trial.platform.quote(), &root_only), Reasons{"dcap_root_crl_issuer"});
  Collateral broken = trial.platform.collateral();
  broken.pck_crl.pop_back();
  EXPECT_EQ(trial.failures(trial.platform.quote(), &broken), Reasons{"dcap_pck_crl_malformed"});
  Collateral broken_root = trial.platform.collateral();
  broken_root.root_crl.push_back(0);
  EXPECT_EQ(trial.failures(trial.platform.quote(), &broken_root),
            Reasons{"dcap_root_crl_malformed"});
}

// Collateral of one anchor says nothing about evidence of another.
TEST(DcapCollateral, OfAnotherAnchor) {
  DcapTrial trial;
  DcapTrial foreign;
  foreign.platform.root.key = &keys().other_root;
  foreign.platform.root.signer = &keys().other_root;
  foreign.platform.tcb_signing.signer = &keys().other_root;
  Anchors both = DcapTrial::make_anchors();
  ASSERT_TRUE(both.add_named("other", foreign.platform.certificates().root.pem()).ok());
  const Expectation expectation{&both, kIntelNow, Bytes(64, 0xd0)};
  const Collateral collateral = foreign.platform.collateral();
  Appraisal appraisal;
  EXPECT_EQ(
      tdx::verify(trial.platform.quote(), &collateral, expectation, {}, appraisal).error().reason,
      "dcap_tcb_info_root_not_pinned");
}

TEST(DcapCollateral, EvaluationNumberOfBothDocuments) {
  DcapTrial trial;
  trial.floor().evaluation_number_min = 18;
  EXPECT_EQ(trial.failures(), Reasons());
  DcapTrial info = trial;
  SyntheticIntel::replace(info.platform.tcb_info, "Number\":18", "Number\":17");
  EXPECT_EQ(info.failures(), Reasons{"dcap_evaluation_number"});
  DcapTrial identity = trial;
  SyntheticIntel::replace(identity.platform.qe_identity, "Number\":18", "Number\":17");
  EXPECT_EQ(identity.failures(), Reasons{"dcap_evaluation_number"});
}

}  // namespace
}  // namespace apm::attestation::dcap
