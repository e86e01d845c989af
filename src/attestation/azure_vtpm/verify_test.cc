// Synthetic evidence: the good one is accepted, and each single wrong field has its own reason.

#include "attestation/azure_vtpm/verify.h"

#include <gtest/gtest.h>

#include "attestation/limits.h"
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
    anchors_ = m().anchors();
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
    Appraisal appraisal;
    const auto result = azure_vtpm::verify(e, expected_, appraisal);
    EXPECT_EQ(result.ok(), appraisal.verdict().ok());
    if (result.ok()) return "accepted";
    EXPECT_EQ(result.error().code, Code::kRefused);
    EXPECT_EQ(result.error().reason, appraisal.verdict().error().reason);
    return result.error().reason;
  }
  [[nodiscard]] Result<azure_vtpm::Claims> verified(const azure_vtpm::AzureVtpmEvidence& e) const {
    Appraisal appraisal;
    return azure_vtpm::verify(e, expected_, appraisal);
  }
  [[nodiscard]] std::string reason() const { return reason_of(evidence()); }
  [[nodiscard]] std::string signer_reason() const {
    const auto claims = verified(evidence());
    return claims.ok() ? claims->result.signer.reason : claims.error().reason;
  }

  snp::Anchors anchors_ = snp::Anchors::none();
  azure_vtpm::Expectation expected_;

 private:
  static SyntheticMachine* machine_;
};
SyntheticMachine* AzureVtpmVerify::machine_ = nullptr;

TEST_F(AzureVtpmVerify, GoodEvidenceGivesItsClaims) {
  const auto e = evidence();
  const auto claims = verified(e);
  ASSERT_TRUE(claims.ok()) << claims.error().reason << ": " << claims.error().message;
  EXPECT_EQ(claims->result.trust_anchor, "synthetic");
  EXPECT_EQ(claims->result.enclave_id, *azure_vtpm_enclave_id(e.quote.pcrs));
  EXPECT_EQ(claims->result.signer.signer_id, m().signer_id());
  EXPECT_EQ(claims->result.signer.common_name, "Example Image Signing");
  EXPECT_EQ(claims->platform.runtime.user_data, (Bytes{0x00, 0xff}));
  EXPECT_FALSE(claims->result.vendor_anchor);
  EXPECT_EQ(claims->result.family, "azure-snp-vtpm");
  m().request_version = 2;
  EXPECT_EQ(reason(), "accepted");
}

TEST_F(AzureVtpmVerify, HardwareReportsKeepTheirReasons) {
  m().edit_report = [](Bytes& r) { r[0x00A] = 0x0b; };
  EXPECT_EQ(reason(), "snp_debug_allowed");
  m().reset();
  m().edit_signed_report = [](Bytes& r) { r[0x2A0] ^= 1; };
  EXPECT_EQ(reason(), "snp_signature_invalid");
  m().reset();
  expected_.floor.minimum.microcode = 214;
  EXPECT_EQ(reason(), "snp_tcb_too_old");
}

// An operator sees every rule of policy, and a refusal names the first that failed.
TEST_F(AzureVtpmVerify, PolicyRulesAreAllTried) {
  m().edit_report = [](Bytes& r) { r[0x00A] = 0x0b; };
  expected_.floor.minimum.microcode = 214;
  auto e = evidence();
  e.quote.signature[0] ^= 1;
  Appraisal appraisal;
  const auto refused = azure_vtpm::verify(e, expected_, appraisal);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().reason, "snp_debug_allowed");
  std::vector<std::string> failed;
  for (const Appraisal::Entry& entry : appraisal.entries()) {
    if (!entry.holds) failed.push_back(entry.rule.reason);
  }
  EXPECT_EQ(failed, (std::vector<std::string>{"snp_debug_allowed", "snp_tcb_too_old",
                                              "tpm_signature_invalid"}));
}

TEST_F(AzureVtpmVerify, GuestFloor) {
  expected_.guest.require_secure_boot = true;
  expected_.guest.allowed_vm_ids = {"vm-1"};
  const auto good = evidence();
  expected_.guest.allowed_pcrs[4] = {hex_encode(good.quote.pcrs.at(4)), std::string(64, '0')};
  EXPECT_EQ(reason_of(good), "accepted");
  expected_.guest.allowed_pcrs[4] = {std::string(64, '0')};
  EXPECT_EQ(reason_of(good), "tpm_pcr_not_allowed");
  expected_.guest.allowed_pcrs = {{10, {std::string(64, '0')}}};  // not among the quoted
  EXPECT_EQ(reason_of(good), "tpm_pcr_not_allowed");
  expected_.guest.allowed_pcrs.clear();
  expected_.guest.allowed_vm_ids = {"vm-2"};
  EXPECT_EQ(reason_of(good), "azure_vm_not_allowed");
  expected_.guest.allowed_vm_ids.clear();
  m().edit_hcl = [](Bytes&) {};
  m().more_claims = ",\"unknown\":[{}]";
  EXPECT_EQ(reason(), "accepted");
}

TEST_F(AzureVtpmVerify, SecureBootByTheParavisorsWord) {
  m().secure_boot_claim = "false";
  EXPECT_EQ(reason(), "accepted");
  expected_.guest.require_secure_boot = true;
  EXPECT_EQ(reason(), "azure_secure_boot_off");
}

TEST_F(AzureVtpmVerify, UserDataIsComparedAsBytesFilledWithZeros) {
  expected_.user_data = Bytes{0x00, 0xff};
  EXPECT_EQ(reason(), "accepted");
  m().user_data = "00ff" + std::string(124, '0');
  EXPECT_EQ(reason(), "accepted");
  expected_.user_data = Bytes{0x00, 0xfe};
  EXPECT_EQ(reason(), "runtime_claims_user_data");
  expected_.user_data = Bytes(65, 0);
  EXPECT_EQ(reason(), "runtime_claims_user_data");
}

TEST_F(AzureVtpmVerify, RuntimeClaimsHaveTheirTypes) {
  struct Case {
    const char* reason;
    const char* json;
  };
  const std::string ak = R"({"kid":"HCLAkPub","key_ops":["sign"],"kty":"RSA","e":"AQAB","n":")" +
                         base64url_encode(Bytes(256, 0xc3)) + "\"}";
  const auto parsed = [](const std::string& text) {
    const auto claims = azure_vtpm::parse_runtime_claims(as_bytes(text));
    return claims.ok() ? std::string("accepted") : claims.error().reason;
  };
  EXPECT_EQ(parsed("{\"keys\":[" + ak + "]}"), "accepted");
  EXPECT_EQ(parsed("{\"keys\":[" + ak + "," + ak + "]}"), "runtime_claims_ak");
  EXPECT_EQ(parsed("{\"keys\":[]}"), "runtime_claims_ak");
  EXPECT_EQ(parsed("{\"keys\":[{}]}"), "runtime_claims_malformed");
  EXPECT_EQ(parsed("{}"), "runtime_claims_malformed");
  EXPECT_EQ(parsed("{\"keys\":[" + ak + "]} "), "accepted");
  EXPECT_EQ(parsed("{\"keys\":[" + ak + "],\"keys\":[]}"), "runtime_claims_malformed");
  const Case more[] = {{"runtime_claims_malformed", R"("vm-configuration":[])"},
                       {"runtime_claims_malformed", R"("vm-configuration":{"secure-boot":1})"},
                       {"runtime_claims_malformed", R"("vm-configuration":{"vmUniqueId":1})"},
                       {"runtime_claims_malformed", R"("user-data":1)"},
                       {"runtime_claims_malformed", R"("user-data":"0")"},
                       {"accepted", R"("vm-configuration":{"current-time":1})"}};
  for (const Case& c : more) {
    EXPECT_EQ(parsed("{\"keys\":[" + ak + "]," + c.json + "}"), c.reason) << c.json;
  }
  EXPECT_EQ(parsed("{\"keys\":[" + ak + R"(],"user-data":")" + std::string(130, '0') + "\"}"),
            "runtime_claims_malformed");
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string changed = ak;
    changed.replace(changed.find(from), from.size(), to);
    return parsed("{\"keys\":[" + changed + "]}");
  };
  EXPECT_EQ(with("sign", "encrypt"), "accepted");  // hosts of 2023
  EXPECT_EQ(with("sign", "verify"), "runtime_claims_ak");
  EXPECT_EQ(with("AQAB", "Aw"), "runtime_claims_ak");
  EXPECT_EQ(with("RSA", "EC"), "runtime_claims_ak");
  EXPECT_EQ(with(base64url_encode(Bytes(256, 0xc3)), base64url_encode(Bytes(128, 0xc3))),
            "runtime_claims_ak");
}

TEST_F(AzureVtpmVerify, HclReport) {
  struct Case {
    const char* reason;
    std::size_t offset;
    std::uint8_t value;
  };
  const Case cases[] = {{"hcl_malformed", 0, 'X'},
                        {"hcl_malformed", 4, 3},
                        {"hcl_malformed", 8, 0},
                        {"hcl_malformed", 1216, 0},
                        {"hcl_header", 12, 1},
                        {"hcl_header", 16, 1},
                        {"hcl_header", 20, 1},
                        {"hcl_header", 31, 1},
                        {"azure_tdx_unsupported", 1224, 4},
                        {"hcl_malformed", 1220, 3},
                        {"hcl_type", 1224, 3},
                        {"hcl_hash_type", 1228, 2},
                        {"hcl_malformed", 1232, 0},
                        {"snp_report_data", 1236, ' '},
                        {"hcl_trailing_bytes", 2599, 1}};
  for (const Case& c : cases) {
    m().edit_hcl = [&](Bytes& h) { h[c.offset] = c.value; };
    EXPECT_EQ(reason(), c.reason) << "offset " << c.offset;
  }
  m().edit_hcl = [](Bytes& h) { h.resize(1300); };
  EXPECT_EQ(reason(), "hcl_size");
  m().edit_hcl = [](Bytes& h) { h.resize(2048); };
  EXPECT_EQ(reason(), "accepted");  // the NV index of 2023
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
  m().edit_quote = [](Bytes& q) { q[q.size() - 34 - 5] = 0x04; };  // the bank: SHA-1
  EXPECT_EQ(reason(), "tpm_pcr_bank");
  m().reset();
  auto e = evidence();
  e.quote.pcrs[4][0] ^= 1;
  EXPECT_EQ(reason_of(e), "tpm_pcr_digest");
  e = evidence();
  e.quote.pcrs.erase(4);
  EXPECT_EQ(reason_of(e), "tpm_pcr_values");
  e = evidence();
  e.quote.pcrs[10] = Bytes(32, 0);
  EXPECT_EQ(reason_of(e), "tpm_pcr_values");
  e = evidence();
  e.quote.signature[0] ^= 1;
  EXPECT_EQ(reason_of(e), "tpm_signature_invalid");
  e = evidence();
  e.quote.signature.clear();
  EXPECT_EQ(reason_of(e), "tpm_signature_format");
  e = evidence();
  std::swap(e.quote.attest, e.certify_attest);
  std::swap(e.quote.signature, e.certify_signature);
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

TEST_F(AzureVtpmVerify, PublicAreaOfTheKey) {
  const auto e = evidence();
  const auto with = [&](std::size_t offset, std::uint8_t value) {
    Bytes area = e.key_public;
    area[offset] = value;
    const auto key = tpm::check_login_key(area, e.quote.pcrs);
    return key.ok() ? std::string("accepted") : key.error().reason;
  };
  const std::size_t exponent = e.key_public.size() - 256 - 2 - 4;
  EXPECT_EQ(with(1, 0x01), "accepted");
  EXPECT_EQ(with(1, 0x23), "tpm_public_malformed");             // not RSA
  EXPECT_EQ(with(3, 0x04), "tpm_public_malformed");             // named by SHA-1
  EXPECT_EQ(with(exponent - 2, 0x10), "tpm_public_malformed");  // bits that the modulus has not
  EXPECT_EQ(with(exponent + 3, 3), "tpm_key_strength");         // e 3
  Bytes area = e.key_public;
  area.push_back(0);
  EXPECT_EQ(tpm::check_login_key(area, e.quote.pcrs).error().reason, "tpm_public_malformed");
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
  auto claims = verified(e);
  ASSERT_TRUE(claims.ok());
  EXPECT_EQ(claims->result.signer.reason, "event_log_missing");
  e = evidence();
  e.event_log.pop_back();
  claims = verified(e);
  ASSERT_TRUE(claims.ok());
  EXPECT_EQ(claims->result.signer.reason, "event_log_malformed");

  Bytes locality = to_bytes(std::string_view("StartupLocality\0", 16));
  locality.push_back(3);
  const auto log = tpm::parse_event_log(testing::event_log(
      {{0, tpm::kEvNoAction, locality, Bytes(32, 0)}, {0, tpm::kEvSeparator, Bytes(4, 0), {}}}));
  ASSERT_TRUE(log.ok());
  Bytes start(32, 0);
  start[31] = 3;
  const auto reads = [&](const std::vector<testing::LogEvent>& events) {
    const auto read = tpm::parse_event_log(testing::event_log(events));
    return read.ok() ? std::string("accepted") : read.error().reason;
  };
  const testing::LogEvent told{0, tpm::kEvNoAction, locality, Bytes(32, 0)};
  EXPECT_EQ(reads({told}), "accepted");
  EXPECT_EQ(reads({told, told}), "event_log_malformed");
  locality.back() = 1;  // no locality that starts a TPM
  EXPECT_EQ(reads({{0, tpm::kEvNoAction, locality, Bytes(32, 0)}}), "event_log_malformed");
  EXPECT_EQ(tpm::replay(*log, 0),
            crypto::digest(crypto::Hash::kSha256, {start, crypto::sha256(Bytes(4, 0))}));
}

TEST_F(AzureVtpmVerify, Sizes) {
  const auto with = [&](auto edit) {
    auto e = evidence();
    edit(e);
    return reason_of(e);
  };
  using Evidence = azure_vtpm::AzureVtpmEvidence;
  EXPECT_EQ(with([](Evidence& e) { e.quote.attest.resize(kAttestBytesMax + 1); }),
            "evidence_too_large");
  EXPECT_EQ(with([](Evidence& e) { e.quote.attest.resize(kAttestBytesMax); }),
            "tpm_signature_invalid");
  EXPECT_EQ(with([](Evidence& e) { e.quote.signature.resize(kSignatureBytesMax + 1); }),
            "evidence_too_large");
  EXPECT_EQ(with([](Evidence& e) { e.certify_attest.resize(kAttestBytesMax + 1); }),
            "evidence_too_large");
  EXPECT_EQ(with([](Evidence& e) { e.certify_signature.resize(kSignatureBytesMax + 1); }),
            "evidence_too_large");
  EXPECT_EQ(with([](Evidence& e) { e.event_log.resize(kEventLogBytesMax + 1); }),
            "evidence_too_large");
}

// A TDX machine, with a stand-in for the verifier of TD quotes.
class AzureTdx : public AzureVtpmVerify {
 protected:
  void SetUp() override {
    AzureVtpmVerify::SetUp();
    m().edit_hcl = [](Bytes& h) {
      Bytes td(1184, 0);
      td[0] = 0x81;
      put(td, 128, m().report_data());
      put(h, 32, td);
      h[1224] = 4;
    };
    verdict_.report_data = m().report_data();
    verdict_.trust_anchor = "intel";
    verdict_.vendor_anchor = true;
    expected_.verify_td_quote = [this](ByteView quote, Appraisal& appraisal) {
      const Status status = appraisal.require(
          quote.size() == 3, {Stage::kSignature, "tdx_signature", "a quote", "3 bytes"});
      return status.ok() ? Result<azure_vtpm::TdVerdict>(verdict_) : status.error();
    };
  }
  [[nodiscard]] azure_vtpm::AzureVtpmEvidence tdx() const {
    auto e = evidence();
    e.platform.td_quote = Bytes(3, 1);
    return e;
  }
  azure_vtpm::TdVerdict verdict_;
};

TEST_F(AzureTdx, GoodEvidenceAndEachRule) {
  const auto claims = verified(tdx());
  ASSERT_TRUE(claims.ok()) << claims.error().reason << ": " << claims.error().message;
  EXPECT_EQ(claims->result.family, "azure-tdx-vtpm");
  EXPECT_EQ(claims->result.trust_anchor, "intel");
  EXPECT_TRUE(claims->result.vendor_anchor);
  EXPECT_NE(claims->result.enclave_id, *azure_vtpm_enclave_id(claims->pcrs));
  EXPECT_EQ(claims->result.enclave_id, *azure_vtpm_enclave_id(claims->pcrs, "azure-tdx-vtpm"));
  auto e = tdx();
  e.platform.td_quote.clear();
  EXPECT_EQ(reason_of(e), "azure_td_quote_missing");
  e.platform.td_quote = Bytes(4, 1);
  EXPECT_EQ(reason_of(e), "tdx_signature");
  verdict_.report_data[63] ^= 1;
  EXPECT_EQ(reason_of(tdx()), "azure_td_report_data");
  expected_.verify_td_quote = nullptr;
  EXPECT_EQ(reason_of(tdx()), "azure_tdx_unsupported");
}

TEST_F(AzureTdx, TheTdReportItself) {
  const auto good = m().edit_hcl;
  const auto with = [&](std::size_t offset, std::uint8_t value) {
    m().edit_hcl = [=](Bytes& h) {
      good(h);
      h[32 + offset] = value;
    };
    return reason_of(tdx());
  };
  EXPECT_EQ(with(0, 0x80), "tdreport_malformed");
  EXPECT_EQ(with(4, 1), "tdreport_malformed");
  EXPECT_EQ(with(192, 1), "tdreport_malformed");
  EXPECT_EQ(with(1024, 1), "hcl_trailing_bytes");
  EXPECT_EQ(with(128, 0), "azure_td_report_data");
  // Quote and TDREPORT agree, but on other claims than those in the blob.
  verdict_.report_data = Bytes(64, 7);
  m().edit_hcl = [=](Bytes& h) {
    good(h);
    put(h, 32 + 128, Bytes(64, 7));
  };
  EXPECT_EQ(reason_of(tdx()), "azure_td_report_data");
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
