// Mistakes that verifiers of SNP, Azure vTPM and TPM evidence have made in the field: a test each,
// which a verifier that makes the mistake fails.

#include <gtest/gtest.h>

#include "attestation/azure_vtpm/verify.h"
#include "attestation/testing/synthetic_machine.h"

namespace apm::attestation {
namespace {

using snp::KeyKind;
using snp::Product;
using testing::kNow;
using testing::must;
using testing::put;
using testing::SyntheticMachine;

class KnownMistake : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { machine_ = new SyntheticMachine(); }
  static void TearDownTestSuite() {
    delete machine_;
    machine_ = nullptr;
  }
  void SetUp() override {
    become(Product::kMilan, KeyKind::kVcek);
    snp_.anchors = azure_.anchors = &anchors_;
    snp_.now_unix_s = azure_.now_unix_s = kNow;
    snp_.report_data = m().report_data();
    azure_.binding = Bytes(32, 0xb1);
    azure_.required_pcrs = login_pcrs();
    ASSERT_EQ(snp_reason(m().snp_evidence()), "accepted");
    ASSERT_EQ(azure_reason(evidence()), "accepted");
  }
  static SyntheticMachine& m() { return *machine_; }
  void become(Product product, KeyKind kind) {
    m().become(product, kind);
    anchors_ = m().anchors();
  }
  [[nodiscard]] azure_vtpm::AzureVtpmEvidence evidence() const {
    return m().evidence([](ByteView) { return Bytes(32, 0xb1); });
  }
  template <class T>
  static std::string reason_of(const Result<T>& result) {
    return result.ok() ? "accepted" : result.error().reason;
  }
  [[nodiscard]] std::string snp_reason(const snp::Evidence& e) const {
    Appraisal appraisal;
    return reason_of(snp::verify(e, snp_, appraisal));
  }
  [[nodiscard]] std::string azure_reason(const azure_vtpm::AzureVtpmEvidence& e) const {
    Appraisal appraisal;
    return reason_of(azure_vtpm::verify(e, azure_, appraisal));
  }
  [[nodiscard]] std::string stored_reason(const azure_vtpm::AzureVtpmEvidence& e) const {
    Appraisal appraisal;
    return reason_of(
        azure_vtpm::verify_quoted({e.platform, e.quote, e.event_log}, azure_, appraisal));
  }
  [[nodiscard]] static std::string with_root(const crypto::CertificateSpec& spec,
                                             const crypto::PrivateKey& key) {
    return m().leaf().pem() + m().intermediate().pem() +
           must(crypto::build_certificate(spec, must(key.public_key()), nullptr, key)).pem();
  }
  [[nodiscard]] static crypto::CertificateSpec root_spec(std::int64_t from, std::int64_t until) {
    crypto::CertificateSpec spec;
    spec.common_name = "ARK-Milan";
    spec.not_before_s = from;
    spec.not_after_s = until;
    spec.is_ca = true;
    spec.pss_sha384 = true;
    return spec;
  }

  snp::Anchors anchors_ = snp::Anchors::none();
  snp::Expectation snp_;
  azure_vtpm::Expectation azure_;

 private:
  static SyntheticMachine* machine_;
};
SyntheticMachine* KnownMistake::machine_ = nullptr;

TEST_F(KnownMistake, CloudKeyAcceptedWhereAChipKeyIsPromised) {
  become(Product::kMilan, KeyKind::kVlek);
  EXPECT_EQ(snp_reason(m().snp_evidence()), "snp_vlek_not_allowed");
  EXPECT_EQ(azure_reason(evidence()), "snp_vlek_not_allowed");
}

TEST_F(KnownMistake, ChipBindingSkippedWhenTheHardwareIdIsAbsent) {
  m().vcek_extensions.erase("1.3.6.1.4.1.3704.1.4");
  EXPECT_EQ(snp_reason(m().snp_evidence()), "snp_leaf_kind");
  m().reset();
  m().edit_report = [](Bytes& r) { put(r, 0x1A0, Bytes(64, 0)); };
  EXPECT_EQ(snp_reason(m().snp_evidence()), "snp_chip_id_masked");
}

TEST_F(KnownMistake, HardwareIdComparedInItsDerForm) {
  Bytes wrapped{0x04, 0x40};
  append(wrapped, Bytes(64, 0xc1));
  m().vcek_extensions["1.3.6.1.4.1.3704.1.4"] = wrapped;
  EXPECT_EQ(snp_reason(m().snp_evidence()), "snp_chip_mismatch");
}

TEST_F(KnownMistake, SuppliedRootUsedInsteadOfThePinnedOne) {
  auto e = m().snp_evidence();
  const auto other = must(crypto::PrivateKey::generate_rsa(2048));
  e.endorsements.chain_pem = with_root(root_spec(kNow - 1000, kNow + 1000), other);
  EXPECT_EQ(snp_reason(e), "snp_root_not_pinned");  // the right name only
  // The right key in another certificate: only the pinned certificate's dates count.
  e.endorsements.chain_pem = with_root(root_spec(kNow - 1000, kNow - 500), m().ark_key());
  EXPECT_EQ(snp_reason(e), "accepted");
  e.endorsements.chain_pem = with_root(root_spec(kNow - 1000, kNow + 9000), m().ark_key());
  snp_.now_unix_s = kNow + 1001;
  EXPECT_EQ(snp_reason(e), "snp_chain_expired");
}

TEST_F(KnownMistake, DebugAndVmplUncheckedInOneOfTheEntryPoints) {
  for (const auto& [offset, value, reason] :
       std::vector<std::tuple<std::size_t, std::uint8_t, std::string>>{
           {0x00A, 0x0b, "snp_debug_allowed"}, {0x030, 1, "snp_vmpl"}}) {
    m().edit_report = [o = offset, v = value](Bytes& r) { r[o] = v; };
    EXPECT_EQ(snp_reason(m().snp_evidence()), reason);
    EXPECT_EQ(azure_reason(evidence()), reason);
    EXPECT_EQ(stored_reason(evidence()), reason);
  }
}

TEST_F(KnownMistake, ReportDataMismatchNotFatal) {
  snp_.report_data[0] ^= 1;
  EXPECT_EQ(snp_reason(m().snp_evidence()), "snp_report_data");
}

TEST_F(KnownMistake, ChainNotVerified) {
  const SyntheticMachine stranger;  // the same names, other keys
  auto e = stranger.snp_evidence();
  snp_.report_data = stranger.report_data();
  EXPECT_EQ(snp_reason(e), "snp_root_not_pinned");
  e.endorsements.chain_pem = stranger.leaf().pem() + stranger.intermediate().pem();
  EXPECT_NE(snp_reason(e), "accepted");
  e.endorsements.chain_pem = stranger.leaf().pem() + m().intermediate().pem();
  EXPECT_NE(snp_reason(e), "accepted");
}

TEST_F(KnownMistake, TurinReadInMilansLayout) {
  become(Product::kTurin, KeyKind::kVcek);
  EXPECT_EQ(snp_reason(m().snp_evidence()), "accepted");  // 8-byte hardware id, FMC first
  // Milan's order of the same numbers.
  m().edit_report = [](Bytes& r) { put(r, 0x180, Bytes{4, 0, 0, 0, 0, 0, 22, 213}); };
  EXPECT_EQ(snp_reason(m().snp_evidence()), "snp_tcb_mismatch");
}

TEST_F(KnownMistake, UnknownPolicyAndPlatformBitsRefused) {
  m().edit_report = [](Bytes& r) {
    r[0x00B] = 0x02;
    r[0x040] = 0x40;
  };
  EXPECT_EQ(snp_reason(m().snp_evidence()), "accepted");
}

TEST_F(KnownMistake, KeyComparedWithCurrentInsteadOfReportedTcb) {
  m().edit_report = [](Bytes& r) { r[0x038 + 7] = 220; };  // CURRENT_TCB is ahead
  EXPECT_EQ(snp_reason(m().snp_evidence()), "accepted");
  m().edit_report = [](Bytes& r) { r[0x180 + 7] = 212; };
  EXPECT_EQ(snp_reason(m().snp_evidence()), "snp_tcb_mismatch");
}

TEST_F(KnownMistake, TcbComparedAsOneNumber) {
  snp_.floor.minimum.bootloader = 5;  // microcode is far ahead of its own floor
  EXPECT_EQ(snp_reason(m().snp_evidence()), "snp_tcb_too_old");
}

TEST_F(KnownMistake, AttestationKeyNotTiedToTheHardwareReport) {
  const auto other = must(crypto::PrivateKey::generate_rsa(2048));
  auto e = evidence();
  e.quote.signature = must(other.sign_rsa_pkcs1(crypto::Hash::kSha256, e.quote.attest));
  EXPECT_EQ(azure_reason(e), "tpm_signature_invalid");
  // ... nor is it enough to put that key into the runtime claims.
  const std::string ours = base64url_encode(must(must(m().ak().public_key()).rsa_modulus()));
  const std::string theirs = base64url_encode(must(must(other.public_key()).rsa_modulus()));
  std::string blob(as_text(e.platform.hcl_report));
  blob.replace(blob.find(ours), ours.size(), theirs);
  e.platform.hcl_report = to_bytes(blob);
  EXPECT_EQ(azure_reason(e), "snp_report_data");
}

TEST_F(KnownMistake, PlatformLabelTakenForABinding) {
  m().edit_report = [](Bytes& r) { put(r, 0x050, Bytes(64, 0)); };  // genuine, and of nothing
  EXPECT_EQ(azure_reason(evidence()), "snp_report_data");
  m().edit_report = [](Bytes& r) { r[0x050 + 40] = 1; };  // the half behind the hash
  EXPECT_EQ(azure_reason(evidence()), "snp_report_data");
}

TEST_F(KnownMistake, TpmMagicNotChecked) {
  m().edit_quote = [](Bytes& q) { put(q, 0, Bytes{0, 0, 0, 0}); };
  EXPECT_EQ(azure_reason(evidence()), "tpm_magic");
  m().reset();
  m().edit_certify = [](Bytes& q) { put(q, 0, Bytes{0, 0, 0, 0}); };
  EXPECT_EQ(azure_reason(evidence()), "tpm_magic");
}

TEST_F(KnownMistake, PcrSelectionNotCompared) {
  m().quoted = std::vector<unsigned>{0};
  EXPECT_EQ(azure_reason(evidence()), "tpm_pcr_selection");
}

TEST_F(KnownMistake, UnselectedPcrTrusted) {
  auto e = evidence();
  e.quote.pcrs[10] = Bytes(32, 1);  // beside the quoted ones
  EXPECT_EQ(azure_reason(e), "tpm_pcr_values");
  azure_.required_pcrs = {4, 7};  // a policy that forgot the boot loader
  m().quoted = std::vector<unsigned>{4, 7};
  e = evidence();
  EXPECT_EQ(stored_reason(e), "tpm_pcr_values");
  std::erase_if(e.quote.pcrs, [](const auto& pcr) { return pcr.first != 4 && pcr.first != 7; });
  EXPECT_EQ(stored_reason(e), "bootloader_pcrs_not_quoted");
}

TEST_F(KnownMistake, TpmSignatureDiscarded) {
  auto e = evidence();
  e.quote.signature[100] ^= 1;
  EXPECT_EQ(azure_reason(e), "tpm_signature_invalid");
  EXPECT_EQ(stored_reason(e), "tpm_signature_invalid");
  e = evidence();
  e.certify_signature[100] ^= 1;
  EXPECT_EQ(azure_reason(e), "tpm_signature_invalid");
}

TEST_F(KnownMistake, PcrMismatchNotFatal) {
  auto e = evidence();
  e.quote.pcrs[0][0] ^= 1;
  EXPECT_EQ(azure_reason(e), "tpm_pcr_digest");
}

TEST_F(KnownMistake, NoncePaddedTruncatedOrStripped) {
  const auto e = evidence();
  for (const std::size_t size : {31U, 33U, 48U, 64U}) {
    azure_.binding = Bytes(32, 0xb1);
    azure_.binding.resize(size, 0);
    EXPECT_EQ(azure_reason(e), "tpm_extra_data") << size;
  }
  azure_.binding.clear();
  EXPECT_EQ(azure_reason(e), "tpm_extra_data");
}

// The launch measurement is Microsoft's paravisor: what the customer runs is told by the PCRs.
TEST_F(KnownMistake, ParavisorTakenForTheGuest) {
  const auto identity = [&] {
    Appraisal appraisal;
    return must(azure_vtpm::verify(evidence(), azure_, appraisal)).result;
  };
  const EvidenceResult one = identity();
  m().pcrs[4] = Bytes(32, 0x44);
  const EvidenceResult other = identity();
  EXPECT_NE(one.enclave_id, other.enclave_id);
  EXPECT_EQ(*one.claims.find("sevsnp")->string_at("measurement"),
            *other.claims.find("sevsnp")->string_at("measurement"));
}

// Direct evidence of a container group of Azure: the measurement is the utility VM's, and what runs
// in it is told by HOST_DATA.
TEST_F(KnownMistake, UtilityVmTakenForTheContainers) {
  const auto identity = [&](std::uint8_t policy) {
    m().edit_report = [=](Bytes& r) { r[0x0C0] = policy; };
    Appraisal appraisal;
    return snp::to_result(must(snp::verify(m().snp_evidence(), snp_, appraisal))).enclave_id;
  };
  EXPECT_NE(identity(1), identity(2));
}

TEST_F(KnownMistake, ReplayedQuoteOfAnotherMachine) {
  const SyntheticMachine other;
  auto e = evidence();
  const auto theirs = other.evidence([](ByteView) { return Bytes(32, 0xb1); });
  e.quote = theirs.quote;
  EXPECT_EQ(azure_reason(e), "tpm_signature_invalid");
}

}  // namespace
}  // namespace apm::attestation
