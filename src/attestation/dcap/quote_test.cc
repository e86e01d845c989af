// The quote's form: each test changes one thing of a quote that is accepted otherwise.

#include "attestation/dcap/quote.h"

#include <gtest/gtest.h>

#include "attestation/limits.h"
#include "attestation/testing/dcap_trial.h"

namespace apm::attestation::dcap {
namespace {

using testing::DcapTrial;
using testing::Reasons;
using testing::SyntheticIntel;

std::string reason_of(ByteView raw) {
  const auto quote = parse_quote(raw);
  return quote.ok() ? "" : quote.error().reason;
}

TEST(DcapQuote, EveryVersionAndBodyIsAccepted) {
  struct Shape {
    std::uint16_t version;
    Tee tee;
    BodyType type;
  };
  const Shape shapes[] = {
      {3, Tee::kSgx, BodyType::kSgx},  {4, Tee::kSgx, BodyType::kSgx},
      {4, Tee::kTdx, BodyType::kTd10}, {5, Tee::kSgx, BodyType::kSgx},
      {5, Tee::kTdx, BodyType::kTd10}, {5, Tee::kTdx, BodyType::kTd15},
  };
  for (const Shape& shape : shapes) {
    DcapTrial trial(shape.version, shape.tee, shape.type);
    EXPECT_EQ(trial.failures(), Reasons()) << shape.version << tee_name(shape.tee);
  }
}

TEST(DcapQuote, TruncatedAtEveryLengthIsRefused) {
  for (DcapTrial trial : {DcapTrial::sgx(), DcapTrial(), DcapTrial::td15()}) {
    const Bytes quote = trial.platform.quote();
    for (std::size_t size = 0; size < quote.size(); ++size) {
      ASSERT_NE(reason_of(ByteView(quote).first(size)), "") << size;
    }
    EXPECT_EQ(reason_of(ByteView(quote).first(quote.size() - 1)), "dcap_quote_size");
  }
}

TEST(DcapQuote, SizeLimit) {
  Bytes quote = DcapTrial().platform.quote();
  quote.resize(kQuoteBytesMax);
  EXPECT_EQ(reason_of(quote), "");
  quote.push_back(0);
  EXPECT_EQ(reason_of(quote), "dcap_quote_size");
}

TEST(DcapQuote, HeaderFields) {
  const auto with = [](DcapTrial trial, std::size_t offset, std::uint8_t value) {
    trial.platform.header[offset] = value;
    return reason_of(trial.platform.quote());
  };
  EXPECT_EQ(with(DcapTrial::sgx(), 0, 2), "dcap_quote_version");
  EXPECT_EQ(with(DcapTrial(), 0, 6), "dcap_quote_version");
  EXPECT_EQ(with(DcapTrial(), 2, 3), "dcap_key_type");
  EXPECT_EQ(with(DcapTrial(), 4, 0x82), "dcap_tee_type");
  EXPECT_EQ(with(DcapTrial::sgx(), 4, 0x81), "dcap_tee_type");  // reserved in version 3
  EXPECT_EQ(with(DcapTrial(), 12, 0), "dcap_vendor_id");
  EXPECT_EQ(with(DcapTrial(), 27, 0), "dcap_vendor_id");
}

TEST(DcapQuote, KeyTypeIsAnAlgorithmRule) {
  DcapTrial trial;
  trial.platform.header[2] = 3;
  Appraisal appraisal;
  EXPECT_EQ(read_quote(trial.platform.quote(), Tee::kTdx, {}, appraisal).error().reason,
            "dcap_key_type");
  EXPECT_EQ(appraisal.entries().front().rule.stage, Stage::kAlgorithm);
}

TEST(DcapQuote, OfTheOtherTee) {
  Appraisal appraisal;
  EXPECT_EQ(read_quote(DcapTrial().platform.quote(), Tee::kSgx, {}, appraisal).error().reason,
            "dcap_tee_type");
}

TEST(DcapQuote, BodyDescriptor) {
  const auto with = [](std::size_t offset, std::uint8_t value) {
    DcapTrial trial = DcapTrial::td15();
    trial.platform.body_descriptor[offset] = value;
    return reason_of(trial.platform.quote());
  };
  EXPECT_EQ(with(0, 3), "");
  EXPECT_EQ(with(0, 4), "dcap_body_type");
  EXPECT_EQ(with(0, 1), "dcap_body_type");  // an enclave's body in a TDX quote
  EXPECT_EQ(with(0, 2), "dcap_body_type");  // its size is another
  EXPECT_EQ(with(2, 0x89), "dcap_body_type");
  DcapTrial enclave(5, Tee::kSgx, BodyType::kSgx);  // right but for the TEE
  enclave.platform.header[4] = 0x81;
  EXPECT_EQ(reason_of(enclave.platform.quote()), "dcap_body_type");
}

TEST(DcapQuote, CertificationData) {
  DcapTrial outer;
  outer.platform.outer_certification = 5;
  EXPECT_EQ(reason_of(outer.platform.quote()), "dcap_certification_type");
  for (const int type : {1, 2, 3, 4, 6, 7}) {
    DcapTrial inner;
    inner.platform.certification = static_cast<std::uint16_t>(type);
    EXPECT_EQ(inner.failures(), Reasons{"dcap_certification_type"}) << type;
    EXPECT_EQ(parse_quote(inner.platform.quote())->certification_type, type);
  }
}

TEST(DcapQuote, LengthsMustAddUp) {
  const Bytes good = DcapTrial().platform.quote();
  constexpr std::size_t kSignatureData = 48 + 584;  // length field
  constexpr std::size_t kOuterSize = kSignatureData + 4 + 128 + 2;
  constexpr std::size_t kAuthenticationSize = kOuterSize + 4 + 384 + 64;
  constexpr std::size_t kInnerSize = kAuthenticationSize + 2 + 32 + 2;
  for (const std::size_t offset : {kOuterSize, kAuthenticationSize, kInnerSize}) {
    for (const int step : {-1, 1}) {
      Bytes bad = good;
      bad[offset] = static_cast<std::uint8_t>(bad[offset] + step);
      const std::string reason = reason_of(bad);
      EXPECT_TRUE(reason == "dcap_signature_data" || reason == "dcap_certification_type")
          << offset << " " << reason;
    }
  }
  Bytes behind = good;  // a byte of the signature data that no part holds
  behind.push_back(0);
  behind[kSignatureData] = static_cast<std::uint8_t>(behind[kSignatureData] + 1);
  ASSERT_NE(behind[kSignatureData], 0);
  EXPECT_EQ(reason_of(behind), "dcap_signature_data");
  Bytes shorter = good;
  shorter[kSignatureData] = static_cast<std::uint8_t>(shorter[kSignatureData] - 1);
  EXPECT_EQ(reason_of(shorter), "dcap_signature_data");
}

TEST(DcapQuote, AuthenticationDataLimit) {
  DcapTrial trial;
  trial.platform.qe_authentication = Bytes(kQeAuthenticationBytesMax);
  EXPECT_EQ(trial.failures(), Reasons());
  trial.platform.qe_authentication.push_back(0);
  EXPECT_EQ(trial.failures(), Reasons{"dcap_signature_data"});
}

TEST(DcapQuote, ReservedBytesAreZero) {
  for (const std::size_t offset : {20U, 31U, 96U, 160U, 262U, 303U}) {
    DcapTrial enclave = DcapTrial::sgx();
    enclave.platform.body[offset] = 1;
    EXPECT_EQ(enclave.failures(), Reasons{"dcap_reserved_not_zero"}) << offset;
    DcapTrial qe;
    qe.platform.qe_report[offset] = 1;
    EXPECT_EQ(qe.failures(), Reasons{"dcap_reserved_not_zero"}) << offset;
  }
}

TEST(DcapQuote, UnsignedBytesBehindTheQuote) {
  DcapTrial trial;
  trial.platform.trailing = Bytes(70);
  EXPECT_EQ(trial.failures(), Reasons());
  EXPECT_EQ(parse_quote(trial.platform.quote())->trailing_bytes, 70U);
  trial.platform.trailing[69] = 1;
  EXPECT_EQ(trial.failures(), Reasons{"dcap_trailing_bytes"});
  trial.floor().allow_trailing_bytes = true;
  EXPECT_EQ(trial.failures(), Reasons());
}

TEST(DcapQuote, EveryEndOfTheChainIsRead) {
  for (const std::string& end :
       {std::string("\n\0", 2), std::string("\n"), std::string(), std::string("\0", 1)}) {
    DcapTrial trial = DcapTrial::sgx();
    trial.platform.chain_end = end;
    EXPECT_EQ(trial.failures(), Reasons());
  }
  for (const std::string& end :
       {std::string("\n\n"), std::string("\0\0", 2), std::string("x"), std::string(" ")}) {
    DcapTrial trial = DcapTrial::sgx();
    trial.platform.chain_end = end;
    EXPECT_EQ(trial.failures(), Reasons{"dcap_chain_malformed"});
  }
}

}  // namespace
}  // namespace apm::attestation::dcap
