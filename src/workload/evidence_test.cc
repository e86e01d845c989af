#include "workload/evidence.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "workload/testing/fake_imds.h"

namespace apm::workload {
namespace {

using testing::answer;
using testing::hcl_report;
using testing::Imds;
using testing::kSnp;
using testing::kTdx;

struct Outcome {
  Result<Platform> platform;
  std::string seen;
};
Outcome fetch(std::string text, ByteView report) {
  Imds imds(std::move(text));
  net::HttpClient client = std::move(net::HttpClient::create({})).value();
  auto platform = fetch_platform(client, imds.endpoint(), report);
  imds.stop();
  return {std::move(platform), imds.seen()};
}

TEST(WorkloadEvidence, AnSnpMachineBringsItsCertificates) {
  const Outcome got =
      fetch(answer("200 OK", R"({"vcekCert":"leaf\n","certificateChain":"chain\n","tcbm":"0"})"),
            hcl_report(kSnp));
  ASSERT_TRUE(got.platform.ok()) << got.platform.error().message;
  EXPECT_EQ(got.platform->family, "azure-snp-vtpm");
  EXPECT_EQ(got.platform->vcek_chain_pem, "leaf\nchain\n");
  EXPECT_TRUE(got.platform->td_quote.empty());
  EXPECT_TRUE(got.seen.starts_with("GET /metadata/THIM/amd/certification HTTP/1.1\r\n"));
}

TEST(WorkloadEvidence, ATdxMachineBringsItsQuote) {
  const Outcome got =
      fetch(answer("200 OK", concat(R"({"quote":")", base64url_encode(Bytes(40, 7)), "\"}")),
            hcl_report(kTdx));
  ASSERT_TRUE(got.platform.ok()) << got.platform.error().message;
  EXPECT_EQ(got.platform->family, "azure-tdx-vtpm");
  EXPECT_EQ(got.platform->td_quote, Bytes(40, 7));
  EXPECT_TRUE(got.platform->vcek_chain_pem.empty());
  EXPECT_TRUE(got.seen.starts_with("POST /acc/tdquote HTTP/1.1\r\n"));
}

TEST(WorkloadEvidence, AReportOfNeitherKindAsksNobody) {
  const Outcome got = fetch(answer("200 OK", "{}"), hcl_report(3));
  EXPECT_EQ(got.platform.ok() ? "" : got.platform.error().reason, "hcl_type");
  EXPECT_TRUE(got.seen.empty());
}

// A server refuses members that the family does not have: none is sent empty.
TEST(WorkloadEvidence, ALoginHasTheMembersOfItsFamily) {
  Evidence evidence;
  evidence.hcl_report = Bytes(3, 1);
  evidence.pcrs.emplace(4, Bytes(32, 0x44));
  const std::string nonce = base64url_encode(Bytes(73, 9));
  const json::Object snp =
      login_body(evidence, Bytes(73, 9), {"azure-snp-vtpm", "PEM", {}}, "collateral");
  EXPECT_EQ(*snp.find("family")->as_string(), "azure-snp-vtpm");
  EXPECT_EQ(*snp.find("nonce")->as_string(), nonce);
  EXPECT_EQ(*snp.find("vcek_chain")->as_string(), "PEM");
  EXPECT_EQ(*snp.find("pcrs")->string_at("4"), hex_encode(Bytes(32, 0x44)));
  EXPECT_EQ(snp.find("td_quote"), nullptr);
  EXPECT_EQ(snp.find("collateral"), nullptr);
  const json::Object tdx =
      login_body(evidence, Bytes(73, 9), {"azure-tdx-vtpm", "", Bytes(2, 5)}, "collateral");
  EXPECT_EQ(*tdx.find("family")->as_string(), "azure-tdx-vtpm");
  EXPECT_EQ(*tdx.find("td_quote")->as_string(), base64_encode(Bytes(2, 5)));
  EXPECT_EQ(*tdx.find("collateral")->as_string(), "collateral");
  EXPECT_EQ(tdx.find("vcek_chain"), nullptr);
  const json::Object bare = login_body(evidence, {}, {"azure-tdx-vtpm", "", Bytes(2, 5)}, "");
  EXPECT_EQ(bare.find("collateral"), nullptr);
}

}  // namespace
}  // namespace apm::workload
