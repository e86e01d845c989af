#include "tee/hardware.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "attestation/limits.h"
#include "base/file.h"
#include "tee/testing/fake_device_files.h"

namespace apm::tee {
namespace {

using testing::FakeDeviceFiles;
using testing::FakeSevGuest;

class HardwareTest : public ::testing::Test {
 protected:
  HardwareTest() { paths_.tsm_root = files_.tsm_root; }
  void add_sev_guest() {
    files_.devices[kSevGuestPath] = [this](unsigned long number, void* argument) {
      return device_.answer(number, argument);
    };
  }
  void add_device(const std::string& path) {
    files_.devices[path] = [](unsigned long, void*) { return ENOTTY; };
  }
  void add_azure_tpm() {
    add_device(kTpmDevicePath);
    files_.files[kChassisTagPath] = to_bytes(std::string(kAzureChassisTag) + "\n");
  }
  void add_tsm(const std::string& provider) {
    files_.tsm_provider = provider;
    files_.tsm_report = [](ByteView inblob) { return FakeSevGuest::report_for(inblob); };
  }
  [[nodiscard]] Source chosen() {
    const auto finding = choose_device(files_, paths_);
    EXPECT_TRUE(finding.ok()) << finding.error().message;
    return finding.ok() ? finding->source : Source::kTpm;
  }
  [[nodiscard]] Result<HardwareEvidence> collect_chosen() {
    APM_TRY(const Finding finding, choose_device(files_, paths_));
    Binding binding;
    binding.report_data.fill(0x11);
    return collect(files_, finding, binding);
  }

  FakeDeviceFiles files_;
  FakeSevGuest device_;
  Paths paths_;
};

TEST_F(HardwareTest, TheFirstUsableDeviceOfTheOrderWins) {
  add_azure_tpm();
  EXPECT_EQ(chosen(), Source::kTpm);
  files_.files[std::string(kGramineFolder) + "/quote"] = {};
  EXPECT_EQ(chosen(), Source::kGramine);
  add_device(kNsmPath);
  EXPECT_EQ(chosen(), Source::kNsm);
  add_sev_guest();
  EXPECT_EQ(chosen(), Source::kSevGuest);
  add_tsm("sev_guest");
  EXPECT_EQ(chosen(), Source::kTsm);
}

TEST_F(HardwareTest, ATsmThatCannotBeUsedLeavesTheDevice) {
  add_sev_guest();
  add_tsm("");
  EXPECT_EQ(chosen(), Source::kSevGuest);
  add_tsm("sev_guest");
  files_.open_errors[files_.tsm_root] = EACCES;
  EXPECT_EQ(chosen(), Source::kSevGuest);
  files_.open_errors.clear();
  add_tsm("arm_cca_guest");
  EXPECT_EQ(chosen(), Source::kSevGuest);
}

TEST_F(HardwareTest, TheTdxDeviceAloneIsNamedWithTheRemedy) {
  add_device(kTdxGuestPath);
  const auto none = choose_device(files_, paths_);
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.error().reason, "tee_device_missing");
  EXPECT_NE(none.error().message.find("/dev/tdx_guest"), std::string::npos);
  EXPECT_NE(none.error().message.find("CONFIG_TSM_REPORTS"), std::string::npos);
}

TEST_F(HardwareTest, NothingAtAllListsWhatWasLookedFor) {
  const auto none = choose_device(files_, paths_);
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.error().code, Code::kNotFound);
  for (const char* path : {kSevGuestPath, kNsmPath, kTpmDevicePath}) {
    EXPECT_NE(none.error().message.find(path), std::string::npos) << path;
  }
}

TEST_F(HardwareTest, SnpByTsmAndByTheDeviceIsTheSameEvidence) {
  add_sev_guest();
  const auto by_device = collect_chosen();
  ASSERT_TRUE(by_device.ok()) << by_device.error().message;
  add_tsm("sev_guest");
  files_.tsm_auxblob = Bytes();
  const auto by_tsm = collect_chosen();
  ASSERT_TRUE(by_tsm.ok()) << by_tsm.error().message;
  EXPECT_EQ(by_device->source, Source::kSevGuest);
  EXPECT_EQ(by_tsm->source, Source::kTsm);
  EXPECT_EQ(by_tsm->family, Family::kSnp);
  EXPECT_EQ(by_tsm->evidence, by_device->evidence);
}

TEST_F(HardwareTest, AnSnpReportOfAnotherSizeIsRefused) {
  add_tsm("sev_guest");
  files_.tsm_report = [](ByteView) { return Bytes(1183); };
  const auto refused = collect_chosen();
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().reason, "tee_answer_malformed");
}

TEST_F(HardwareTest, ATdxQuoteComesByTsm) {
  add_tsm("tdx_guest");
  files_.tsm_report = [](ByteView) { return to_bytes("quote"); };
  const auto got = collect_chosen();
  ASSERT_TRUE(got.ok()) << got.error().message;
  EXPECT_EQ(got->family, Family::kTdx);
  EXPECT_EQ(got->evidence, to_bytes("quote"));
  EXPECT_TRUE(got->event_log.empty());
}

TEST_F(HardwareTest, ATdsEventLogComesAlongAndItsFaultIsNamed) {
  add_tsm("tdx_guest");
  files_.files[kCcelPath] = to_bytes("log");
  const auto got = collect_chosen();
  ASSERT_TRUE(got.ok()) << got.error().message;
  EXPECT_EQ(got->event_log, to_bytes("log"));
  files_.files[kCcelPath] = Bytes(attestation::kEventLogBytesMax + 1);
  const auto longer = collect_chosen();
  ASSERT_FALSE(longer.ok());
  EXPECT_EQ(longer.error().reason, "tee_device_failed");
}

TEST_F(HardwareTest, AProviderThatChangesBetweenFindingAndAskingIsRefused) {
  add_tsm("sev_guest");
  const auto finding = choose_device(files_, paths_);
  ASSERT_TRUE(finding.ok());
  files_.tsm_provider = "arm_cca_guest";
  const auto refused = collect(files_, *finding, {});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().reason, "tee_provider_unknown");
}

TEST_F(HardwareTest, GramineTakesTheReportDataAndGivesTheQuote) {
  const std::string folder = kGramineFolder;
  files_.files[folder + "/user_report_data"] = {};
  files_.files[folder + "/quote"] = to_bytes("quote");
  const auto got = collect_chosen();
  ASSERT_TRUE(got.ok()) << got.error().message;
  EXPECT_EQ(got->family, Family::kSgx);
  EXPECT_EQ(got->evidence, to_bytes("quote"));
  EXPECT_EQ(files_.files[folder + "/user_report_data"], Bytes(64, 0x11));
  files_.files[folder + "/quote"] = {};
  const auto empty = collect_chosen();
  ASSERT_FALSE(empty.ok());
  EXPECT_EQ(empty.error().reason, "tee_answer_malformed");
  files_.files.erase(folder + "/user_report_data");
  const auto absent = collect_chosen();
  ASSERT_FALSE(absent.ok());
  EXPECT_EQ(absent.error().reason, "tee_device_missing");
}

TEST_F(HardwareTest, ATpmOutsideAzureProvesNoHardware) {
  add_device(kTpmDevicePath);
  files_.files[kChassisTagPath] = to_bytes("another maker\n");
  const auto none = choose_device(files_, paths_);
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.error().reason, "tee_device_missing");
  EXPECT_NE(none.error().message.find("no machine of Azure"), std::string::npos);
}

TEST_F(HardwareTest, ATpmIsNotAskedHere) {
  add_azure_tpm();
  const auto refused = collect_chosen();
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().reason, "tee_uses_tpm");
}

// The calls to the operating system, on plain files.
class SystemFilesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string shape = ::testing::TempDir() + "/apm-tee-XXXXXX";
    ASSERT_NE(::mkdtemp(shape.data()), nullptr);
    folder_ = shape;
  }
  void TearDown() override {
    static_cast<void>(::unlink((folder_ + "/a").c_str()));
    static_cast<void>(::rmdir(folder_.c_str()));
  }
  std::string folder_;
};

TEST_F(SystemFilesTest, ReadsWritesAndDirectories) {
  const auto files = system_device_files();
  const std::string path = folder_ + "/a";
  EXPECT_EQ(files->write(path, to_bytes("x")), ENOENT);  // attributes are never created
  {
    const UniqueFd made(::creat(path.c_str(), 0600));
  }
  EXPECT_TRUE(files->exists(path));
  EXPECT_EQ(files->write(path, Bytes(5000, 7)), 0);
  const auto whole = files->read(path, 5000);
  EXPECT_EQ(whole.error, 0);
  EXPECT_EQ(whole.data, Bytes(5000, 7));
  EXPECT_EQ(files->read(path, 4999).error, EFBIG);
  EXPECT_EQ(files->request(path, 0xc0200a00, nullptr), ENOTTY);
  EXPECT_EQ(files->make_directory(folder_ + "/d"), 0);
  EXPECT_EQ(files->make_directory(folder_ + "/d"), EEXIST);
  EXPECT_EQ(files->remove_directory(folder_ + "/d"), 0);
  EXPECT_EQ(files->read(folder_ + "/none", 1).error, ENOENT);
}

// This machine is no confidential VM of these kinds; on one that is, the report is real.
TEST_F(SystemFilesTest, WithoutADeviceTheErrorIsItsAbsence) {
  const auto files = system_device_files();
  Paths paths;
  paths.tsm_root = paths.sev_guest = paths.tdx_guest = paths.nsm = paths.gramine = paths.tpm =
      folder_ + "/none";
  const auto none = choose_device(*files, paths);
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.error().reason, "tee_device_missing");
}

}  // namespace
}  // namespace apm::tee
