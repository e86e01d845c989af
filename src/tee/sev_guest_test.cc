#include "tee/sev_guest.h"

#include <gtest/gtest.h>
#include <sys/ioctl.h>

#include "base/encoding.h"
#include "tee/limits.h"
#include "tee/testing/fake_device_files.h"

namespace apm::tee {
namespace {

using testing::FakeDeviceFiles;
using testing::FakeSevGuest;

constexpr std::string_view kGuidVcek = "63da758de6644564adc5f4b93be8accd";

Bytes table_with(std::string_view content) {
  Bytes out = *hex_decode(kGuidVcek);
  append_u32_le(out, 48);
  append_u32_le(out, static_cast<std::uint32_t>(content.size()));
  out.resize(48);
  append(out, content);
  return out;
}

SnpReportRequest request_for(std::uint8_t fill) {
  SnpReportRequest request;
  request.report_data.fill(fill);
  return request;
}

class SevGuestTest : public ::testing::Test {
 protected:
  SevGuestTest() {
    files_.devices[kSevGuestPath] = [this](unsigned long number, void* argument) {
      return device_.answer(number, argument);
    };
  }
  FakeDeviceFiles files_;
  FakeSevGuest device_;
};

TEST_F(SevGuestTest, AReportWithTheHostsCertificates) {
  device_.certificate_table = table_with("a certificate");
  const auto got = get_snp_report(files_, request_for(0x5a));
  ASSERT_TRUE(got.ok()) << got.error().message;
  EXPECT_EQ(got->report, FakeSevGuest::report_for(Bytes(64, 0x5a)));
  EXPECT_EQ(got->certificate_table, device_.certificate_table);
  EXPECT_EQ(device_.vmpl, 0U);
  EXPECT_EQ(device_.requests, (std::vector<unsigned long>{SNP_GET_EXT_REPORT}));
}

TEST_F(SevGuestTest, AHostWithoutCertificatesGivesAReportAlone) {
  const auto got = get_snp_report(files_, request_for(1));
  ASSERT_TRUE(got.ok()) << got.error().message;
  EXPECT_TRUE(got->certificate_table.empty());
}

TEST_F(SevGuestTest, CertificatesBeyondTheLargestBufferAreLeftOut) {
  device_.certificate_table.assign(kSevCertificatesBytesMax + 1, 1);
  const auto got = get_snp_report(files_, request_for(2));
  ASSERT_TRUE(got.ok()) << got.error().message;
  EXPECT_EQ(got->report, FakeSevGuest::report_for(Bytes(64, 2)));
  EXPECT_TRUE(got->certificate_table.empty());
  EXPECT_EQ(device_.requests, (std::vector<unsigned long>{SNP_GET_EXT_REPORT, SNP_GET_REPORT}));
}

TEST_F(SevGuestTest, TheLargestTableFits) {
  device_.certificate_table = table_with("c");
  device_.certificate_table.resize(kSevCertificatesBytesMax);
  const auto got = get_snp_report(files_, request_for(2));
  ASSERT_TRUE(got.ok()) << got.error().message;
  EXPECT_EQ(got->certificate_table, table_with("c"));
}

TEST_F(SevGuestTest, AThrottledRequestIsTriedAgainAndNotForEver) {
  device_.faults = {{EAGAIN, 0, SNP_GUEST_VMM_ERR_BUSY}, {EIO, 0, SNP_GUEST_VMM_ERR_BUSY}};
  ASSERT_TRUE(get_snp_report(files_, request_for(3)).ok());
  EXPECT_EQ(files_.waits, (std::vector<Milliseconds>{kDeviceRetryDelay, kDeviceRetryDelay}));

  device_.requests.clear();
  device_.faults.assign(2 * kDeviceAttemptsMax, {EAGAIN, 0, SNP_GUEST_VMM_ERR_BUSY});
  const auto busy = get_snp_report(files_, request_for(3));
  ASSERT_FALSE(busy.ok());
  EXPECT_EQ(busy.error().reason, "tee_device_busy");
  EXPECT_EQ(busy.error().code, Code::kUnavailable);
  EXPECT_EQ(device_.requests.size(), std::size_t{kDeviceAttemptsMax});
}

TEST_F(SevGuestTest, AFirmwareErrorIsNotRepeatedAndIsNamed) {
  device_.faults = {{EIO, 0x16, 0}};
  const auto failed = get_snp_report(files_, request_for(4));
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.error().reason, "tee_device_failed");
  EXPECT_NE(failed.error().message.find("firmware error 0x00000016"), std::string::npos);
  EXPECT_EQ(device_.requests.size(), 1U);
}

TEST_F(SevGuestTest, ADeletedVmpckNamesTheRestart) {
  device_.faults = {{ENOTTY, 0, 0}};
  const auto failed = get_snp_report(files_, request_for(4));
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.error().reason, "tee_device_failed");
  EXPECT_NE(failed.error().message.find("restart"), std::string::npos);
}

TEST_F(SevGuestTest, PermissionAndAbsenceAreNamed) {
  files_.open_errors[kSevGuestPath] = EACCES;
  const auto refused = get_snp_report(files_, request_for(5));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().reason, "tee_device_permission");
  FakeDeviceFiles none;
  const auto absent = get_snp_report(none, request_for(5));
  ASSERT_FALSE(absent.ok());
  EXPECT_EQ(absent.error().reason, "tee_device_missing");
}

TEST_F(SevGuestTest, AnAnswerThatIsNoReportIsRefused) {
  device_.status = 0x16;
  const auto status = get_snp_report(files_, request_for(6));
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().reason, "tee_answer_malformed");
  device_.status = 0;
  device_.report_size = 1183;
  const auto size = get_snp_report(files_, request_for(6));
  ASSERT_FALSE(size.ok());
  EXPECT_EQ(size.error().reason, "tee_answer_malformed");
}

TEST(CertificateTableTest, IsCutBehindItsLastEntryAndLeftAloneWhenUnreadable) {
  Bytes padded = table_with("abc");
  padded.resize(4096);
  EXPECT_EQ(trim_certificate_table(padded), table_with("abc"));
  EXPECT_TRUE(trim_certificate_table(Bytes(4096)).empty());
  const Bytes unreadable(64, 0xff);
  EXPECT_EQ(trim_certificate_table(unreadable), unreadable);
}

}  // namespace
}  // namespace apm::tee
