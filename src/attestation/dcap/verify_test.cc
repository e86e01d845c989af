// Signatures, collateral and status: each test changes one thing of evidence that is accepted
// otherwise, and sees the one rule that it breaks.

#include "attestation/dcap/verify.h"

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

// ---- The chain ----

TEST(DcapChain, OrderAndRootDoNotMatter) {
  for (const std::vector<int>& order :
       {std::vector<int>{0, 2, 1}, {2, 1, 0}, {0, 1}, {1, 0}, {0, 1, 2, 2}}) {
    DcapTrial trial;
    trial.platform.chain_order = order;
    EXPECT_EQ(trial.failures(), Reasons());
  }
}

TEST(DcapChain, OfTheWrongKind) {
  for (const std::vector<int>& order : {std::vector<int>{0}, {0, 2}, {1, 2}, {0, 0, 1}, {}}) {
    DcapTrial trial;
    trial.platform.chain_order = order;
    const Reasons failed = trial.failures();
    EXPECT_EQ(failed, Reasons{order.empty() ? "dcap_chain_malformed" : "dcap_chain_kind"});
  }
  DcapTrial five;
  five.platform.chain_order = {0, 1, 2, 2, 2};
  EXPECT_EQ(five.failures(), Reasons{"dcap_chain_malformed"});
  DcapTrial name;
  name.platform.leaf.name = "Intel SGX TCB Signing";
  EXPECT_EQ(name.failures(), Reasons{"dcap_chain_kind"});
  DcapTrial authority;
  authority.platform.authority.name = "Some CA";
  EXPECT_EQ(authority.failures(), Reasons{"dcap_chain_kind"});
  DcapTrial usage;
  usage.platform.leaf.key_usage = "keyAgreement";
  EXPECT_EQ(usage.failures(), Reasons{"dcap_chain_kind"});
  DcapTrial ca;
  ca.platform.leaf.is_ca = true;
  ca.platform.leaf.key_usage = "digitalSignature,keyCertSign";
  EXPECT_EQ(ca.failures(), Reasons{"dcap_chain_kind"});
}

TEST(DcapChain, AnAuthorityThatMayNotSignCertificates) {
  DcapTrial usage;
  usage.platform.authority.key_usage = "cRLSign";
  EXPECT_EQ(usage.failures(), Reasons{"dcap_chain_invalid"});
  DcapTrial basic;
  basic.platform.authority.is_ca = false;
  basic.platform.authority.key_usage = "keyCertSign,cRLSign";
  EXPECT_EQ(basic.failures(), Reasons{"dcap_chain_invalid"});
}

TEST(DcapChain, KeysAreOnP256) {
  static const crypto::PrivateKey wide = IntelKeys::make(crypto::Curve::kP384);
  DcapTrial leaf;
  leaf.platform.leaf.key = &wide;
  EXPECT_EQ(leaf.failures(), Reasons{"dcap_chain_key"});
  DcapTrial authority;
  authority.platform.authority.key = &wide;
  authority.platform.leaf.signer = &wide;
  EXPECT_EQ(authority.failures(), Reasons{"dcap_chain_key"});
}

TEST(DcapChain, ARootThatComesAlongIsOnlyCompared) {
  DcapTrial other;  // self-made PKI with Intel's names
  other.platform.root.key = &keys().other_root;
  other.platform.root.signer = &keys().other_root;
  other.platform.authority.signer = &keys().other_root;
  EXPECT_EQ(other.failures(), Reasons{"dcap_root_not_pinned"});
  DcapTrial silent = other;  // the same without its root
  silent.platform.chain_order = {0, 1};
  const Reasons failed = silent.failures();
  EXPECT_TRUE(failed == Reasons{"dcap_chain_untrusted"} || failed == Reasons{"dcap_chain_invalid"});
  DcapTrial unsigned_root;  // the pinned key, but not signed by it
  unsigned_root.platform.root.signer = &keys().other_root;
  EXPECT_EQ(unsigned_root.failures(), Reasons{"dcap_root_not_pinned"});
}

TEST(DcapChain, ALeafOfAnotherAuthority) {
  DcapTrial trial;
  trial.platform.leaf.signer = &keys().stranger;
  EXPECT_EQ(trial.failures(), Reasons{"dcap_chain_untrusted"});
}

TEST(DcapChain, Dates) {
  DcapTrial expired;
  expired.platform.leaf.not_after_s = kIntelNow - 1;
  EXPECT_EQ(expired.failures(), Reasons{"dcap_chain_expired"});
  EXPECT_EQ(expired.failures(Appraisal(Stage::kChain)), Reasons());
  DcapTrial authority;
  authority.platform.authority.not_after_s = kIntelNow - 1;
  EXPECT_EQ(authority.failures(), Reasons{"dcap_chain_expired"});
  DcapTrial early;
  early.platform.leaf.not_before_s = kIntelNow + 1;
  EXPECT_EQ(early.failures(), Reasons{"dcap_chain_not_yet_valid"});
}

TEST(DcapChain, SgxExtension) {
  DcapTrial absent;
  absent.platform.with_extension = false;
  EXPECT_EQ(absent.failures(), Reasons{"dcap_pck_extension"});
  DcapTrial ppid;
  ppid.platform.pck.ppid = Bytes(15);
  EXPECT_EQ(ppid.failures(), Reasons{"dcap_pck_extension"});
  DcapTrial fmspc;
  fmspc.platform.pck.fmspc.pop_back();
  EXPECT_EQ(fmspc.failures(), Reasons{"dcap_pck_extension"});
  DcapTrial instance;
  instance.platform.pck.platform_instance.push_back(1);
  EXPECT_EQ(instance.failures(), Reasons{"dcap_pck_extension"});
}

// ---- Signatures ----

TEST(DcapSignature, OfTheQeReport) {
  DcapTrial trial;
  trial.platform.qe_signer = &keys().stranger;
  EXPECT_EQ(trial.failures(), Reasons{"dcap_qe_report_signature"});
}

TEST(DcapSignature, TheKeyIsTheOneThatTheQeVouchesFor) {
  DcapTrial trial;
  trial.platform.bind_key = false;
  EXPECT_EQ(trial.failures(), Reasons{"dcap_attestation_key_unbound"});
  DcapTrial tail;  // behind the hash stand zeros
  tail.platform.qe_report[383] = 1;
  EXPECT_EQ(tail.failures(), Reasons{"dcap_attestation_key_unbound"});
}

TEST(DcapSignature, TheKeyIsAPoint) {
  DcapTrial trial;
  trial.platform.attestation_key = Bytes(64, 1);
  EXPECT_EQ(trial.failures(), Reasons{"dcap_attestation_key"});
}

TEST(DcapSignature, OfTheQuote) {
  DcapTrial trial;
  trial.platform.quote_signer = &keys().stranger;
  EXPECT_EQ(trial.failures(), Reasons{"dcap_quote_signature"});
}

TEST(DcapFreshness, AllOfReportDataCounts) {
  DcapTrial trial;
  trial.report_data[63] ^= 1;
  EXPECT_EQ(trial.failures(), Reasons{"dcap_report_data"});
  trial.report_data.pop_back();
  EXPECT_EQ(trial.failures(), Reasons{"dcap_report_data"});
  trial.report_data.clear();
  EXPECT_EQ(trial.failures(), Reasons{"dcap_report_data"});
  EXPECT_EQ(trial.failures(Appraisal(Stage::kBinding)), Reasons());
}

// One bit of every byte, in its turn.
TEST(DcapSignature, NoByteIsFree) {
  DcapTrial trial = DcapTrial::td15();
  const Bytes quote = trial.platform.quote();
  ASSERT_EQ(trial.failures(quote, nullptr, Appraisal(Stage::kFreshness)), Reasons());
  for (std::size_t at = 0; at < quote.size(); ++at) {
    Bytes changed = quote;
    changed[at] ^= static_cast<std::uint8_t>(1U << (at % 8));
    EXPECT_FALSE(trial.failures(changed, nullptr, Appraisal(Stage::kFreshness)).empty()) << at;
  }
}

// ---- Collateral ----

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

// ---- Levels and statuses ----

TEST(DcapTcb, QeLevels) {
  DcapTrial old;
  old.platform.qe_report[258] = 5;
  EXPECT_EQ(old.failures(), Reasons{"dcap_tcb_out_of_date"});
  DcapTrial revoked;
  revoked.platform.qe_report[258] = 3;
  EXPECT_EQ(revoked.failures(), Reasons{"dcap_tcb_revoked"});
  DcapTrial none;
  none.platform.qe_report[258] = 2;
  EXPECT_EQ(none.failures(), Reasons{"dcap_qe_level_none"});
}

// An enclave of a genuine platform that is no Quoting Enclave.
TEST(DcapTcb, AnotherEnclaveIsNoQuotingEnclave) {
  DcapTrial signer = DcapTrial::sgx();
  signer.platform.qe_report[128] ^= 1;
  EXPECT_EQ(signer.failures(), Reasons{"dcap_qe_mrsigner"});
  DcapTrial product = DcapTrial::sgx();
  product.platform.qe_report[256] = 9;
  EXPECT_EQ(product.failures(), Reasons{"dcap_qe_prodid"});
  DcapTrial debug = DcapTrial::sgx();
  debug.platform.qe_report[48] |= 2;
  EXPECT_EQ(debug.failures(), Reasons{"dcap_qe_attributes"});
  DcapTrial misc = DcapTrial::sgx();
  misc.platform.qe_report[16] = 1;
  EXPECT_EQ(misc.failures(), Reasons{"dcap_qe_miscselect"});
}

TEST(DcapTcb, EveryComponentCounts) {
  for (std::size_t i = 0; i < 16; ++i) {
    if (i == 6 || i > 7) continue;  // zero at every level
    DcapTrial trial;
    trial.platform.pck.components[i] = 0;
    EXPECT_EQ(trial.failures(), Reasons{"dcap_tcb_level_none"}) << i;
  }
  DcapTrial pce;
  pce.platform.pck.pce_svn = 10;
  EXPECT_EQ(pce.failures(), Reasons{"dcap_tcb_level_none"});
  DcapTrial wide;  // two octets, compared as a number
  wide.platform.pck.pce_svn = 0x0100;
  EXPECT_EQ(wide.failures(), Reasons());
}

TEST(DcapTcb, TheFirstLevelThatIsReachedCounts) {
  struct Step {
    std::uint8_t svn;
    const char* reason;
    TcbStatus status;
  };
  for (const Step& step : {Step{4, "dcap_tcb_sw_hardening_needed", TcbStatus::kSwHardeningNeeded},
                           Step{3, "dcap_tcb_out_of_date", TcbStatus::kOutOfDate}}) {
    DcapTrial trial = DcapTrial::sgx();
    trial.platform.pck.components[0] = step.svn;
    EXPECT_EQ(trial.failures(), Reasons{step.reason});
    trial.floor().allowed_statuses.insert(step.status);
    EXPECT_EQ(trial.failures(), Reasons());
  }
}

TEST(DcapTcb, RevokedIsNeverAllowed) {
  DcapTrial trial = DcapTrial::sgx();
  trial.platform.pck.components[0] = 2;
  trial.floor().allowed_statuses.insert(TcbStatus::kRevoked);
  EXPECT_EQ(trial.failures(), Reasons{"dcap_tcb_revoked"});
}

TEST(DcapTcb, AdvisoriesAreNotBadByThemselves) {
  DcapTrial trial;  // its level carries INTEL-SA-00005
  trial.floor().refused_advisories = {"INTEL-SA-00004"};
  EXPECT_EQ(trial.failures(), Reasons());
  trial.floor().refused_advisories.insert("INTEL-SA-00005");
  EXPECT_EQ(trial.failures(), Reasons{"dcap_advisory_refused"});
}

TEST(DcapTcb, TdxComponentsCount) {
  DcapTrial trial;
  trial.platform.body[2] = 2;  // TEE_TCB_SVN[2]
  EXPECT_EQ(trial.failures(), Reasons{"dcap_tcb_level_none"});
  DcapTrial old;  // no module version: components 0 and 1 count too
  old.platform.body[1] = 0;
  EXPECT_EQ(old.failures(), Reasons());
  old.platform.body[0] = 4;
  EXPECT_EQ(old.failures(), Reasons{"dcap_tcb_level_none"});
}

TEST(DcapTcb, TdxModuleIdentity) {
  DcapTrial old;
  old.platform.body[0] = 4;
  EXPECT_EQ(old.failures(), Reasons{"dcap_tcb_out_of_date"});
  DcapTrial none;
  none.platform.body[0] = 1;
  EXPECT_EQ(none.failures(), Reasons{"tdx_module_level_none"});
  DcapTrial unknown;
  unknown.platform.body[1] = 2;
  EXPECT_EQ(unknown.failures(), Reasons{"tdx_module_unknown"});
  for (const std::uint8_t version : Bytes{0, 1}) {
    DcapTrial signer;
    signer.platform.body[1] = version;
    signer.platform.body[64] = 1;  // MRSIGNERSEAM
    EXPECT_EQ(signer.failures(), Reasons{"tdx_module_mrsigner"}) << int{version};
    DcapTrial attributes;
    attributes.platform.body[1] = version;
    attributes.platform.body[112] = 1;  // SEAMATTRIBUTES
    EXPECT_EQ(attributes.failures(), Reasons{"tdx_module_attributes"}) << int{version};
  }
}

TEST(DcapTcb, AModuleUpdatedInPlaceAsksForARelaunch) {
  DcapTrial trial = DcapTrial::td15();
  trial.platform.body[0] = 4;  // launched on an old module, now SVN2 5.1.3
  EXPECT_EQ(trial.failures(), Reasons{"dcap_tcb_td_relaunch_advised"});
  trial.floor().allowed_statuses.insert(TcbStatus::kTdRelaunchAdvised);
  EXPECT_EQ(trial.failures(), Reasons());
  DcapTrial still_old = trial;
  still_old.platform.body[584] = 4;
  EXPECT_EQ(still_old.failures(), Reasons{"dcap_tcb_out_of_date"});
  DcapTrial old_microcode = trial;
  old_microcode.platform.body[586] = 2;
  EXPECT_EQ(old_microcode.failures(), Reasons{"dcap_tcb_out_of_date"});
  DcapTrial old_platform = trial;
  old_platform.platform.pck.components[0] = 3;
  EXPECT_EQ(old_platform.failures(), Reasons{"dcap_tcb_out_of_date"});
  DcapTrial old_qe = trial;
  old_qe.platform.qe_report[258] = 5;
  EXPECT_EQ(old_qe.failures(), Reasons{"dcap_tcb_out_of_date"});
  // TEE_TCB_SVN2 never stands in for TEE_TCB_SVN.
  DcapTrial below = trial;
  below.platform.body[2] = 2;
  EXPECT_EQ(below.failures(), Reasons{"dcap_tcb_level_none"});
}

TEST(DcapTcb, Convergence) {
  using S = TcbStatus;
  EXPECT_EQ(converge(S::kUpToDate, S::kUpToDate), S::kUpToDate);
  EXPECT_EQ(converge(S::kUpToDate, S::kOutOfDate), S::kOutOfDate);
  EXPECT_EQ(converge(S::kSwHardeningNeeded, S::kOutOfDate), S::kOutOfDate);
  EXPECT_EQ(converge(S::kConfigurationNeeded, S::kOutOfDate), S::kOutOfDateConfigurationNeeded);
  EXPECT_EQ(converge(S::kConfigurationAndSwHardeningNeeded, S::kOutOfDate),
            S::kOutOfDateConfigurationNeeded);
  EXPECT_EQ(converge(S::kTdRelaunchAdvised, S::kOutOfDate), S::kOutOfDate);
  EXPECT_EQ(converge(S::kOutOfDateConfigurationNeeded, S::kUpToDate),
            S::kOutOfDateConfigurationNeeded);
  EXPECT_EQ(converge(S::kRevoked, S::kOutOfDate), S::kRevoked);
  EXPECT_EQ(converge(S::kUpToDate, S::kRevoked), S::kRevoked);
  for (const char* name :
       {"UpToDate", "SWHardeningNeeded", "ConfigurationNeeded", "ConfigurationAndSWHardeningNeeded",
        "TDRelaunchAdvised", "TDRelaunchAdvisedConfigurationNeeded", "OutOfDate",
        "OutOfDateConfigurationNeeded", "Revoked"}) {
    ASSERT_TRUE(tcb_status_of(name)) << name;
    EXPECT_EQ(tcb_status_name(*tcb_status_of(name)), name);
  }
  EXPECT_FALSE(tcb_status_of("uptodate"));
}

// ---- Platforms by name ----

TEST(DcapPolicy, PlatformLists) {
  struct Row {
    AllowDeny Floor::* list;
    std::string value;
    const char* reason;
  };
  const Row rows[] = {
      {&Floor::fmspc, "90c06f000000", "dcap_fmspc_refused"},
      {&Floor::ppid, hex_encode(Bytes(16, 0x11)), "dcap_ppid_refused"},
      {&Floor::platform_instance, hex_encode(Bytes(16, 0x22)), "dcap_platform_instance_refused"}};
  for (const Row& row : rows) {
    DcapTrial allowed;
    (allowed.floor().*row.list).allowed = {row.value};
    EXPECT_EQ(allowed.failures(), Reasons());
    (allowed.floor().*row.list).allowed = {"00"};
    EXPECT_EQ(allowed.failures(), Reasons{row.reason});
    DcapTrial denied;
    (denied.floor().*row.list).denied = {row.value};
    EXPECT_EQ(denied.failures(), Reasons{row.reason});
    EXPECT_EQ(denied.failures(Appraisal(Stage::kTcb)), Reasons());
  }
}

}  // namespace
}  // namespace apm::attestation::dcap
