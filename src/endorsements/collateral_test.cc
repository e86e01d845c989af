#include "endorsements/collateral.h"

#include <gtest/gtest.h>

#include "attestation/snp/verify.h"
#include "attestation/tdx/verify.h"
#include "attestation/testing/synthetic_intel.h"
#include "attestation/testing/synthetic_maa.h"
#include "attestation/testing/synthetic_machine.h"
#include "endorsements/amd.h"
#include "endorsements/intel.h"
#include "endorsements/maa.h"

namespace apm::endorsements {
namespace {

namespace dcap = attestation::dcap;
namespace snp = attestation::snp;
using attestation::testing::kNow;
using attestation::testing::SyntheticIntel;
using attestation::testing::SyntheticMaa;
using attestation::testing::SyntheticMachine;

// Answers by URL; every other is 404.
class FakeService final : public Fetcher {
 public:
  [[nodiscard]] Result<net::Response> get(const Ask& ask, const Deadline&) override {
    asked.push_back(ask.url);
    net::Response answer;
    const auto found = answers.find(ask.url);
    if (found == answers.end()) {
      answer.status = 404;
      return answer;
    }
    return found->second;
  }
  void put(const std::string& url, std::string body, std::string header = "",
           std::string value = "") {
    net::Response answer;
    answer.status = 200;
    answer.body = std::move(body);
    if (!header.empty()) answer.headers.emplace_back(std::move(header), std::move(value));
    answers[url] = std::move(answer);
  }
  std::map<std::string, net::Response> answers;
  std::vector<std::string> asked;
};

class CollectorTest : public ::testing::Test {
 protected:
  CollectorTest() {
    Sources sources;
    sources.amd_kds = "https://kds";
    sources.intel_pcs = "https://pcs";
    sources.intel_root_crl = "https://root/crl.der";
    sources.imds = "http://imds";
    sources.maa_issuers = {std::string(SyntheticMaa::kIssuer)};
    auto service = std::make_unique<FakeService>();
    service_ = service.get();
    collector_ = std::make_unique<Collector>(sources, std::move(service), clock_);
  }
  static std::string text(ByteView bytes) { return std::string(as_text(bytes)); }

  // ---- AMD ----
  static SyntheticMachine& machine() {
    static SyntheticMachine made;
    return made;
  }
  static std::string crl(std::int64_t next_update_s = kNow + 500) {
    return text(*crypto::build_crl({.this_update_s = kNow - 500,
                                    .next_update_s = next_update_s,
                                    .serials = {},
                                    .critical_extension = {}},
                                   machine().ark(), machine().ark_key()));
  }
  static VcekQuery query() {
    attestation::Appraisal appraisal;
    const auto report = snp::parse_report(machine().snp_evidence().report, appraisal);
    return vcek_queries(*report)->front();
  }
  void serve_amd(snp::Product product = snp::Product::kMilan) {
    service_->put("https://kds" + vcek_target(query()), text(machine().leaf().der()));
    service_->put("https://kds" + crl_target(product), crl());
  }
  [[nodiscard]] std::string snp_reason() {
    const auto got = collector_->for_snp_report(machine().snp_evidence().report, kSoon);
    return got.ok() ? "" : got.error().reason;
  }

  // ---- Intel ----
  static SyntheticIntel intel() { return {4, dcap::Tee::kTdx, dcap::BodyType::kTd10}; }
  void serve_intel(SyntheticIntel& from) {
    const dcap::Collateral made = from.collateral();
    const auto encoded = [](const std::string& pem) { return net::url_encode(pem); };
    service_->put("https://pcs/tdx/certification/v4/tcb?fmspc=90c06f000000",
                  concat(R"({"tcbInfo":)", made.tcb_info.body, R"(,"signature":")",
                         hex_encode(made.tcb_info.signature), "\"}"),
                  "tcb-info-issuer-chain", encoded(made.tcb_info.chain_pem));
    service_->put("https://pcs/tdx/certification/v4/qe/identity",
                  concat(R"({"enclaveIdentity":)", made.qe_identity.body, R"(,"signature":")",
                         hex_encode(made.qe_identity.signature), "\"}"),
                  "sgx-enclave-identity-issuer-chain", encoded(made.qe_identity.chain_pem));
    service_->put("https://pcs/sgx/certification/v4/pckcrl?ca=platform&encoding=der",
                  text(made.pck_crl));
    service_->put("https://root/crl.der", hex_encode(made.root_crl) + "\n");  // as a PCCS has it
  }
  [[nodiscard]] std::string quote_reason(SyntheticIntel& from) {
    const auto got = collector_->for_quote(from.quote(), kSoon);
    return got.ok() ? "" : got.error().reason;
  }

  const Deadline kSoon = Deadline::after(Milliseconds(60'000));
  ManualClock clock_{kNow};
  FakeService* service_ = nullptr;
  std::unique_ptr<Collector> collector_;
};

TEST_F(CollectorTest, WhatAmdGivesSatisfiesTheVerifier) {
  machine().reset();
  serve_amd();
  const Bytes report = machine().snp_evidence().report;
  const auto got = collector_->for_snp_report(report, kSoon);
  ASSERT_TRUE(got.ok()) << got.error().message;
  const snp::Anchors anchors = machine().anchors();
  snp::Expectation expected;
  expected.anchors = &anchors;
  expected.now_unix_s = kNow;
  expected.report_data = machine().report_data();
  expected.require_crl = true;
  attestation::Appraisal appraisal;
  const auto leaf = crypto::Certificate::from_der(got->vcek);
  const auto claims =
      snp::verify({report, {leaf->pem() + machine().intermediate().pem(), {}, {}}, got->crl},
                  expected, appraisal);
  EXPECT_TRUE(claims.ok()) << claims.error().reason << claims.error().message;
}

TEST_F(CollectorTest, AmdIsAskedOncePerChipLevelAndProduct) {
  machine().reset();
  serve_amd();
  EXPECT_EQ(snp_reason(), "");
  EXPECT_EQ(snp_reason(), "");
  EXPECT_EQ(service_->asked.size(), 2U);
  EXPECT_EQ(service_->asked[0],
            concat("https://kds/vcek/v1/Milan/", hex_encode(query().hardware_id),
                   "?blSPL=04&teeSPL=00&snpSPL=22&ucodeSPL=213"));
  EXPECT_EQ(service_->asked[1], "https://kds/vcek/v1/Milan/crl");
}

TEST_F(CollectorTest, TurinHasAShortChipIdAndAnFmc) {
  machine().become(snp::Product::kTurin, snp::KeyKind::kVcek);
  serve_amd(snp::Product::kTurin);
  EXPECT_EQ(snp_reason(), "");
  EXPECT_EQ(query().hardware_id.size(), 8U);
  EXPECT_TRUE(service_->asked[0].ends_with("?fmcSPL=01&blSPL=04&teeSPL=00&snpSPL=22&ucodeSPL=213"))
      << service_->asked[0];
  machine().reset();
}

TEST_F(CollectorTest, AReportThatNamesNoProductIsTriedAsBoth) {
  machine().become(snp::Product::kGenoa, snp::KeyKind::kVcek);
  machine().report_version = 2;
  VcekQuery genoa = query();
  genoa.product = snp::Product::kGenoa;
  service_->put("https://kds" + vcek_target(genoa), text(machine().leaf().der()));
  service_->put("https://kds" + crl_target(snp::Product::kGenoa), crl());
  EXPECT_EQ(snp_reason(), "");
  EXPECT_EQ(service_->asked.size(), 3U);
  machine().reset();
}

TEST_F(CollectorTest, ReportsWhoseCertificateNobodyCanAskFor) {
  machine().become(snp::Product::kMilan, snp::KeyKind::kVlek);
  EXPECT_EQ(snp_reason(), "endorsement_vlek");
  machine().reset();
  machine().edit_report = [](Bytes& r) { attestation::testing::put(r, 0x1A0, Bytes(64)); };
  EXPECT_EQ(snp_reason(), "endorsement_chip_masked");
  machine().edit_report = [](Bytes& r) { r[0x189] = 0x77; };
  EXPECT_EQ(snp_reason(), "endorsement_product_unknown");
  machine().reset();
  EXPECT_TRUE(service_->asked.empty());
}

TEST_F(CollectorTest, AmdsWrongContentIsNamed) {
  machine().reset();
  const std::string vcek_url = "https://kds" + vcek_target(query());
  EXPECT_EQ(snp_reason(), "endorsement_not_found");
  clock_.advance(Milliseconds(600'000));  // forgotten, and the certificate still holds
  service_->put(vcek_url, "<html>log in</html>");
  EXPECT_EQ(snp_reason(), "endorsement_malformed");
  clock_.advance(Milliseconds(60'000));
  service_->put(vcek_url, text(machine().ark().der()));
  EXPECT_EQ(snp_reason(), "endorsement_malformed") << "a certificate, of another kind";
  clock_.advance(Milliseconds(60'000));
  service_->put(vcek_url, text(machine().leaf().der()));
  const std::string crl_url = "https://kds" + crl_target(snp::Product::kMilan);
  service_->put(crl_url, crl(clock_.unix_s()));
  EXPECT_EQ(snp_reason(), "endorsement_expired");
  clock_.advance(Milliseconds(60'000));
  service_->put(crl_url, crl(clock_.unix_s() + 60));
  EXPECT_EQ(snp_reason(), "");
  clock_.advance(Milliseconds(60'000));
  service_->put(crl_url, "");
  EXPECT_EQ(snp_reason(), "endorsement_malformed") << "never past nextUpdate";
}

TEST_F(CollectorTest, DocumentsOfTheFutureAreRefused) {
  EXPECT_EQ(read_amd_crl(crl(), kNow - 501).error().reason, "endorsement_not_yet_valid");
  EXPECT_TRUE(read_amd_crl(crl(), kNow - 500).ok());
  EXPECT_TRUE(read_amd_crl(crl(), kNow + 499).ok());
  EXPECT_EQ(read_amd_crl(crl(), kNow + 500).error().reason, "endorsement_expired");
}

TEST_F(CollectorTest, WhatIntelGivesSatisfiesTheVerifier) {
  SyntheticIntel from = intel();
  serve_intel(from);
  const Bytes quote = from.quote();
  const auto files = collector_->for_quote(quote, kSoon);
  ASSERT_TRUE(files.ok()) << files.error().message;
  const auto collateral = dcap::collateral_from_files(*files);
  ASSERT_TRUE(collateral.ok()) << collateral.error().message;
  dcap::Anchors anchors = dcap::Anchors::none();
  ASSERT_TRUE(anchors.add_named("synthetic", from.certificates().root.pem()).ok());
  attestation::Appraisal appraisal;
  const auto claims = attestation::tdx::verify(quote, &*collateral,
                                               {&anchors, kNow, Bytes(64, 0xd0)}, {}, appraisal);
  EXPECT_TRUE(claims.ok()) << claims.error().reason << claims.error().message;
  EXPECT_TRUE(collector_->for_quote(quote, kSoon).ok());
  EXPECT_EQ(service_->asked.size(), 4U) << "the second time nothing is asked";
}

TEST_F(CollectorTest, SgxAndTheProcessorCaHaveTheirOwnAddresses) {
  const IntelQuery query{dcap::Tee::kSgx, Bytes{0, 0x60, 0x6a, 0, 0, 0}, PckCa::kProcessor};
  EXPECT_EQ(tcb_info_target(query), "/sgx/certification/v4/tcb?fmspc=00606a000000");
  EXPECT_EQ(qe_identity_target(query), "/sgx/certification/v4/qe/identity");
  EXPECT_EQ(pck_crl_target(query.ca), "/sgx/certification/v4/pckcrl?ca=processor&encoding=der");
  SyntheticIntel processor = intel();
  processor.authority.name = "Intel SGX PCK Processor CA";
  EXPECT_EQ(intel_query(*dcap::parse_quote(processor.quote()))->ca, PckCa::kProcessor);
}

TEST_F(CollectorTest, AQuoteWithoutItsPckCannotBeAskedFor) {
  SyntheticIntel encrypted = intel();
  encrypted.certification = 2;
  EXPECT_EQ(quote_reason(encrypted), "endorsement_no_pck");
  SyntheticIntel bare = intel();
  bare.with_extension = false;
  EXPECT_EQ(quote_reason(bare), "endorsement_no_pck");
  EXPECT_TRUE(service_->asked.empty());
}

TEST_F(CollectorTest, IntelsWrongContentIsNamed) {
  SyntheticIntel from = intel();
  serve_intel(from);
  const auto good = service_->answers;
  const std::string tcb = "https://pcs/tdx/certification/v4/tcb?fmspc=90c06f000000";
  const std::string qe = "https://pcs/tdx/certification/v4/qe/identity";
  const std::string pck = "https://pcs/sgx/certification/v4/pckcrl?ca=platform&encoding=der";
  const auto broken = [&](const std::string& url, auto change) {
    service_->answers = good;
    change(service_->answers.at(url));
    clock_.advance(Milliseconds(61'000));
    return quote_reason(from);
  };
  const auto no_header = [](net::Response& r) { r.headers.clear(); };
  const auto no_chain = [](net::Response& r) { r.headers[0].second = "-----BEGIN%2"; };
  const auto no_pem = [](net::Response& r) { r.headers[0].second = "nothing"; };
  const auto no_json = [](net::Response& r) { r.body = "<html>"; };
  EXPECT_EQ(broken(tcb, no_header), "endorsement_malformed");
  EXPECT_EQ(broken(tcb, no_chain), "endorsement_malformed");
  EXPECT_EQ(broken(tcb, no_pem), "endorsement_malformed");
  EXPECT_EQ(broken(tcb, no_json), "endorsement_malformed");
  EXPECT_EQ(broken(qe, no_header), "endorsement_malformed");
  EXPECT_EQ(broken(qe, no_json), "endorsement_malformed");
  EXPECT_EQ(broken(pck, no_json), "endorsement_malformed");
  EXPECT_EQ(broken("https://root/crl.der", no_json), "endorsement_malformed");
  EXPECT_EQ(broken(tcb, [](net::Response& r) { r.status = 404; }), "")
      << "what has been fetched still holds";
}

TEST_F(CollectorTest, IntelsDocumentsAreNotUsedPastTheirNextUpdate) {
  SyntheticIntel from = intel();
  serve_intel(from);
  EXPECT_EQ(quote_reason(from), "");
  clock_.advance(Milliseconds(86'400'000));  // the documents end after a day
  EXPECT_EQ(quote_reason(from), "endorsement_expired");
}

TEST_F(CollectorTest, KeySetsOfNamedIssuersAlone) {
  const std::string issuer(SyntheticMaa::kIssuer);
  const std::string set = SyntheticMaa().key_set_text();
  service_->put(issuer + "/certs", set);
  const std::string kid(SyntheticMaa::kKid);
  const auto keys = collector_->maa_keys(issuer, kid, kSoon);
  ASSERT_TRUE(keys.ok()) << keys.error().message;
  EXPECT_EQ(*keys, set);
  const auto other = collector_->maa_keys("https://other.example", kid, kSoon);
  ASSERT_FALSE(other.ok());
  EXPECT_EQ(other.error().reason, "endorsement_issuer_not_named");
}

TEST_F(CollectorTest, AnUnknownKidAsksAgainButNotAtWill) {
  const std::string issuer(SyntheticMaa::kIssuer);
  service_->put(issuer + "/certs", SyntheticMaa().key_set_text());
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(collector_->maa_keys(issuer, "new", kSoon).ok());
  EXPECT_EQ(service_->asked.size(), 1U);
  clock_.advance(Milliseconds(61'000));
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(collector_->maa_keys(issuer, "new", kSoon).ok());
  EXPECT_EQ(service_->asked.size(), 2U);
}

TEST_F(CollectorTest, AKeySetEndsWithItsLastCertificate) {
  SyntheticMaa maa;
  maa.spec.not_after_s = kNow + 100;
  const auto short_lived = read_jwks(maa.key_set_text(), kNow);
  ASSERT_TRUE(short_lived.ok()) << short_lived.error().message;
  EXPECT_EQ(short_lived->valid_until_s, kNow + 100);
  EXPECT_EQ(read_jwks(maa.key_set_text(), kNow + 100).error().reason, "endorsement_expired");
  maa.spec.not_after_s = kNow + 10 * kJwksKeepS;
  EXPECT_EQ(read_jwks(maa.key_set_text(), kNow)->valid_until_s, kNow + kJwksKeepS);
  EXPECT_EQ(read_jwks(R"({"keys":[]})", kNow).error().reason, "endorsement_malformed");
  EXPECT_EQ(read_jwks("[]", kNow).error().reason, "endorsement_malformed");
}

TEST_F(CollectorTest, ThimIsReadAndRefreshedAsItAsks) {
  machine().reset();
  json::Object answer{{"vcekCert", machine().leaf().pem()},
                      {"certificateChain", machine().intermediate().pem()},
                      {"cacheControl", "50"}};
  const std::string body = json::write(answer);
  const auto document = read_thim(body, kNow);
  ASSERT_TRUE(document.ok()) << document.error().message;
  EXPECT_EQ(document->refresh_at_s, kNow + 50);
  EXPECT_EQ(document->valid_until_s, kNow + 1000);
  service_->put("http://imds/metadata/THIM/amd/certification", body);
  const auto got = collector_->thim(kSoon);
  ASSERT_TRUE(got.ok()) << got.error().message;
  EXPECT_EQ(*got, body);
  EXPECT_EQ(read_thim("{}", kNow).error().reason, "endorsement_malformed");
  answer.set("vcekCert", "x");
  EXPECT_EQ(read_thim(json::write(answer), kNow).error().reason, "endorsement_malformed");
}

TEST(PercentTest, Decodes) {
  EXPECT_EQ(*percent_decode("a%2Db%0a"), "a-b\n");
  for (const char* bad : {"%", "%4", "a%zz", "%2"}) {
    ASSERT_FALSE(percent_decode(bad).ok()) << bad;
    EXPECT_EQ(percent_decode(bad).error().reason, "percent_encoding") << bad;
  }
}

}  // namespace
}  // namespace apm::endorsements
