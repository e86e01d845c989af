#include "cli/evidence/collect.h"

#include <gtest/gtest.h>

#include "cli/evidence/collect_azure.h"
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
  for (const char* flag : {"-tcti=device:/dev/tpm0", "-imds=http://127.0.0.1", "-event-log=/x"}) {
    EXPECT_EQ(refusal(snp_, {flag}), "usage") << flag;
    EXPECT_EQ(refusal(nitro_, {flag}), "usage") << flag;
  }
}

TEST_F(CollectTest, TheTpmHasWordsOfItsOwn) {
  const tee::Finding tpm{tee::Source::kTpm, "/dev/tpmrm0", tee::Family::kAzure, ""};
  const auto check = [&](const std::vector<std::string>& words) {
    const auto args = Arguments::parse(words, collect_flags());
    const Status status = args.ok() ? check_collect_flags(tpm, *args) : Status(args.error());
    return status.ok() ? "" : status.error().reason;
  };
  EXPECT_EQ(check({"-nonce=00", "-tcti=x", "-imds=y", "-event-log=z"}), "");
  for (const char* flag : {"-report-data=00", "-user-data=00", "-public-key=/dev/null"}) {
    EXPECT_EQ(check({flag}), "usage") << flag;
  }
}

TEST_F(CollectTest, AzuresNonceIsSomethingAndFits) {
  const auto reason = [](const std::string& nonce) {
    const auto args = Arguments::parse({"-nonce=" + nonce, "-tcti=none:x"}, collect_flags());
    const auto got = collect_azure(*args);
    return got.ok() ? "" : got.error().reason;
  };
  EXPECT_EQ(reason(""), "usage");
  EXPECT_EQ(reason("0x"), "usage");
  EXPECT_EQ(reason(std::string(130, 'a')), "usage");
  EXPECT_EQ(reason(std::string(128, 'a')), "tpm") << "asked, and not there";
}

TEST_F(CollectTest, AzuresFilesAreWhatVerifyReads) {
  workload::MachineQuote machine{Bytes{1}, {Bytes{2}, Bytes{3}}, {}, {}};
  for (unsigned i = 0; i < 24; ++i) machine.pcrs[i] = Bytes(32, static_cast<std::uint8_t>(i));
  const auto inputs = [&](const workload::Platform& platform) {
    std::string out;
    const auto files = azure_files(machine, platform);
    if (!files.ok()) return files.error().message;
    for (const AzureFile& file : *files) out += file.input + file.suffix + " ";
    return out;
  };
  EXPECT_EQ(inputs({"azure-tdx-vtpm", "", Bytes{4}}),
            " tpm_msg.tpm-msg tpm_sig.tpm-sig pcrs.pcrs td_quote.td-quote ");
  machine.event_log = Bytes{5};
  EXPECT_EQ(inputs({"azure-tdx-vtpm", "", Bytes{4}}),
            " tpm_msg.tpm-msg tpm_sig.tpm-sig pcrs.pcrs eventlog.eventlog td_quote.td-quote ");
  const auto files = azure_files(machine, {"azure-tdx-vtpm", "", Bytes{4}});
  ASSERT_TRUE(files.ok());
  EXPECT_EQ((*files)[3].bytes.size(), 24U * 32);
  EXPECT_EQ((*files)[3].bytes.back(), 23);
  EXPECT_EQ((*files)[5].bytes, Bytes{4});
  const auto none = azure_files(machine, {"azure-snp-vtpm", "no certificate", {}});
  EXPECT_EQ(none.ok() ? "" : none.error().reason, "thim_unavailable");
}

}  // namespace
}  // namespace apm::cli::evidence
