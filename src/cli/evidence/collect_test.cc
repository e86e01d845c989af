#include "cli/evidence/collect.h"

#include <gtest/gtest.h>

#include "tee/testing/fake_device_files.h"

namespace apm::cli::evidence {
namespace {

using tee::testing::FakeDeviceFiles;
using tee::testing::FakeSevGuest;

class CollectTest : public ::testing::Test {
 protected:
  CollectTest() {
    files_.devices[tee::kSevGuestPath] = [this](unsigned long number, void* argument) {
      return device_.answer(number, argument);
    };
  }
  [[nodiscard]] Result<tee::HardwareEvidence> collect(const tee::Finding& finding,
                                                      const std::vector<std::string>& words) {
    APM_TRY(const Arguments args, Arguments::parse(words, collect_flags()));
    return collect_for(files_, finding, args);
  }
  [[nodiscard]] std::string refusal(const tee::Finding& finding,
                                    const std::vector<std::string>& words) {
    const auto got = collect(finding, words);
    return got.ok() ? "" : got.error().reason;
  }
  FakeDeviceFiles files_;
  FakeSevGuest device_;
  const tee::Finding snp_{tee::Source::kSevGuest, tee::kSevGuestPath, tee::Family::kSnp, ""};
  const tee::Finding nitro_{tee::Source::kNsm, tee::kNsmPath, tee::Family::kNitro, ""};
};

TEST_F(CollectTest, ReportDataStandsInFrontOfZeros) {
  const auto got = collect(snp_, {"-report-data=0102"});
  ASSERT_TRUE(got.ok()) << got.error().message;
  Bytes expected(64);
  expected[0] = 1;
  expected[1] = 2;
  EXPECT_EQ(got->evidence, FakeSevGuest::report_for(expected));
  const auto bare = collect(snp_, {});
  ASSERT_TRUE(bare.ok()) << bare.error().message;
  EXPECT_EQ(bare->evidence, FakeSevGuest::report_for(Bytes(64)));
}

TEST_F(CollectTest, ReportDataIsHexadecimalOfAtMost64Bytes) {
  EXPECT_EQ(refusal(snp_, {"-report-data", std::string(128, 'a')}), "");
  EXPECT_EQ(refusal(snp_, {"-report-data", std::string(130, 'a')}), "usage");
  EXPECT_EQ(refusal(snp_, {"-report-data", "0x"}), "usage");
  EXPECT_EQ(refusal(nitro_, {"-nonce", "0x"}), "usage");
  EXPECT_TRUE(device_.requests.size() == 1);
}

TEST_F(CollectTest, AFieldThatTheEvidenceDoesNotHaveIsRefused) {
  for (const char* flag : {"-user-data=00", "-nonce=00", "-public-key=/dev/null"}) {
    EXPECT_EQ(refusal(snp_, {flag}), "usage") << flag;
  }
  EXPECT_EQ(refusal(nitro_, {"-report-data=00"}), "usage");
  EXPECT_EQ(refusal(nitro_, {"-nonce=00"}), "tee_device_missing") << "asked, and not there";
}

}  // namespace
}  // namespace apm::cli::evidence
