// Certificate chains: each test changes one thing of a chain that is accepted otherwise.

#include "attestation/dcap/chain.h"

#include <gtest/gtest.h>

#include "attestation/testing/dcap_trial.h"

namespace apm::attestation::dcap {
namespace {

using testing::DcapTrial;
using testing::IntelKeys;
using testing::kIntelNow;
using testing::Reasons;

const IntelKeys& keys() { return IntelKeys::get(); }

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

TEST(DcapChain, ThePinnedKeyIsOnP256) {
  static const crypto::PrivateKey wide = IntelKeys::make(crypto::Curve::kP384);
  DcapTrial trial;
  trial.platform.root.key = &wide;
  trial.platform.root.signer = &wide;
  trial.platform.authority.signer = &wide;
  Anchors anchors = Anchors::none();
  ASSERT_TRUE(anchors.add_named("wide", trial.platform.certificates().root.pem()).ok());
  Appraisal appraisal;
  const std::string pem = trial.platform.chain_pem();
  EXPECT_EQ(trust_chain({.prefix = "dcap",
                         .pem = pem,
                         .kind = ChainKind::kPck,
                         .anchors = &anchors,
                         .now_unix_s = kIntelNow},
                        appraisal)
                .error()
                .reason,
            "dcap_chain_key");
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

}  // namespace
}  // namespace apm::attestation::dcap
