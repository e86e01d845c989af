// Captured machines beyond their cases: other forms of their certificates, every bit of them
// flipped, and the identities that docs/identity.md shows.

#include <gtest/gtest.h>

#include <map>
#include <numeric>
#include <set>

#include "attestation/azure_vtpm/result.h"
#include "attestation/azure_vtpm/verify.h"
#include "attestation/testing/vector_cases.h"
#include "base/text.h"

namespace apm::attestation {
namespace {

using testing::vector_file;
using testing::vectors_directory;

std::vector<unsigned> all_pcrs() {
  std::vector<unsigned> out(24);
  std::iota(out.begin(), out.end(), 0U);
  return out;
}

// With AMD's built-in certificates, and whatever chain form the evidence came in.
class Captured : public ::testing::Test {
 protected:
  void SetUp() override {
    present_ = vector_file("cases.json").ok();
    if (!present_) GTEST_SKIP() << "no hardware vectors at '" << vectors_directory() << "'";
    anchors_ = *snp::Anchors::vendor();
    expected_.anchors = &anchors_;
    expected_.now_unix_s = *parse_rfc3339_s("2026-11-01T00:00:00Z");
  }
  static Bytes file(const std::string& name) { return *vector_file(name); }
  std::string reason_of(const snp::Evidence& evidence) {
    if (evidence.report.size() >= 0x90) {
      expected_.report_data = to_bytes(ByteView(evidence.report).subspan(0x50, 64));
    }
    Appraisal appraisal;
    const auto claims = snp::verify(evidence, expected_, appraisal);
    return claims.ok() ? "accept" : appraisal.verdict().error().reason;
  }
  static std::string pem(const std::string& name) {
    return crypto::Certificate::from_der(file(name))->pem();
  }

  bool present_ = false;
  snp::Anchors anchors_ = snp::Anchors::none();
  snp::Expectation expected_;
};

TEST_F(Captured, LeafAloneIsEnoughUnderTheBuiltInAuthorities) {
  const std::pair<const char*, const char*> accepted[] = {
      {"snp/milan-v2-virtee.report.bin", "snp/milan-v2-virtee.vcek.der"},
      {"snp/genoa-v3-tav.report.bin", "snp/genoa-v3-tav.vcek.der"},
      {"snp/genoa-v5-lunal-a.report.bin", "snp/genoa-v5-lunal-a.vcek.der"},
      {"snp/turin-v5-tav.report.bin", "snp/turin-v5-tav.vcek.der"}};
  for (const auto& [report, leaf] : accepted) {
    EXPECT_EQ(reason_of({file(report), {pem(leaf), {}, ""}, {}}), "accept") << report;
  }
}

TEST_F(Captured, VlekIsRefusedUnlessAllowed) {
  expected_.now_unix_s = *parse_rfc3339_s("2025-06-01T00:00:00Z");
  expected_.floor.vmpl_max = 1;
  const snp::Evidence evidence{file("snp/vlek-milan-v3-trustee.report.bin"),
                               {pem("snp/vlek-milan-v3-trustee.vlek.der"), {}, ""},
                               {}};
  EXPECT_EQ(reason_of(evidence), "snp_vlek_not_allowed");
  expected_.floor.allow_vlek = true;
  EXPECT_EQ(reason_of(evidence), "accept");
  snp::Evidence wrong = evidence;
  wrong.endorsements.chain_pem += pem("roots/amd-ask-milan.der");
  EXPECT_EQ(reason_of(wrong), "snp_chain_untrusted");  // the built-in ASVK does not repair it
}

TEST_F(Captured, ThimAnswerOfAzure) {
  const Bytes thim = file("snp/milan-v2-sidecar.thim.json");
  const snp::Evidence evidence{
      file("snp/milan-v2-sidecar.report.bin"), {"", {}, std::string(as_text(thim))}, {}};
  EXPECT_EQ(reason_of(evidence), "accept");
  expected_.floor.allowed_host_data = {
      hex_encode(crypto::sha256(file("snp/milan-v2-sidecar.cce-policy.txt")))};
  EXPECT_EQ(reason_of(evidence), "accept");
}

TEST_F(Captured, FloorsAreHeldAgainstTheReportedTcb) {
  const snp::Evidence evidence{
      file("snp/milan-v2-trustee.report.bin"), {pem("snp/milan-v2-trustee.vcek.der"), {}, ""}, {}};
  expected_.floor.minimum.microcode = 0x73;  // CURRENT_TCB says 0xce
  EXPECT_EQ(reason_of(evidence), "accept");
  expected_.floor.minimum.microcode = 0x74;
  EXPECT_EQ(reason_of(evidence), "snp_tcb_too_old");
}

TEST_F(Captured, EveryFlippedByteOfGenuineReportsIsRefused) {
  const std::pair<const char*, const char*> genuine[] = {
      {"snp/milan-v2-virtee.report.bin", "snp/milan-v2-virtee.vcek.der"},
      {"snp/turin-v5-tav.report.bin", "snp/turin-v5-tav.vcek.der"}};
  for (const auto& [name, leaf] : genuine) {
    const Bytes report = file(name);
    snp::Evidence evidence{report, {pem(leaf), {}, ""}, {}};
    for (std::size_t offset = 0; offset < report.size(); offset += 3) {
      evidence.report = report;
      evidence.report[offset] ^= static_cast<std::uint8_t>(1U << (offset % 8));
      const std::string reason = reason_of(evidence);
      ASSERT_NE(reason, "accept") << name << " offset " << offset;
      ASSERT_FALSE(reason.empty()) << name << " offset " << offset;
    }
  }
}

// Full verification of an Azure machine, no stage left out.
class CapturedAzure : public Captured {
 protected:
  void SetUp() override {
    Captured::SetUp();
    azure_.anchors = &anchors_;
    azure_.now_unix_s = expected_.now_unix_s;
    azure_.binding = to_bytes(std::string_view("challenge"));
    azure_.required_pcrs = all_pcrs();
    if (present_) evidence_ = quoted("azure/snp-a-trustee-v1");
  }
  static azure_vtpm::QuotedPlatform quoted(const std::string& stem) {
    azure_vtpm::QuotedPlatform out;
    out.platform.hcl_report = file(stem + ".hcl.bin");
    out.platform.endorsements.chain_pem = pem(stem + ".vcek.der");
    out.quote.attest = file(stem + ".tpm-msg.bin");
    out.quote.signature = file(stem + ".tpm-sig.bin");
    const Bytes raw = file(stem + ".pcrs.bin");
    for (unsigned i = 0; i < 24; ++i) {
      out.quote.pcrs[i] = to_bytes(ByteView(raw).subspan(std::size_t{i} * 32, 32));
    }
    return out;
  }
  std::string reason_of(const azure_vtpm::QuotedPlatform& evidence) {
    Appraisal appraisal;
    const auto claims = azure_vtpm::verify_quoted(evidence, azure_, appraisal);
    return claims.ok() ? "accept" : claims.error().reason;
  }

  azure_vtpm::Expectation azure_;
  azure_vtpm::QuotedPlatform evidence_;
};

TEST_F(CapturedAzure, WithoutItsCertificateAMachineIsRefusedByName) {
  EXPECT_EQ(reason_of(evidence_), "accept");
  evidence_.platform.endorsements = {};
  EXPECT_EQ(reason_of(evidence_), "snp_chain_missing");
}

TEST_F(CapturedAzure, EveryFlippedBitIsRefusedButTheCapabilityBitmap) {
  const auto refused = [&](Bytes& field, std::size_t offset) {
    const std::uint8_t before = field[offset];
    field[offset] ^= static_cast<std::uint8_t>(1U << (offset % 8));
    const std::string reason = reason_of(evidence_);
    field[offset] = before;
    return reason != "accept" && !reason.empty();
  };
  for (std::size_t i = 0; i < evidence_.platform.hcl_report.size(); i += 5) {
    ASSERT_TRUE(refused(evidence_.platform.hcl_report, i)) << "HCL report, offset " << i;
  }
  for (std::size_t i = 0; i < evidence_.quote.attest.size(); ++i) {
    ASSERT_TRUE(refused(evidence_.quote.attest, i)) << "quote, offset " << i;
  }
  for (std::size_t i = 0; i < evidence_.quote.signature.size(); i += 3) {
    ASSERT_TRUE(refused(evidence_.quote.signature, i)) << "signature, offset " << i;
  }
  for (unsigned pcr = 0; pcr < 24; ++pcr) {
    ASSERT_TRUE(refused(evidence_.quote.pcrs.at(pcr), pcr)) << "PCR " << pcr;
  }
}

TEST_F(CapturedAzure, EveryTruncationIsRefused) {
  const Bytes hcl = evidence_.platform.hcl_report;
  const Bytes quote = evidence_.quote.attest;
  for (std::size_t size = 0; size < hcl.size(); size += size > 1300 && size < 2600 ? 31 : 7) {
    evidence_.platform.hcl_report = to_bytes(ByteView(hcl).first(size));
    if (size == 2048) continue;  // the NV index of 2023: the same report
    ASSERT_NE(reason_of(evidence_), "accept") << "HCL report, " << size << " bytes";
  }
  evidence_.platform.hcl_report = hcl;
  for (std::size_t size = 0; size < quote.size(); ++size) {
    evidence_.quote.attest = to_bytes(ByteView(quote).first(size));
    ASSERT_NE(reason_of(evidence_), "accept") << "quote, " << size << " bytes";
  }
}

// The worked examples of docs/identity.md.
TEST_F(CapturedAzure, IdentitiesOfTheDocumentation) {
  const std::pair<const char*, const char*> machines[] = {
      {"azure/snp-a-trustee-v1",
       "168934ab5d2bcf2671b7648093af127a8dc6c9676e0525d2c0a5c4bcd99dfd62"},
      {"azure/snp-b-trustee", "abae3ee807b6f98bcab8481e80966fb57a1135c5d94f3c6f0780a842fc4aad01"}};
  for (const auto& [stem, id] : machines) {
    Appraisal appraisal;
    const auto claims = azure_vtpm::verify_quoted(quoted(stem), azure_, appraisal);
    ASSERT_TRUE(claims.ok()) << claims.error().message;
    EXPECT_EQ(claims->result.enclave_id, id) << stem;
    EXPECT_EQ(claims->result.signer.reason, "event_log_missing");
    EXPECT_TRUE(claims->result.vendor_anchor);
  }
}

TEST_F(Captured, IdentitiesOfTheDocumentation) {
  struct Example {
    const char* report;
    const char* leaf;
    const char* enclave_id;
    const char* signer;  // id when the public key is allowed, or the reason
  };
  const Example examples[] = {
      {"snp/milan-v2-virtee.report.bin", "snp/milan-v2-virtee.vcek.der",
       "f01b372bf8c41dbb20332810a3f3553aa213fe4f6b0ef6a404d4b60ddb2401ab", "snp_signer_missing"},
      {"snp/milan-v2-sidecar.report.bin", "snp/milan-v2-sidecar.vcek.der",
       "2fc4aa47efa0733808abbe48e7a248e696194427e6f05ab6dd0564fcc502c497",
       "1c475fd47d686d3440ad9f3a37e99bf1e929cb0743b9788801fa6b5ce845685c"},
      {"snp/turin-v5-tav.report.bin", "snp/turin-v5-tav.vcek.der",
       "34fc9754bb8ff6c72d9d6c65e50d9f3f9d1b96ce4ead826fdef28655b43da226",
       "e0086d14c3338753036e9a0b06e9069c10355ee7d39ebe233e6bf4ad41047897"}};
  for (const Example& example : examples) {
    const Bytes raw = file(example.report);
    ASSERT_EQ(reason_of({raw, {pem(example.leaf), {}, ""}, {}}), "accept");
    Appraisal appraisal;
    const auto report = snp::parse_report(raw, appraisal);
    EXPECT_EQ(snp::enclave_id(*report), example.enclave_id) << example.report;
    const SignerVerdict by_default = snp::signer(*report);
    EXPECT_FALSE(by_default.exists()) << example.report;
    const SignerVerdict allowed = snp::signer(*report, {example.signer});
    EXPECT_EQ(allowed.exists() ? allowed.signer_id : allowed.reason, example.signer)
        << example.report;
  }
}

TEST(BuiltIn, AnchorsAreTheVendors) {
  const auto anchors = snp::Anchors::vendor();
  ASSERT_TRUE(anchors.ok());
  std::set<std::string> hashes;
  for (const snp::Anchor& anchor : anchors->list()) {
    hashes.insert(hex_encode(crypto::sha256(anchor.ark.public_key()->spki_der())));
    EXPECT_TRUE(anchor.ask->signed_by(*anchor.ark.public_key()));
    EXPECT_TRUE(anchor.asvk->signed_by(*anchor.ark.public_key()));
    EXPECT_TRUE(anchor.is_vendor());
  }
  EXPECT_EQ(hashes, (std::set<std::string>{
                        "9f056bee44377e29308cb5ffa895bdfb62d18881fa6bed8d6f075b0204089cb9",
                        "429a69c9422aa258ee4d8db5fcda9c6470ef15f8cd5a9cebd6cbc7d90b863831",
                        "4f125410563a2ab9a50356f9243f6fe0b6f73de98603f53f90339c70e9d7ad08"}));
}

}  // namespace
}  // namespace apm::attestation
