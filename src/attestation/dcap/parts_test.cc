// The small readers: DER, PEM lists, slices of JSON, forms of collateral.

#include <gtest/gtest.h>

#include "attestation/dcap/der_reader.h"
#include "attestation/dcap/json_slice.h"
#include "attestation/dcap/pem_chain.h"
#include "attestation/testing/synthetic_intel.h"

namespace apm::attestation::dcap {
namespace {

using testing::SyntheticIntel;

TEST(DcapDer, OnlyTheShortestForms) {
  const auto number = [](const Bytes& der, std::uint64_t max) -> std::optional<std::uint64_t> {
    DerReader reader(der);
    const std::uint64_t value = reader.take_unsigned(kDerInteger, max);
    return reader.finish() ? std::optional(value) : std::nullopt;
  };
  EXPECT_EQ(number({2, 1, 0x7f}, 255), 0x7fU);
  EXPECT_EQ(number({2, 2, 0, 0x80}, 255), 0x80U);
  EXPECT_EQ(number({2, 2, 1, 0}, 0xffff), 0x100U);
  EXPECT_FALSE(number({2, 1, 0x80}, 255));        // negative
  EXPECT_FALSE(number({2, 2, 0, 0x7f}, 255));     // padded
  EXPECT_FALSE(number({2, 2, 1, 0}, 255));        // too large
  EXPECT_FALSE(number({2, 0}, 255));              // empty
  EXPECT_FALSE(number({2, 0x81, 1, 1}, 255));     // long length for a short value
  EXPECT_FALSE(number({2, 0x80, 1, 0, 0}, 255));  // indefinite
  EXPECT_FALSE(number({2, 1, 1, 0}, 255));        // something behind
  EXPECT_FALSE(number({2, 2, 1}, 255));           // cut off
  EXPECT_FALSE(number({4, 1, 1}, 255));           // another tag
  EXPECT_FALSE(number({2, 0x82, 0, 1, 1}, 255));
  EXPECT_FALSE(number({2, 0x83, 0, 0, 1, 1}, 255));  // more bytes of length than anything needs
  EXPECT_FALSE(number({2}, 255));                    // no length
  EXPECT_FALSE(number({2, 0x82, 1}, 255));           // half a length
  EXPECT_FALSE(number({}, 255));
  EXPECT_FALSE(number({2, 9, 1, 0, 0, 0, 0, 0, 0, 0, 0}, ~std::uint64_t{0}));
}

TEST(DcapDer, LengthsOfOneTwoAndThreeBytes) {
  const auto octets = [](std::initializer_list<std::uint8_t> length, std::size_t size) {
    Bytes der{kDerOctetString};
    der.insert(der.end(), length.begin(), length.end());
    der.resize(der.size() + size, 0x5a);
    DerReader reader(der);
    const ByteView content = reader.take(kDerOctetString);
    return reader.finish() && content.size() == size;
  };
  EXPECT_TRUE(octets({0x7f}, 0x7f));
  EXPECT_TRUE(octets({0x81, 0x80}, 0x80));
  EXPECT_TRUE(octets({0x81, 0xff}, 0xff));
  EXPECT_TRUE(octets({0x82, 0x01, 0x00}, 0x100));
  EXPECT_FALSE(octets({0x81, 0x7f}, 0x7f));
  EXPECT_FALSE(octets({0x82, 0x00, 0xff}, 0xff));
  EXPECT_FALSE(octets({0x83, 0x00, 0x01, 0x00}, 0x100));
}

TEST(DcapDer, AfterAFaultNothingIsRead) {
  const Bytes der{2, 1, 1};
  DerReader reader(der);
  EXPECT_TRUE(reader.more());
  EXPECT_FALSE(reader.finish());
  EXPECT_TRUE(reader.take(kDerOctetString).empty());
  EXPECT_FALSE(reader.ok());
  EXPECT_FALSE(reader.more());
  EXPECT_FALSE(reader.finish());
  EXPECT_TRUE(reader.take(kDerInteger).empty());
}

TEST(DcapPem, OnlyTheCanonicalForm) {
  SyntheticIntel platform(3, Tee::kSgx, BodyType::kSgx);
  const std::string one = platform.certificates().leaf.pem();
  ASSERT_TRUE(read_pem_chain(one + one).ok());
  EXPECT_EQ(read_pem_chain(one + one)->size(), 2U);
  std::string windows;
  for (const char c : one) windows += c == '\n' ? std::string("\r\n") : std::string(1, c);
  EXPECT_TRUE(read_pem_chain(windows).ok());
  const auto changed = [&](std::string_view from, std::string_view to) {
    std::string text = one;
    SyntheticIntel::replace(text, from, to);
    return read_pem_chain(text).ok();
  };
  EXPECT_FALSE(changed("-----BEGIN", "text\n-----BEGIN"));
  EXPECT_FALSE(changed("BEGIN CERTIFICATE", "BEGIN TRUSTED CERTIFICATE"));
  EXPECT_FALSE(changed("\n-----END", "-----END"));
  EXPECT_FALSE(changed("\n-----END", "\n\n-----END"));
  EXPECT_FALSE(changed("MII", "M II"));
  EXPECT_FALSE(changed("MII", "M\nII"));
  std::string narrow = one;  // one line in the middle made two
  narrow.insert(28 + 65 + 10, "\n");
  EXPECT_FALSE(read_pem_chain(narrow).ok());
  EXPECT_FALSE(read_pem_chain(one + "\n" + one).ok());
  EXPECT_FALSE(read_pem_chain("").ok());
  EXPECT_FALSE(read_pem_chain("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----").ok());
  EXPECT_EQ(read_pem_chain("x").error().reason, "dcap_chain_malformed");
}

// The length of the outermost sequence in one octet more than it needs.
TEST(DcapPem, CertificatesAreDer) {
  SyntheticIntel platform(3, Tee::kSgx, BodyType::kSgx);
  Bytes der = platform.certificates().leaf.der();
  ASSERT_EQ(der[1], 0x82);
  const auto pem = [](const Bytes& certificate) {
    std::string out = "-----BEGIN CERTIFICATE-----\n";
    const std::string text = base64_encode(certificate);
    for (std::size_t at = 0; at < text.size(); at += 64) out += text.substr(at, 64) + "\n";
    return out + "-----END CERTIFICATE-----";
  };
  EXPECT_TRUE(read_pem_chain(pem(der)).ok());
  der[1] = 0x83;
  der.insert(der.begin() + 2, 0);
  EXPECT_EQ(read_pem_chain(pem(der)).error().reason, "dcap_chain_malformed");
}

TEST(DcapJsonSlice, IsTheExactText) {
  const auto slice = [](std::string_view text, std::string_view name = "a") {
    const auto found = member_slice(text, name);
    return found.ok() ? std::string(*found) : "error " + found.error().reason;
  };
  EXPECT_EQ(slice(R"({"a":1})"), "1");
  EXPECT_EQ(slice("{ \"b\" : [1,2] , \"a\" :\t{ \"x\" : \"}\\\"]\" } \n}"), R"({ "x" : "}\"]" })");
  EXPECT_EQ(slice(R"({"x":{"a":1},"a":"two"})"), R"("two")");
  EXPECT_EQ(slice(R"({"x":"\\","a":[{"a":3}],"z":0})"), R"([{"a":3}])");
  EXPECT_EQ(slice(R"({"a":null})"), "null");
  EXPECT_EQ(slice(R"({"b":1})"), "error json_member");
  EXPECT_EQ(slice(R"([{"a":1}])"), "error json_member");
  EXPECT_EQ(slice("{\"\\u0061\":1}"), "error json_member");
  EXPECT_EQ(slice("{\"\\u0062\":1,\"a\":2}"), "error json_member");
  EXPECT_EQ(slice(R"({"a":1,"a":2})"), "error invalid_json");
  EXPECT_EQ(slice(R"({"a":1}x)"), "error invalid_json");
  EXPECT_EQ(slice(R"({"a":1)"), "error invalid_json");
}

TEST(DcapCollateralForms, FilesKeepTheSignedText) {
  const std::string signature(128, 'a');
  CollateralFiles files{
      .tcb_info = R"({ "tcbInfo": {"id" : "TDX"}, "signature":")" + signature + "\"}",
      .tcb_info_chain_pem = "chain\n",
      .qe_identity = R"({"signature":")" + signature + R"(","enclaveIdentity":{"id":"QE" }})",
      .qe_identity_chain_pem = {},
      .pck_crl = {1},
      .root_crl = {2}};
  const auto read = collateral_from_files(files);
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->tcb_info.body, R"({"id" : "TDX"})");
  EXPECT_EQ(read->tcb_info.signature, Bytes(64, 0xaa));
  EXPECT_EQ(read->tcb_info.chain_pem, "chain");
  EXPECT_EQ(read->qe_identity.body, R"({"id":"QE" })");
  for (const char* bad : {"{}", "x", R"({"tcbInfo":{}})", R"({"tcbInfo":{},"signature":"xy"})",
                          R"({"tcbInfo":{},"signature":1})"}) {
    files.tcb_info = bad;
    EXPECT_EQ(collateral_from_files(files).error().reason, "dcap_collateral_malformed") << bad;
  }
  files.tcb_info = "";
  EXPECT_TRUE(collateral_from_files(files)->tcb_info.body.empty());
}

TEST(DcapCollateralForms, OneObject) {
  const auto read = collateral_from_json(
      R"({"tcb_info":"{\"id\":1}","tcb_info_signature":"00ff","tcb_info_issuer_chain":"c\n",)"
      R"("pck_crl":"30","root_ca_crl":"31","other":{}})");
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->tcb_info.body, R"({"id":1})");
  EXPECT_EQ(read->tcb_info.signature, (Bytes{0x00, 0xff}));
  EXPECT_EQ(read->pck_crl, Bytes{0x30});
  EXPECT_EQ(read->root_crl, Bytes{0x31});
  EXPECT_TRUE(read->qe_identity.body.empty());
  for (const char* bad : {"", "[]", R"({"pck_crl":"3"})", R"({"pck_crl":1})", R"({"tcb_info":{}})",
                          R"({"tcb_info":"a","tcb_info":"b"})"}) {
    EXPECT_EQ(collateral_from_json(bad).error().reason, "dcap_collateral_malformed") << bad;
  }
}

}  // namespace
}  // namespace apm::attestation::dcap
