#include "tee/tsm.h"

#include <gtest/gtest.h>

#include "tee/limits.h"
#include "tee/testing/fake_device_files.h"

namespace apm::tee {
namespace {

using testing::FakeDeviceFiles;

ReportData report_data(std::uint8_t fill) {
  ReportData out{};
  out.fill(fill);
  return out;
}

class TsmTest : public ::testing::Test {
 protected:
  TsmTest() {
    files_.tsm_provider = "tdx_guest";
    files_.tsm_report = [](ByteView inblob) {
      Bytes out = to_bytes("quote:");
      append(out, inblob);
      return out;
    };
  }
  [[nodiscard]] Result<TsmReport> get(std::uint8_t fill) {
    return get_tsm_report(files_, report_data(fill), files_.tsm_root);
  }
  static Bytes expected(std::uint8_t fill) {
    Bytes out = to_bytes("quote:");
    append(out, ByteView(report_data(fill)));
    return out;
  }
  FakeDeviceFiles files_;
};

TEST_F(TsmTest, OneEntryAReportWhichIsGoneAfterwards) {
  const auto got = get(7);
  ASSERT_TRUE(got.ok()) << got.error().message;
  EXPECT_EQ(got->provider, "tdx_guest");
  EXPECT_EQ(got->outblob, expected(7));
  EXPECT_TRUE(got->auxblob.empty());
  EXPECT_EQ(files_.entries_made, 1);
  EXPECT_TRUE(files_.entries.empty());
}

TEST_F(TsmTest, TheAuxiliaryBlobComesAlong) {
  files_.tsm_auxblob = Bytes{1, 2, 3};
  const auto got = get(7);
  ASSERT_TRUE(got.ok()) << got.error().message;
  EXPECT_EQ(got->auxblob, (Bytes{1, 2, 3}));
}

TEST_F(TsmTest, AReportOfSomebodyElsesWriteIsMadeAgain) {
  files_.tsm_writes_by_others = 1;
  const auto got = get(8);
  ASSERT_TRUE(got.ok()) << got.error().message;
  EXPECT_EQ(got->outblob, expected(8));
  EXPECT_EQ(files_.entries_made, 2);
  EXPECT_TRUE(files_.entries.empty());
}

TEST_F(TsmTest, AWriterThatDoesNotStopIsNamed) {
  files_.tsm_writes_by_others = 100;
  const auto got = get(8);
  ASSERT_FALSE(got.ok());
  EXPECT_EQ(got.error().reason, "tee_generation_changed");
  EXPECT_EQ(files_.entries_made, 3);
  EXPECT_TRUE(files_.entries.empty());
}

TEST_F(TsmTest, ReportDataThatTheKernelDidNotTakeIsNoReport) {
  files_.tsm_drops_inblob = true;
  const auto got = get(8);
  ASSERT_FALSE(got.ok());
  EXPECT_EQ(got.error().reason, "tee_device_failed");
  EXPECT_TRUE(files_.entries.empty());
}

TEST_F(TsmTest, ABusyHostIsWaitedForAndNotForEver) {
  files_.tsm_report_errors = {EBUSY, EINTR, EAGAIN};
  ASSERT_TRUE(get(9).ok());
  EXPECT_EQ(files_.waits.size(), 3U);
  files_.tsm_report_errors.assign(100, EBUSY);
  const auto busy = get(9);
  ASSERT_FALSE(busy.ok());
  EXPECT_EQ(busy.error().reason, "tee_device_busy");
  EXPECT_EQ(files_.waits.size(), 3U + kDeviceAttemptsMax - 1);
  EXPECT_TRUE(files_.entries.empty());
}

TEST_F(TsmTest, AFailingProviderIsNotAskedAgain) {
  files_.tsm_report_errors = {EIO};
  const auto failed = get(9);
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.error().reason, "tee_device_failed");
  EXPECT_TRUE(files_.waits.empty());
}

TEST_F(TsmTest, EmptyAndOverlongReportsAreRefused) {
  files_.tsm_report = [](ByteView) { return Bytes(); };
  const auto empty = get(1);
  ASSERT_FALSE(empty.ok());
  EXPECT_EQ(empty.error().reason, "tee_answer_malformed");
  files_.tsm_report = [](ByteView) { return Bytes(kTsmOutblobBytesMax); };
  EXPECT_TRUE(get(1).ok());
  files_.tsm_report = [](ByteView) { return Bytes(kTsmOutblobBytesMax + 1); };
  const auto longer = get(1);
  ASSERT_FALSE(longer.ok());
  EXPECT_EQ(longer.error().reason, "tee_device_failed");
}

TEST_F(TsmTest, NoProviderNoConfigfsNoPermission) {
  files_.tsm_provider = "";
  const auto unregistered = get(1);
  ASSERT_FALSE(unregistered.ok());
  EXPECT_EQ(unregistered.error().reason, "tee_device_missing");
  EXPECT_NE(unregistered.error().message.find("no driver has registered"), std::string::npos);
  files_.open_errors[files_.tsm_root] = EACCES;
  const auto refused = get(1);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().reason, "tee_device_permission");
  files_.tsm_provider.reset();
  const auto absent = get(1);
  ASSERT_FALSE(absent.ok());
  EXPECT_EQ(absent.error().reason, "tee_device_missing");
  EXPECT_NE(absent.error().message.find("configfs"), std::string::npos);
}

TEST_F(TsmTest, TheProviderIsToldWithoutAReport) {
  files_.tsm_report = nullptr;
  const auto provider = tsm_provider(files_, files_.tsm_root);
  ASSERT_TRUE(provider.ok()) << provider.error().message;
  EXPECT_EQ(*provider, "tdx_guest");
  EXPECT_TRUE(files_.entries.empty());
}

}  // namespace
}  // namespace apm::tee
