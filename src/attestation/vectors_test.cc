// Captured hardware evidence with expected verdicts (cases.json of the vectors directory).

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <set>

#include "attestation/azure_vtpm/verify.h"
#include "base/clock.h"
#include "base/encoding.h"
#include "base/file.h"

namespace apm::attestation {
namespace {

std::string directory() {
  if (const char* named = std::getenv("APM_VECTORS")) return named;
#ifdef APM_SOURCE_DIR
  return std::string(APM_SOURCE_DIR) + "/../shared/vectors";
#else
  return "";
#endif
}

class Case {
 public:
  explicit Case(const json::Value& value) : value_(value) {}
  [[nodiscard]] std::string text(std::string_view name) const { return *value_.string_at(name); }
  [[nodiscard]] bool has(std::string_view input) const {
    return value_.at("inputs")->at(input) != nullptr;
  }
  [[nodiscard]] Bytes input(std::string_view name) const {
    const std::string& what = *value_.at("inputs")->string_at(name);
    if (what.starts_with("hex:")) return *hex_decode(what.substr(4));
    return *read_file(directory() + "/" + what, 1 << 20);
  }
  [[nodiscard]] std::int64_t time() const { return *parse_rfc3339_s(text("verify_time")); }

 private:
  const json::Value& value_;
};

Result<std::string> pem_of(const Case& c) {
  std::string pem;
  for (const char* name : {"vek", "intermediate"}) {
    if (!c.has(name)) continue;
    APM_TRY(const crypto::Certificate certificate, crypto::Certificate::from_der(c.input(name)));
    pem += certificate.pem();
  }
  return pem;
}

// The case's root is the only anchor, as the case says; without one, the built-in set.
Result<snp::Anchors> anchors_of(const Case& c) {
  if (!c.has("root")) return snp::Anchors::vendor();
  snp::Anchors anchors = snp::Anchors::none();
  APM_TRY(const crypto::Certificate root, crypto::Certificate::from_der(c.input("root")));
  APM_CHECK_OK(anchors.add_named("case", root.pem()));
  return anchors;
}

tpm::PcrValues pcrs_of(const Case& c) {
  tpm::PcrValues pcrs;
  const Bytes raw = c.input("pcrs");
  for (unsigned i = 0; i * 32 < raw.size(); ++i) {
    pcrs[i] = to_bytes(ByteView(raw).subspan(std::size_t{i} * 32, 32));
  }
  return pcrs;
}

std::vector<unsigned> all_pcrs() {
  std::vector<unsigned> out;
  for (unsigned i = 0; i < 24; ++i) out.push_back(i);
  return out;
}

std::string verdict(const Status& status) { return status.ok() ? "accept" : status.error().reason; }

Status verify_snp(const Case& c, const snp::Anchors& anchors) {
  const Bytes report = c.input("report");
  APM_TRY(const std::string pem, pem_of(c));
  snp::Expectation expected;
  expected.anchors = &anchors;
  expected.now_unix_s = c.time();
  if (report.size() >= 0x90) expected.report_data = to_bytes(ByteView(report).subspan(0x50, 64));
  APM_CHECK_OK(snp::verify(report, pem, expected));
  return {};
}

Status verify_quote_part(const Case& c, const crypto::PublicKey& ak) {
  Bytes signature;
  if (c.has("tpm_sig_tpmt")) {
    APM_TRY(signature, tpm::rsassa_from_tpmt(c.input("tpm_sig_tpmt")));
  } else {
    signature = c.input(c.has("tpm_sig_raw") ? "tpm_sig_raw" : "tpm_sig");
  }
  const tpm::PcrValues pcrs = c.has("pcrs") ? pcrs_of(c) : tpm::PcrValues{};
  APM_CHECK_OK(
      tpm::verify_quote(c.input("tpm_msg"), signature, ak, pcrs, {c.input("nonce"), all_pcrs()}));
  return {};
}

Status verify_azure(const Case& c, const snp::Anchors& anchors) {
  if (!c.has("hcl")) {
    const Bytes key = c.input("ak");
    APM_TRY(const crypto::PublicKey ak, as_text(key).starts_with("-----")
                                            ? crypto::PublicKey::from_pem(as_text(key))
                                            : crypto::PublicKey::from_spki_der(key));
    return verify_quote_part(c, ak);
  }
  APM_TRY(const azure_vtpm::HclReport hcl, azure_vtpm::parse_hcl_report(c.input("hcl")));
  if (c.has("vek")) {
    APM_TRY(const std::string pem, pem_of(c));
    azure_vtpm::Expectation expected;
    expected.anchors = &anchors;
    expected.now_unix_s = c.time();
    APM_CHECK_OK(azure_vtpm::verify_platform(c.input("hcl"), pem, expected));
  }
  if (!c.has("tpm_msg")) return {};
  APM_TRY(const auto claims, azure_vtpm::parse_runtime_claims(hcl.runtime_claims));
  APM_TRY(const crypto::PublicKey ak, crypto::PublicKey::from_spki_der(claims.ak_spki_der));
  return verify_quote_part(c, ak);
}

// The reason of every case that must be refused (or is, being a VLEK or a TDX VM).
const std::map<std::string, std::string>& reasons() {
  static const std::map<std::string, std::string> map = {
      {"snp/vlek-milan-v3-trustee", "snp_vlek_unsupported"},
      {"snp/neg-vlek-expired", "snp_vlek_unsupported"},
      {"snp/neg-vlek-as-vcek", "snp_vlek_unsupported"},
      {"snp/neg-vmpl1-policy", "snp_vlek_unsupported"},
      {"snp/milan-v2-debug-gosevguest", "snp_debug_allowed"},
      {"snp/neg-wrong-chip", "snp_signature_invalid"},
      {"snp/neg-genoa-vcek-under-milan-ask", "snp_chain_untrusted"},
      {"snp/neg-ask-under-wrong-ark", "snp_chain_untrusted"},
      {"snp/neg-corrupt-version0", "snp_report_version"},
      {"azure/neg-other-ak", "tpm_signature_invalid"},
      {"azure/tdx-a-trustee", "hcl_type"},
      {"azure/neg-kinvolk-vcek", "snp_signature_invalid"},
      {"azure/neg-kinvolk-quote-ak", "tpm_signature_invalid"},
      {"azure/neg-quote-from-other-vm", "tpm_signature_invalid"},
      {"azure/neg-wrong-nonce", "tpm_extra_data"},
      {"azure/neg-nonce-prefix", "tpm_extra_data"},
      {"azure/neg-pcrs-of-other-vm", "tpm_pcr_digest"},
      {"tpm/neg-nonce-unpadded", "tpm_extra_data"},
      {"tpm/neg-tpmt-as-raw", "tpm_signature_invalid"},
  };
  return map;
}

TEST(Vectors, SnpAzureAndTpm) {
  const auto raw = read_file(directory() + "/cases.json", 4 << 20);
  if (!raw.ok()) GTEST_SKIP() << "no hardware vectors at '" << directory() << "'";
  json::Limits limits;
  limits.bytes_max = 4 << 20;
  limits.values_max = 1'000'000;
  const auto document = json::parse(*raw, limits);
  ASSERT_TRUE(document.ok());
  unsigned accepted = 0;
  unsigned refused = 0;
  for (const json::Value& value : *document->at("cases")->as_array()) {
    const Case c(value);
    const std::string id = c.text("id");
    const std::string family = c.text("family");
    const bool snp_case = family == "snp" && c.has("report");
    if (c.text("split") != "shared" || (!snp_case && family != "azure" && family != "tpm")) {
      continue;
    }
    const auto anchors = anchors_of(c);
    ASSERT_TRUE(anchors.ok()) << id;
    const Status status = snp_case ? verify_snp(c, *anchors) : verify_azure(c, *anchors);
    const auto known = reasons().find(id);
    const std::string expected = known == reasons().end() ? "accept" : known->second;
    EXPECT_EQ(verdict(status), expected) << id << ": " << c.text("why");
    (status.ok() ? accepted : refused) += 1;
    // Whatever we refuse beyond the case's verdict is named above; we never accept beyond it.
    EXPECT_FALSE(status.ok() && c.text("expect") == "reject") << id;
  }
  EXPECT_GE(accepted, 15U);
  EXPECT_EQ(refused, reasons().size());
}

// A certificate in the shape of a VCEK that AMD never signed.
TEST(Vectors, ForgedVcek) {
  const auto forged = read_file(directory() + "/snp/vcek-invalid-legacy-trustee.der", 1 << 16);
  if (!forged.ok()) GTEST_SKIP() << "no hardware vectors at '" << directory() << "'";
  const Bytes report = *read_file(directory() + "/snp/milan-v2-trustee.report.bin", 1 << 16);
  const auto anchors = snp::Anchors::vendor();
  snp::Expectation expected;
  expected.anchors = &*anchors;
  expected.now_unix_s = 1'793'491'200;
  expected.report_data = to_bytes(ByteView(report).subspan(0x50, 64));
  const auto result = snp::verify(report, crypto::Certificate::from_der(*forged)->pem(), expected);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().reason, "snp_chain_invalid");
}

TEST(Vectors, BuiltInAnchorsAreTheVendors) {
  const auto anchors = snp::Anchors::vendor();
  ASSERT_TRUE(anchors.ok());
  std::set<std::string> hashes;
  for (const snp::Anchor& anchor : anchors->list()) {
    hashes.insert(hex_encode(crypto::sha256(anchor.ark.public_key()->spki_der())));
    EXPECT_TRUE(anchor.ask->signed_by(*anchor.ark.public_key()));
  }
  EXPECT_EQ(hashes, (std::set<std::string>{
                        "9f056bee44377e29308cb5ffa895bdfb62d18881fa6bed8d6f075b0204089cb9",
                        "429a69c9422aa258ee4d8db5fcda9c6470ef15f8cd5a9cebd6cbc7d90b863831",
                        "4f125410563a2ab9a50356f9243f6fe0b6f73de98603f53f90339c70e9d7ad08"}));
}

}  // namespace
}  // namespace apm::attestation
