// Signatures, freshness and lists of platforms; one thing changed at a time.

#include "attestation/dcap/verify.h"

#include <gtest/gtest.h>

#include "attestation/testing/dcap_trial.h"

namespace apm::attestation::dcap {
namespace {

using testing::DcapTrial;
using testing::IntelKeys;
using testing::Reasons;

const IntelKeys& keys() { return IntelKeys::get(); }

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
