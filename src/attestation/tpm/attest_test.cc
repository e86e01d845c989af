// Quotes made with software keys: each rule alone, and the forms that are read or refused by name.

#include "attestation/tpm/attest.h"

#include <gtest/gtest.h>

#include "attestation/testing/synthetic_machine.h"
#include "attestation/tpm/event_log.h"

namespace apm::attestation::tpm {
namespace {

using testing::must;
using testing::tpm2b;

constexpr std::size_t kExtraDataOffset = 4 + 2 + 36 + 2;

struct Selected {
  std::uint16_t bank;
  Bytes bitmap;
};

class TpmQuote : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    ak_ = new crypto::PrivateKey(must(crypto::PrivateKey::generate_rsa(2048)));
  }
  static void TearDownTestSuite() {
    delete ak_;
    ak_ = nullptr;
  }
  void SetUp() override {
    pcrs_ = {{4, Bytes(32, 4)}, {7, Bytes(32, 7)}};
    expected_.extra_data = Bytes(32, 0xee);
    expected_.required = {4, 7};
  }

  // TPMS_ATTEST over the digest of pcrs_.
  [[nodiscard]] Bytes quote(const std::vector<Selected>& selections) const {
    Bytes out;
    append_u32_be(out, 0xff544347);
    append_u16_be(out, 0x8018);
    append(out, tpm2b(Bytes(34, 0x0b)));
    append(out, tpm2b(signed_extra_));
    append_u64_be(out, 1234);
    append_u32_be(out, 5);
    append_u32_be(out, 6);
    out.push_back(1);
    append_u64_be(out, 0x2024);
    append_u32_be(out, static_cast<std::uint32_t>(selections.size()));
    for (const Selected& s : selections) {
      append_u16_be(out, s.bank);
      out.push_back(static_cast<std::uint8_t>(s.bitmap.size()));
      append(out, s.bitmap);
    }
    append(out, tpm2b(pcr_digest(pcrs_)));
    return out;
  }
  [[nodiscard]] static std::vector<Selected> good() { return {{kAlgSha256, {0x90, 0, 0}}}; }

  [[nodiscard]] std::string reason(const Bytes& attest, Appraisal appraisal = Appraisal()) const {
    const Bytes signature = must(ak_->sign_rsa_pkcs1(crypto::Hash::kSha256, attest));
    const crypto::PublicKey key = must(ak_->public_key());
    const auto result = verify_quote({attest, signature, key}, pcrs_, expected_, appraisal);
    return result.ok() ? "accepted" : result.error().reason;
  }

  PcrValues pcrs_;
  Bytes signed_extra_ = Bytes(32, 0xee);
  QuoteExpectation expected_;
  static crypto::PrivateKey* ak_;
};
crypto::PrivateKey* TpmQuote::ak_ = nullptr;

TEST_F(TpmQuote, GoodQuoteShowsItsCounters) {
  EXPECT_EQ(reason(quote(good())), "accepted");
  const Attest attest = must(parse_attest(quote(good())));
  EXPECT_EQ(attest.reset_count, 5U);
  EXPECT_EQ(attest.restart_count, 6U);
  EXPECT_EQ(attest.clock, 1234U);
  EXPECT_TRUE(attest.safe);
}

TEST_F(TpmQuote, NonceIsComparedWholeAndNeverEmpty) {
  const Bytes attest = quote(good());
  for (const Bytes& other : {Bytes(31, 0xee), Bytes(33, 0xee), Bytes(32, 0xef), Bytes{}}) {
    expected_.extra_data = other;
    EXPECT_EQ(reason(attest), "tpm_extra_data");
  }
  expected_.extra_data = signed_extra_ = Bytes{};
  EXPECT_EQ(reason(quote(good())), "tpm_extra_data");  // an empty one does not match itself
  expected_.extra_data = Bytes(32, 0xee);
  signed_extra_ = Bytes(32, 0xee);
  signed_extra_.resize(48, 0);  // filled with zeros by the signer
  EXPECT_EQ(reason(quote(good())), "tpm_extra_data");
}

TEST_F(TpmQuote, Selection) {
  EXPECT_EQ(reason(quote({{kAlgSha256, {0x90}}})), "accepted");
  EXPECT_EQ(reason(quote({{kAlgSha256, {0x90, 0, 0, 0}}})), "accepted");
  EXPECT_EQ(reason(quote({{kAlgSha256, {0x90, 0, 1}}})), "tpm_pcr_selection");
  EXPECT_EQ(reason(quote({{kAlgSha256, {0x10, 0, 0}}})), "tpm_pcr_selection");
  EXPECT_EQ(reason(quote({{kAlgSha256, {0, 0, 0}}})), "tpm_pcr_selection");
  EXPECT_EQ(reason(quote({{kAlgSha256, {}}})), "tpm_pcr_selection");
  EXPECT_EQ(reason(quote({{kAlgSha1, {0x90, 0, 0}}})), "tpm_pcr_bank");
  EXPECT_EQ(reason(quote({})), "tpm_pcr_bank");
  // Several banks parse, as tools make them, and are no quote of the one bank that is asked for.
  const std::vector<Selected> two = {{kAlgSha1, {0x90, 0, 0}}, {kAlgSha256, {0x90, 0, 0}}};
  EXPECT_TRUE(parse_attest(quote(two)).ok());
  EXPECT_EQ(reason(quote(two)), "tpm_pcr_bank");
  EXPECT_EQ(reason(quote(std::vector<Selected>(9, good()[0]))), "tpm_attest_malformed");
  EXPECT_EQ(reason(quote({{kAlgSha256, {0x90, 0, 0, 0, 0}}})), "tpm_attest_malformed");
  expected_.required.clear();
  EXPECT_EQ(reason(quote({{kAlgSha256, {0, 0, 0}}})), "tpm_pcr_selection");
}

TEST_F(TpmQuote, BankOfTheRelyingPartysChoice) {
  pcrs_ = {{4, Bytes(48, 4)}, {7, Bytes(48, 7)}};
  EXPECT_EQ(reason(quote({{kAlgSha384, {0x90, 0, 0}}})), "tpm_pcr_bank");
  expected_.bank = kAlgSha384;
  EXPECT_EQ(reason(quote({{kAlgSha384, {0x90, 0, 0}}})), "accepted");
  EXPECT_EQ(reason(quote({{kAlgSha256, {0x90, 0, 0}}})), "tpm_pcr_bank");
  expected_.bank = kAlgSha1;  // refused whoever asks
  pcrs_ = {{4, Bytes(20, 4)}, {7, Bytes(20, 7)}};
  EXPECT_EQ(reason(quote({{kAlgSha1, {0x90, 0, 0}}})), "tpm_pcr_bank");
}

TEST_F(TpmQuote, ValuesAreExactlyTheSelectedOnes) {
  const Bytes attest = quote(good());
  pcrs_[4][0] ^= 1;
  EXPECT_EQ(reason(attest), "tpm_pcr_digest");
  pcrs_[4] = Bytes(31, 4);
  EXPECT_EQ(reason(attest), "tpm_pcr_values");
  pcrs_[4] = Bytes(32, 4);
  pcrs_[9] = Bytes(32, 9);  // one that nobody quoted
  EXPECT_EQ(reason(attest), "tpm_pcr_values");
  pcrs_.erase(9);
  pcrs_.erase(7);
  EXPECT_EQ(reason(attest), "tpm_pcr_values");
}

TEST_F(TpmQuote, ShapeUnderAGoodSignature) {
  const auto edited = [&](auto edit) {
    Bytes attest = quote(good());
    edit(attest);
    return reason(attest);
  };
  EXPECT_EQ(edited([](Bytes& q) { q[0] = 0; }), "tpm_magic");
  EXPECT_EQ(edited([](Bytes& q) { q[5] = 0x14; }), "tpm_attest_type");
  EXPECT_EQ(edited([](Bytes& q) { q.push_back(0); }), "tpm_attest_malformed");
  EXPECT_EQ(edited([](Bytes& q) { q.pop_back(); }), "tpm_attest_malformed");
  EXPECT_EQ(edited([](Bytes& q) { q.resize(3000); }), "tpm_attest_malformed");
  const std::size_t safe = kExtraDataOffset + 32 + 8 + 4 + 4;
  EXPECT_EQ(edited([&](Bytes& q) { q[safe] = 2; }), "tpm_attest_malformed");
  EXPECT_EQ(edited([&](Bytes& q) { q[safe] = 0; }), "accepted");  // shown, not refused
}

TEST_F(TpmQuote, KeyAndSignature) {
  const Bytes attest = quote(good());
  const auto reason_under = [&](const crypto::PublicKey& key, const Bytes& signature) {
    Appraisal appraisal;
    const auto result = verify_quote({attest, signature, key}, pcrs_, expected_, appraisal);
    return result.ok() ? std::string("accepted") : result.error().reason;
  };
  const crypto::PublicKey ak = must(ak_->public_key());
  Bytes signature = must(ak_->sign_rsa_pkcs1(crypto::Hash::kSha256, attest));
  EXPECT_EQ(reason_under(ak, signature), "accepted");
  EXPECT_EQ(reason_under(ak, must(ak_->sign_rsa_pkcs1(crypto::Hash::kSha384, attest))),
            "tpm_signature_invalid");
  EXPECT_EQ(reason_under(ak, must(ak_->sign_rsa_pss(crypto::Hash::kSha256, attest))),
            "tpm_signature_invalid");
  EXPECT_EQ(reason_under(ak, Bytes(256, 0)), "tpm_signature_invalid");
  EXPECT_EQ(reason_under(ak, Bytes(255, 0)), "tpm_signature_format");
  EXPECT_EQ(reason_under(ak, Bytes{}), "tpm_signature_format");
  signature.push_back(0);
  EXPECT_EQ(reason_under(ak, signature), "tpm_signature_format");
  const auto ec = must(must(crypto::PrivateKey::generate_ec(crypto::Curve::kP256)).public_key());
  EXPECT_EQ(reason_under(ec, Bytes(64, 1)), "tpm_ak_unsupported");
  const auto weak = crypto::PublicKey::from_rsa(Bytes(128, 0xc3), Bytes{1, 0, 1});
  ASSERT_TRUE(weak.ok());
  EXPECT_EQ(reason_under(*weak, Bytes(128, 1)), "tpm_ak_unsupported");
}

TEST_F(TpmQuote, SignatureStructure) {
  const auto read = [](std::uint16_t scheme, std::uint16_t hash, std::size_t cut) {
    Bytes tpmt;
    append_u16_be(tpmt, scheme);
    append_u16_be(tpmt, hash);
    append(tpmt, tpm2b(Bytes(256, 5)));
    tpmt.resize(cut);
    const auto raw = rsassa_from_tpmt(tpmt);
    return raw.ok() ? std::to_string(raw->size()) : raw.error().reason;
  };
  EXPECT_EQ(read(0x0014, 0x000b, 262), "256");
  EXPECT_EQ(read(0x0014, 0x000b, 261), "tpm_signature_format");
  EXPECT_EQ(read(0x0014, 0x000b, 263), "tpm_signature_format");
  EXPECT_EQ(read(0x0014, 0x000b, 3), "tpm_signature_format");
  EXPECT_EQ(read(0x0018, 0x000b, 262), "tpm_signature_algorithm");  // ECDSA
  EXPECT_EQ(read(0x0016, 0x000b, 262), "tpm_signature_algorithm");  // RSAPSS
  EXPECT_EQ(read(0x0014, 0x0004, 262), "tpm_signature_algorithm");  // SHA-1
}

TEST_F(TpmQuote, Stages) {
  Bytes attest = quote(good());
  expected_.extra_data = Bytes(1, 1);
  EXPECT_EQ(reason(attest, Appraisal(Stage::kBinding)), "accepted");
  EXPECT_EQ(reason(attest, Appraisal(Stage::kFreshness)), "tpm_extra_data");
  pcrs_.clear();
  EXPECT_EQ(reason(attest, Appraisal(Stage::kSignature)), "accepted");
  EXPECT_EQ(reason(attest, Appraisal(Stage::kBinding)), "tpm_pcr_values");
  attest[0] = 0;
  EXPECT_EQ(reason(attest, Appraisal(Stage::kFormat)), "tpm_magic");
}

TEST(EventLogReplay, ComparesTheNamedPcrs) {
  const EventLog log = must(parse_event_log(testing::event_log(
      {{0, kEvSeparator, Bytes(4, 0), {}}, {7, kEvSeparator, Bytes(4, 1), {}}})));
  PcrValues quoted = {{0, replay(log, 0)}, {7, replay(log, 7)}, {4, Bytes(32, 0)}};
  const auto reason = [&](const std::vector<unsigned>& pcrs) {
    Appraisal appraisal;
    const Status status = require_replay(log, quoted, pcrs, appraisal);
    return status.ok() ? std::string("accepted") : status.error().reason;
  };
  EXPECT_EQ(reason({0, 4, 7}), "accepted");
  EXPECT_EQ(reason({0, 9}), "event_log_mismatch");  // not quoted
  quoted[7][0] ^= 1;
  EXPECT_EQ(reason({0, 7}), "event_log_mismatch");
  EXPECT_EQ(reason({0}), "accepted");
}

}  // namespace
}  // namespace apm::attestation::tpm
