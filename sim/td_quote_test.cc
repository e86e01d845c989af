#include "sim/td_quote.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>

#include "base/encoding.h"
#include "base/json.h"
#include "sim/hcl_report.h"
#include "sim/imds.h"
#include "sim/limits.h"

namespace apm::sim {
namespace {

class TdQuote : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    char path[] = "/tmp/apm-sim-XXXXXX";
    ASSERT_NE(::mkdtemp(path), nullptr);
    settings_.dir = path;
    auto hardware = Hardware::open(settings_);
    ASSERT_TRUE(hardware.ok()) << hardware.error().message;
    hardware_ = new Hardware(std::move(*hardware));
  }
  static void TearDownTestSuite() {
    delete hardware_;
    std::filesystem::remove_all(settings_.dir);
  }
  static Bytes report() { return *build_td_report(hardware_->intel, Bytes(64, 0x77)); }
  static HttpResponse ask(const std::string& body, const std::string& fault = {}) {
    HttpRequest request;
    request.method = "POST";
    request.target = "/acc/tdquote";
    request.headers = {{"metadata", "true"}};
    request.body = body;
    request.fault = fault;
    split_target(request);
    return Imds(settings_, *hardware_, clock_).handle(request);
  }

  static inline Settings settings_;
  static inline SystemClock clock_;
  static inline Hardware* hardware_ = nullptr;
};

TEST_F(TdQuote, IsOfTheReportsOwnFields) {
  const Bytes td = report();
  const auto quote = build_td_quote(hardware_->intel, td);
  ASSERT_TRUE(quote.ok()) << quote.error().message;
  const ByteView body = ByteView(*quote).subspan(48, 584);
  EXPECT_EQ(to_bytes(body.last(64)), Bytes(64, 0x77)) << "REPORTDATA";
  EXPECT_EQ(to_bytes(body.first(16)), to_bytes(ByteView(td).subspan(264, 16))) << "TEE_TCB_SVN";
  EXPECT_EQ(to_bytes(body.subspan(136, 48)), to_bytes(ByteView(td).subspan(528, 48))) << "MRTD";
  EXPECT_EQ(to_bytes(body.subspan(328, 192)), Bytes(192)) << "RTMRs, as on Azure";
}

// The platform quotes what its own CPU reported: the MAC covers all that a quote takes over.
TEST_F(TdQuote, AReportOfNobodysIsNotQuoted) {
  for (const std::size_t at :
       {0UL, 32UL, 80UL, 128UL, 191UL, 224UL, 264UL, 300UL, 515UL, 528UL, 720UL, 911UL}) {
    Bytes changed = report();
    changed[at] ^= 1;
    const auto quote = build_td_quote(hardware_->intel, changed);
    EXPECT_EQ(quote.ok() ? "" : quote.error().reason, "td_report") << at;
  }
  Bytes longer = report();
  longer.push_back(0);
  EXPECT_FALSE(build_td_quote(hardware_->intel, longer).ok());
  EXPECT_FALSE(build_td_quote(hardware_->intel, {}).ok());
  EXPECT_FALSE(build_td_report(hardware_->intel, Bytes(63)).ok());
}

TEST_F(TdQuote, IsServedOverTheMetadataService) {
  const auto body = [](ByteView bytes) {
    return json::write(json::Object{{"report", base64url_encode(bytes)}});
  };
  const HttpResponse good = ask(body(report()));
  ASSERT_EQ(good.status, 200) << good.body;
  const auto answer = json::parse(good.body);
  EXPECT_EQ(base64url_decode(*answer->string_at("quote"))->at(4), 0x81);
  EXPECT_NE(ask(body(report()), "tamper").body, good.body);
  EXPECT_EQ(ask(body(Bytes(1024))).status, 400);
  EXPECT_EQ(ask("{}").status, 400);
  EXPECT_EQ(ask("not JSON").status, 400);
}

TEST_F(TdQuote, TheHclReportOfATdxMachineHoldsTheTdreport) {
  HclInput input{Bytes(256, 1), Bytes(256, 2), true, "ID", Bytes(64), {}, Tee::kTdx};
  const auto hcl = build_hcl_report(*hardware_, input);
  ASSERT_TRUE(hcl.ok()) << hcl.error().message;
  EXPECT_EQ((*hcl)[1224], 4) << "report type";
  Bytes report_data = crypto::sha256(as_bytes(runtime_json(input)));
  report_data.resize(64);
  EXPECT_EQ(to_bytes(ByteView(*hcl).subspan(160, 64)), report_data);
  EXPECT_TRUE(build_td_quote(hardware_->intel, ByteView(*hcl).subspan(32, 1024)).ok());
  EXPECT_EQ(to_bytes(ByteView(*hcl).subspan(32 + 1024, 160)), Bytes(160));
}

TEST_F(TdQuote, TheSameDirectoryIsTheSamePlatform) {
  const auto again = Hardware::open(settings_);
  ASSERT_TRUE(again.ok());
  EXPECT_TRUE(build_td_quote(again->intel, report()).ok());
  EXPECT_EQ(again->intel.root.certificate.pem(), hardware_->intel.root.certificate.pem());
}

}  // namespace
}  // namespace apm::sim
