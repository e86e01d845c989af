// Levels and statuses: one SVN, identity or document changed at a time.

#include "attestation/dcap/tcb.h"

#include <gtest/gtest.h>

#include "attestation/testing/dcap_trial.h"

namespace apm::attestation::dcap {
namespace {

using testing::DcapTrial;
using testing::Reasons;

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

}  // namespace
}  // namespace apm::attestation::dcap
