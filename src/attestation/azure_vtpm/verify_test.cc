// Synthetic evidence: the good one is accepted, and each single wrong field has its own reason.

#include "attestation/azure_vtpm/verify.h"

#include <gtest/gtest.h>

#include "attestation/testing/synthetic_machine.h"

namespace apm::attestation {
namespace {

using testing::kNow;
using testing::put;
using testing::SyntheticMachine;

class AzureVtpmVerify : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { machine_ = new SyntheticMachine(); }
  static void TearDownTestSuite() {
    delete machine_;
    machine_ = nullptr;
  }
  void SetUp() override {
    m().reset();
    ASSERT_TRUE(anchors_.add_named("synthetic", m().ark_pem()).ok());
    expected_.binding = Bytes(32, 0xb1);
    expected_.anchors = &anchors_;
    expected_.now_unix_s = kNow;
    expected_.required_pcrs = login_pcrs();
  }

  static SyntheticMachine& m() { return *machine_; }
  [[nodiscard]] azure_vtpm::AzureVtpmEvidence evidence() const {
    return m().evidence([this](ByteView) { return expected_.binding; });
  }
  [[nodiscard]] std::string reason_of(const azure_vtpm::AzureVtpmEvidence& e) const {
    const auto result = azure_vtpm::verify(e, expected_);
    if (result.ok()) return "accepted";
    EXPECT_EQ(result.error().code, Code::kRefused);
    return result.error().reason;
  }
  [[nodiscard]] std::string reason() const { return reason_of(evidence()); }
  [[nodiscard]] std::string signer_reason() const {
    const auto result = azure_vtpm::verify(evidence(), expected_);
    return result.ok() ? result->signer.reason : result.error().reason;
  }

  snp::Anchors anchors_ = snp::Anchors::none();
  azure_vtpm::Expectation expected_;

 private:
  static SyntheticMachine* machine_;
};
SyntheticMachine* AzureVtpmVerify::machine_ = nullptr;

TEST_F(AzureVtpmVerify, GoodEvidenceGivesItsClaims) {
  const auto e = evidence();
  const auto claims = azure_vtpm::verify(e, expected_);
  ASSERT_TRUE(claims.ok()) << claims.error().reason << ": " << claims.error().message;
  EXPECT_EQ(claims->platform.snp.anchor, "synthetic");
  EXPECT_EQ(claims->enclave_id, *azure_vtpm_enclave_id(e.pcrs));
  EXPECT_EQ(claims->signer.signer_id, m().signer_id());
  EXPECT_EQ(claims->signer.common_name, "Example Image Signing");
  EXPECT_EQ(claims->platform.runtime.user_data_hex, "00ff");
  m().request_version = 2;
  EXPECT_EQ(reason(), "accepted");
}

TEST_F(AzureVtpmVerify, EachWrongReportFieldHasItsReason) {
  struct Case {
    const char* reason;
    std::size_t offset;
    std::uint8_t value;
  };
  const Case cases[] = {{"snp_report_version", 0x000, 4},
                        {"snp_policy_reserved", 0x00A, 0x01},
                        {"snp_migration_allowed", 0x00A, 0x07},
                        {"snp_debug_allowed", 0x00A, 0x0b},
                        {"snp_vmpl", 0x030, 1},
                        {"snp_signature_algorithm", 0x034, 2},
                        {"snp_key_info_reserved", 0x048, 0x20},
                        {"snp_vlek_unsupported", 0x048, 0x04},
                        {"snp_signing_key", 0x048, 0x1c},
                        {"snp_chip_id_masked", 0x048, 0x02},
                        {"snp_reserved_not_zero", 0x04C, 1},
                        {"snp_report_data", 0x050, 0},
                        {"snp_report_data", 0x08F, 1},
                        {"snp_tcb_mismatch", 0x180, 3},
                        {"snp_tcb_mismatch", 0x182, 1},
                        {"snp_product_mismatch", 0x189, 0x11},
                        {"snp_product_unknown", 0x189, 0xff},
                        {"snp_reserved_not_zero", 0x18B, 1},
                        {"snp_chip_mismatch", 0x1A0, 0},
                        {"snp_reserved_not_zero", 0x208, 1}};
  for (const Case& c : cases) {
    m().edit_report = [&](Bytes& r) { r[c.offset] = c.value; };
    EXPECT_EQ(reason(), c.reason) << "offset " << c.offset;
  }
}

TEST_F(AzureVtpmVerify, EveryFlippedBitOfTheSignedReportIsRefused) {
  const auto good = evidence();
  const auto hcl = azure_vtpm::parse_hcl_report(good.hcl_report);
  ASSERT_TRUE(hcl.ok());
  snp::Expectation expected;
  expected.anchors = &anchors_;
  expected.now_unix_s = kNow;
  expected.report_data = azure_vtpm::expected_report_data(*hcl);
  for (std::size_t offset = 0; offset < snp::kSignedSize; ++offset) {
    Bytes report = hcl->hardware_report;
    report[offset] = static_cast<std::uint8_t>(report[offset] ^ 1U << (offset % 8));
    const auto result = snp::verify(report, good.vcek_chain_pem, expected);
    ASSERT_FALSE(result.ok()) << "offset " << offset;
    ASSERT_EQ(result.error().code, Code::kRefused) << "offset " << offset;
  }
}

TEST_F(AzureVtpmVerify, SignatureFormat) {
  m().edit_signed_report = [](Bytes& r) { r[0x2A0] ^= 1; };
  EXPECT_EQ(reason(), "snp_signature_invalid");
  for (const std::size_t offset : {0x2A0U + 48U, 0x2A0U + 72U + 48U, 0x2A0U + 144U}) {
    m().edit_signed_report = [&](Bytes& r) { r[offset] = 1; };
    EXPECT_EQ(reason(), "snp_signature_format");
  }
  m().edit_signed_report = [](Bytes& r) { put(r, 0x2A0, Bytes(48, 0)); };
  EXPECT_EQ(reason(), "snp_signature_invalid");
  m().edit_signed_report = [](Bytes& r) { put(r, 0x2A0, Bytes(48, 0xff)); };
  EXPECT_EQ(reason(), "snp_signature_invalid");
}

TEST_F(AzureVtpmVerify, CertificateAndChain) {
  const std::string oid = "1.3.6.1.4.1.3704.1";
  m().vcek_name = "SEV-VLEK";
  EXPECT_EQ(reason(), "snp_leaf_kind");
  m().reset();
  m().vcek_extensions.erase(oid + ".4");
  EXPECT_EQ(reason(), "snp_leaf_kind");
  m().reset();
  m().vcek_extensions[oid + ".5"] = Bytes{0x16, 1, 'x'};
  EXPECT_EQ(reason(), "snp_leaf_kind");
  m().reset();
  m().vcek_extensions.erase(oid + ".3.8");
  EXPECT_EQ(reason(), "snp_tcb_mismatch");
  m().reset();
  m().vcek_extensions[oid + ".3.8"] = Bytes{2, 1, 0xd5};  // negative, not 213
  EXPECT_EQ(reason(), "snp_tcb_mismatch");
  m().reset();
  m().vcek_extensions[oid + ".2"] = Bytes{0x16, 5, 'G', 'e', 'n', 'o', 'a'};
  EXPECT_EQ(reason(), "snp_product_mismatch");
  m().reset();
  m().vcek_extensions[oid + ".2"] = Bytes{0x16, 6, 'V', 'e', 'n', 'i', 'c', 'e'};
  EXPECT_EQ(reason(), "snp_product_unknown");
  m().reset();
  expected_.now_unix_s = kNow + 2000;
  EXPECT_EQ(reason(), "snp_chain_expired");
  expected_.now_unix_s = kNow - 2000;
  EXPECT_EQ(reason(), "snp_chain_not_yet_valid");
  expected_.now_unix_s = kNow;
  auto e = evidence();
  e.vcek_chain_pem = "";
  EXPECT_EQ(reason_of(e), "snp_chain_malformed");
  const snp::Anchors vendor = *snp::Anchors::vendor();
  expected_.anchors = &vendor;
  EXPECT_EQ(reason(), "snp_root_not_pinned");
  const snp::Anchors nothing = snp::Anchors::none();
  expected_.anchors = &nothing;
  EXPECT_EQ(reason(), "snp_chain_untrusted");
}

TEST_F(AzureVtpmVerify, FloorsOfTheConfiguration) {
  expected_.floor.minimum.microcode = 213;
  EXPECT_EQ(reason(), "accepted");
  expected_.floor.minimum.microcode = 214;
  EXPECT_EQ(reason(), "snp_tcb_too_old");
  expected_.floor = {};
  expected_.floor.require_alias_check = true;
  EXPECT_EQ(reason(), "snp_alias_check_missing");
  m().edit_report = [](Bytes& r) { r[0x040] = 0x20; };
  EXPECT_EQ(reason(), "accepted");
  expected_.floor.denied_chips.insert(hex_encode(Bytes(64, 0xc1)));
  EXPECT_EQ(reason(), "snp_chip_denied");
}

TEST_F(AzureVtpmVerify, HclReport) {
  struct Case {
    const char* reason;
    std::size_t offset;
    std::uint8_t value;
  };
  const Case cases[] = {{"hcl_malformed", 0, 'X'},      {"hcl_malformed", 4, 3},
                        {"hcl_malformed", 8, 0},        {"hcl_malformed", 1216, 0},
                        {"hcl_malformed", 1220, 3},     {"hcl_type", 1224, 4},
                        {"hcl_hash_type", 1228, 2},     {"hcl_malformed", 1232, 0},
                        {"snp_report_data", 1236, ' '}, {"hcl_trailing_bytes", 2599, 1}};
  for (const Case& c : cases) {
    m().edit_hcl = [&](Bytes& h) { h[c.offset] = c.value; };
    EXPECT_EQ(reason(), c.reason) << "offset " << c.offset;
  }
  m().edit_hcl = [](Bytes& h) { h.resize(1300); };
  EXPECT_EQ(reason(), "hcl_malformed");
}

TEST_F(AzureVtpmVerify, Quote) {
  m().edit_quote = [](Bytes& q) { q[0] = 0; };
  EXPECT_EQ(reason(), "tpm_magic");
  m().edit_quote = [](Bytes& q) { q[5] = 0x17; };
  EXPECT_EQ(reason(), "tpm_attest_malformed");
  m().edit_quote = [](Bytes& q) { q.push_back(0); };
  EXPECT_EQ(reason(), "tpm_attest_malformed");
  m().edit_quote = [](Bytes& q) { q.pop_back(); };
  EXPECT_EQ(reason(), "tpm_attest_malformed");
  m().reset();
  m().quoted = std::vector<unsigned>{7};
  EXPECT_EQ(reason(), "tpm_pcr_selection");
  m().reset();
  auto e = evidence();
  e.pcrs[4][0] ^= 1;
  EXPECT_EQ(reason_of(e), "tpm_pcr_digest");
  e = evidence();
  e.pcrs.erase(4);
  EXPECT_EQ(reason_of(e), "tpm_pcr_values");
  e = evidence();
  e.pcrs[10] = Bytes(32, 0);
  EXPECT_EQ(reason_of(e), "tpm_pcr_values");
  e = evidence();
  e.quote_signature[0] ^= 1;
  EXPECT_EQ(reason_of(e), "tpm_signature_invalid");
  e = evidence();
  e.quote_signature.clear();
  EXPECT_EQ(reason_of(e), "tpm_signature_invalid");
  e = evidence();
  std::swap(e.quote_attest, e.certify_attest);
  std::swap(e.quote_signature, e.certify_signature);
  EXPECT_EQ(reason_of(e), "tpm_attest_type");
  e = evidence();
  for (const Bytes& other : {Bytes(32, 0xb2), Bytes(31, 0xb1), Bytes(33, 0xb1), Bytes{}}) {
    expected_.binding = other;
    EXPECT_EQ(reason_of(e), "tpm_extra_data");
  }
}

TEST_F(AzureVtpmVerify, CertifiedKey) {
  auto e = evidence();
  e.certify_signature[9] ^= 1;
  EXPECT_EQ(reason_of(e), "tpm_signature_invalid");
  e = evidence();
  e.key_public.back() ^= 1;
  EXPECT_EQ(reason_of(e), "tpm_certified_name");
  m().certified_name = Bytes(34, 0);
  EXPECT_EQ(reason(), "tpm_certified_name");
  m().reset();
  m().edit_certify = [](Bytes& c) { c[44] ^= 1; };  // in extraData
  EXPECT_EQ(reason(), "tpm_extra_data");
  m().reset();
  m().key_policy = Bytes(32, 0);
  EXPECT_EQ(reason(), "tpm_key_policy");
  m().reset();
  const std::uint32_t good = m().key_attributes;
  for (const unsigned bit : {1U, 4U, 5U, 17U, 6U, 11U, 16U, 18U}) {
    m().key_attributes = good ^ 1U << bit;
    EXPECT_EQ(reason(), "tpm_key_attributes") << "bit " << bit;
  }
}

TEST_F(AzureVtpmVerify, Signer) {
  using tpm::kEvEfiVariableAuthority;
  using tpm::kEvEfiVariableDriverConfig;
  m().events[0].data = SyntheticMachine::secure_boot(0);
  EXPECT_EQ(signer_reason(), "secure_boot_off");
  m().events.push_back({7, kEvEfiVariableDriverConfig, SyntheticMachine::secure_boot(1), {}});
  EXPECT_EQ(signer_reason(), "secure_boot_off");
  m().reset();
  m().events.pop_back();
  EXPECT_EQ(signer_reason(), "signer_event_missing");
  m().reset();
  m().events.back().digest = Bytes(32, 1);
  EXPECT_EQ(signer_reason(), "signer_event_not_authentic");
  m().reset();
  m().events.back().data = to_bytes(std::string_view("SbatLevel"));
  EXPECT_EQ(signer_reason(), "signer_event_malformed");
  m().reset();
  m().pcrs[7] = Bytes(32, 7);
  EXPECT_EQ(signer_reason(), "event_log_mismatch");
  m().reset();
  m().events.back().data = m().authority("Microsoft Corporation UEFI CA 2011");
  EXPECT_EQ(signer_reason(), "signer_is_public");
  expected_.allowed_public_signers.insert(m().signer_id());
  EXPECT_EQ(signer_reason(), "");
  m().reset();
  m().events.push_back({7, kEvEfiVariableAuthority, m().authority("Other", &m().ak()), {}});
  EXPECT_EQ(signer_reason(), "signer_ambiguous");
}

TEST_F(AzureVtpmVerify, EventLogFormat) {
  auto e = evidence();
  e.event_log.clear();
  auto claims = azure_vtpm::verify(e, expected_);
  ASSERT_TRUE(claims.ok());
  EXPECT_EQ(claims->signer.reason, "event_log_missing");
  e = evidence();
  e.event_log.pop_back();
  claims = azure_vtpm::verify(e, expected_);
  ASSERT_TRUE(claims.ok());
  EXPECT_EQ(claims->signer.reason, "event_log_malformed");

  Bytes locality = to_bytes(std::string_view("StartupLocality\0", 16));
  locality.push_back(3);
  const auto log = tpm::parse_event_log(testing::event_log(
      {{0, tpm::kEvNoAction, locality, Bytes(32, 0)}, {0, tpm::kEvSeparator, Bytes(4, 0), {}}}));
  ASSERT_TRUE(log.ok());
  Bytes start(32, 0);
  start[31] = 3;
  EXPECT_EQ(tpm::replay(*log, 0),
            crypto::digest(crypto::Hash::kSha256, {start, crypto::sha256(Bytes(4, 0))}));
}

TEST(EnclaveId, NeedsEveryPcrAndIsStable) {
  tpm::PcrValues pcrs;
  for (const unsigned index : identity_pcrs()) pcrs[index] = Bytes(32, 0);
  // SHA-256 over the encoding of docs/identity.md, computed independently.
  EXPECT_EQ(*azure_vtpm_enclave_id(pcrs),
            "5c75839b652440b32fc82bb70e6af70146e550b08a23a232d06ac2a17d9b3045");
  for (const unsigned index : identity_pcrs()) {
    tpm::PcrValues some = pcrs;
    some.erase(index);
    const bool loader = index == 8 || index == 9;
    EXPECT_EQ(azure_vtpm_enclave_id(some).error().reason,
              loader ? "bootloader_pcrs_not_quoted" : "identity_pcr_missing");
  }
}

}  // namespace
}  // namespace apm::attestation
