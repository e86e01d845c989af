// Logins with evidence of every family: the binding in the family's own field, the key that the
// answer is sealed to, and what is refused when either is another's. Challenge to opened answer,
// through the method.

#include <gtest/gtest.h>

#include "auth/apm/testing/login_fixture.h"

namespace apm::auth_apm {
namespace {

using logical::Operation;
using testing::azure_login;
using testing::azure_tdx_login;
using testing::become_tdx;
using testing::caller;
using testing::DcapTrial;
using testing::Direct;
using testing::direct_families;
using testing::enclave;
using testing::Login;
using testing::machine;
using testing::must;
using testing::nitro_evidence;
using testing::Signed;
using testing::signed_for;
using testing::spki_of;
using testing::SyntheticEnclave;

class FamilyLogin : public testing::LoginTest {
 protected:
  // A login whose hardware signs something else than the binding.
  json::Object with(const Direct& family, const std::function<void(Signed&)>& edit) {
    be_at(family.now);
    const json::Value asked = challenge();
    const Bytes key = spki_of(caller());
    Signed data = signed_for(attestation::login_binding(testing::asked(asked, key)), key);
    edit(data);
    json::Object body = family.evidence(data);
    body.set("nonce", *asked.string_at("nonce"));
    body.set("caller_key", base64_encode(key));
    return body;
  }
};

TEST_F(FamilyLogin, EndToEndAndARevocationActsAtOnce) {
  for (const testing::FamilyLogin& family : testing::family_logins()) {
    const Login login = good(family);
    const auto response = call("login", login.body);
    ASSERT_TRUE(response.ok()) << family.name << ": " << response.error().reason << ": "
                               << response.error().message;
    const json::Value opened = open_sealed(json::Value(*response->data), login);
    EXPECT_EQ(*opened.string_at("client_token"), "the token");
    EXPECT_EQ(*opened.string_at("enclave_id"), issued_to_.enclave_id);
    EXPECT_EQ(issued_to_.family, family.name);
    EXPECT_EQ(issued_to_.enclave_id.size(), 64U);

    json::Object grant{{"enclave", issued_to_.enclave_id}, {"secret", "dek"}};
    if (!issued_to_.signer_id.empty()) grant.set("signer", issued_to_.signer_id);
    EXPECT_FALSE(method_->authorises(issued_to_, Operation::kRead, "anjuna/dek")) << family.name;
    ASSERT_TRUE(call("authorizations/enclave", grant).ok()) << family.name;
    EXPECT_TRUE(method_->authorises(issued_to_, Operation::kRead, "anjuna/dek")) << family.name;
    ASSERT_TRUE(call("authorizations/revoke", grant).ok()) << family.name;
    EXPECT_FALSE(method_->authorises(issued_to_, Operation::kRead, "anjuna/dek")) << family.name;
  }
}

TEST_F(FamilyLogin, EvidenceForAnotherChallengeOrKeyIsRefused) {
  const Bytes other = spki_of(must(crypto::PrivateKey::generate_rsa(2048)));
  for (const Direct& family : direct_families()) {
    json::Object mixed = good(family).body;
    mixed.set("nonce", *challenge().string_at("nonce"));
    EXPECT_EQ(reason(mixed), family.unbound) << family.name;

    json::Object stolen = good(family).body;  // the relay's own key beside somebody's evidence
    stolen.set("caller_key", base64_encode(other));
    EXPECT_EQ(reason(stolen), family.name == "aws-nitro" ? "nitro_public_key" : family.unbound)
        << family.name;
  }
}

TEST_F(FamilyLogin, ANonceIsUsedOnce) {
  for (const testing::FamilyLogin& family : testing::family_logins()) {
    const json::Object used = good(family).body;
    EXPECT_EQ(reason(used), "accepted") << family.name;
    EXPECT_EQ(reason(used), "nonce_used") << family.name;
  }
}

TEST_F(FamilyLogin, ReportDataIsTheBindingAndZeros) {
  for (const Direct& family : direct_families()) {
    if (family.name == "aws-nitro") continue;
    for (const std::size_t at :
         {std::size_t{0}, std::size_t{31}, std::size_t{32}, std::size_t{63}}) {
      EXPECT_EQ(reason(with(family, [at](Signed& data) { data.report_data[at] ^= 1; })),
                family.unbound)
          << family.name << " byte " << at;
    }
  }
}

TEST_F(FamilyLogin, ANitroDocumentNamesTheCallersKey) {
  const Direct nitro = direct_families().back();
  EXPECT_EQ(reason(with(nitro, [](Signed& data) { data.public_key.back() ^= 1; })),
            "nitro_public_key");
  EXPECT_EQ(reason(with(nitro, [](Signed& data) { data.nonce.push_back(0); })), "nitro_nonce");
}

TEST_F(FamilyLogin, ADebugEnclaveIsRefused) {
  be_at(SyntheticEnclave::kMadeAt + 2);
  const json::Value asked = challenge();
  const Bytes key = spki_of(caller());
  const Signed data = signed_for(attestation::login_binding(testing::asked(asked, key)), key);
  static_cast<void>(nitro_evidence(data));  // sets the fields
  for (auto& [index, value] : enclave().pcrs) std::ranges::fill(value, std::uint8_t{0});
  EXPECT_EQ(reason({{"family", "aws-nitro"},
                    {"document", base64_encode(enclave().document())},
                    {"nonce", *asked.string_at("nonce")},
                    {"caller_key", base64_encode(key)}}),
            "nitro_debug");
}

TEST_F(FamilyLogin, MissingCollateralIsRefusedByName) {
  const auto without = [this](const testing::FamilyLogin& family) {
    json::Object bare = good(family).body;
    bare.erase("collateral");
    bare.erase("vcek_chain");
    return reason(bare);
  };
  for (const testing::FamilyLogin& family : testing::family_logins()) {
    const bool amd = family.name == "snp" || family.name == "azure-snp-vtpm";
    const bool none = family.name == "aws-nitro";  // a document brings its chain
    EXPECT_EQ(without(family), none  ? "accepted"
                               : amd ? "snp_chain_missing"
                                     : "dcap_collateral_missing")
        << family.name;
  }
}

// Genuine hardware that its host can look into, answering the challenge with the right collateral:
// nothing else is wrong, and no setting of the configuration lets it pass (config_test.cc).
TEST_F(FamilyLogin, DebuggingIsRefusedByEachFamilysOwnReason) {
  using testing::edited_snp_evidence;
  using testing::intel_evidence;
  struct Case {
    const char* family;
    std::int64_t now;
    std::function<json::Object(const Signed&)> evidence;
    const char* rule;
  };
  const auto quote = [](DcapTrial trial, std::size_t at, std::uint8_t bit) {
    return [trial, at, bit](const Signed& data) {
      DcapTrial debugged = trial;
      debugged.platform.body[at] |= bit;
      return intel_evidence(std::move(debugged), data);
    };
  };
  const Case cases[] = {
      {"snp", attestation::testing::kNow,
       [](const Signed& data) {
         return edited_snp_evidence(data, [](Bytes& report) { report[0x008 + 2] |= 1U << 3; });
       },
       "snp_debug_allowed"},  // POLICY bit 19
      {"sgx", attestation::testing::kIntelNow, quote(DcapTrial::sgx(), 48, 2), "sgx_debug"},
      {"tdx", attestation::testing::kIntelNow, quote(DcapTrial(), 120, 1), "tdx_debug"},
      {"tdx 1.5", attestation::testing::kIntelNow, quote(DcapTrial::td15(), 120, 1), "tdx_debug"}};
  for (const Case& c : cases) {
    const Direct family{c.family, c.now, c.evidence, ""};
    const json::Object body = good(family).body;
    EXPECT_EQ(reason(body), c.rule) << c.family;
    EXPECT_EQ(failed_rules(), std::vector<std::string>{c.rule}) << c.family;
  }
}

// A day after the documents' own end; the hardware's signature and certificates are still good.
TEST_F(FamilyLogin, StaleCollateralIsRefused) {
  constexpr std::int64_t kPast = attestation::testing::kIntelNow + attestation::testing::kIntelDay;
  for (testing::FamilyLogin family : testing::family_logins()) {
    if (family.name != "sgx" && family.name != "tdx" && family.name != "azure-tdx-vtpm") continue;
    family.now = kPast - 1;
    EXPECT_EQ(reason(good(family).body), "accepted") << family.name;
    family.now = kPast + 1;
    EXPECT_EQ(reason(good(family).body), "dcap_tcb_info_expired") << family.name;
  }
}

// What a production server has: the vendors' roots and no other. See boot/config for who may name
// others.
TEST_F(FamilyLogin, RootsThatNobodyNamedAreNotTrusted) {
  needs_.anchors =
      std::make_shared<attestation::snp::Anchors>(must(attestation::snp::Anchors::vendor()));
  needs_.intel_anchors = nullptr;
  needs_.aws_anchors = nullptr;
  open();
  for (const testing::FamilyLogin& family : testing::family_logins()) {
    const bool amd = family.name == "snp" || family.name == "azure-snp-vtpm";
    EXPECT_EQ(reason(good(family).body), amd                          ? "snp_root_not_pinned"
                                         : family.name == "aws-nitro" ? "nitro_root_not_pinned"
                                                                      : "dcap_root_not_pinned")
        << family.name;
  }
}

TEST_F(FamilyLogin, WhatNoVerifierLooksAtIsRefused) {
  for (const testing::FamilyLogin& family : testing::family_logins()) {
    json::Object more = good(family).body;
    more.set("report_data", "AA==");
    EXPECT_EQ(reason(more), "login_malformed") << family.name;
    json::Object at = good(family).body;  // a file's clock: a login's is the server's own
    at.set("at", family.now);
    EXPECT_EQ(reason(at), "login_malformed") << family.name;
  }
  for (const char* part : {"quote", "key_certify"}) {
    json::Object deep = good(testing::family_logins().front()).body;
    deep.find(part)->as_object()->set("alg", "none");
    EXPECT_EQ(reason(deep), "login_malformed") << part;
  }
  json::Object other_key = good(testing::family_logins().front()).body;
  other_key.set("caller_key", base64_encode(spki_of(caller())));  // the TPM certifies another
  EXPECT_EQ(reason(other_key), "login_malformed");
}

TEST_F(FamilyLogin, EvidenceIsOfTheFamilyThatItSays) {
  be_at(attestation::testing::kNow);
  json::Object snp_as_tdx = testing::azure_snp_login(challenge()).body;
  snp_as_tdx.set("family", "azure-tdx-vtpm");
  EXPECT_EQ(reason(snp_as_tdx), "family_mismatch");
  be_at(attestation::testing::kIntelNow);
  json::Object tdx_as_sgx = good(direct_families()[2]).body;
  tdx_as_sgx.set("family", "sgx");
  EXPECT_EQ(reason(tdx_as_sgx), "dcap_tee_type");
}

// The TD quote must be of the very TDREPORT that vouches for the vTPM.
TEST_F(FamilyLogin, AnAzureTdQuoteOfAnotherMachine) {
  be_at(attestation::testing::kIntelNow);
  json::Object foreign = azure_tdx_login(challenge()).body;
  foreign.set("td_quote", base64_encode(DcapTrial().platform.quote()));
  EXPECT_EQ(reason(foreign), "azure_td_report_data");
  json::Object bare = azure_tdx_login(challenge()).body;
  bare.erase("td_quote");
  EXPECT_EQ(reason(bare), "azure_td_quote_missing");
  json::Object mixed = azure_tdx_login(challenge()).body;
  mixed.set("nonce", *challenge().string_at("nonce"));
  EXPECT_EQ(reason(mixed), "tpm_extra_data");
  DcapTrial debug = (become_tdx(), testing::td_of_machine());
  debug.platform.body[120] |= 1;  // TDATTRIBUTES.DEBUG
  json::Object debugged = azure_tdx_login(challenge()).body;
  debugged.set("td_quote", base64_encode(debug.platform.quote()));
  EXPECT_EQ(reason(debugged), "tdx_debug");
}

// Whose hardware it is, in the words of every family.
TEST_F(FamilyLogin, AnAzureTdMachineIsIntelsInItsClaims) {
  be_at(attestation::testing::kIntelNow);
  ASSERT_EQ(reason(azure_tdx_login(challenge()).body), "accepted");
  const json::Value claims(issued_to_.facts);
  EXPECT_EQ(*claims.at("oemid")->as_int(), 343);
  EXPECT_EQ(*claims.string_at("hwmodel"), base64url_encode(as_bytes("Intel TDX")));
  EXPECT_EQ(*claims.string_at("dbgstat"), "disabled-since-boot");
  EXPECT_EQ(must(base64url_decode(*claims.string_at("eat_nonce"))).size(), 32U) << "the quote's";
  EXPECT_EQ(issued_to_.trust_anchor, "test");
}

TEST_F(FamilyLogin, TheCallersKeyIsRsaOfAUsualSize) {
  const Direct family = direct_families().front();
  const auto rsa = [](std::size_t bits) {  // a key that nobody holds
    Bytes modulus(bits / 8, 0xc5);
    return must(crypto::PublicKey::from_rsa(modulus, Bytes{1, 0, 1})).spki_der();
  };
  const auto reason_of = [&](const Bytes& key) {
    json::Object data = good(family).body;
    data.set("caller_key", base64_encode(key));
    return reason(data);
  };
  for (const std::size_t bits : {std::size_t{2048}, std::size_t{4096}}) {
    EXPECT_EQ(reason_of(rsa(bits)), "snp_report_data") << bits << ": only the binding is wrong";
  }
  for (const std::size_t bits : {std::size_t{1024}, std::size_t{2040}, std::size_t{4104}}) {
    EXPECT_EQ(reason_of(rsa(bits)), "login_malformed") << bits;
  }
  const Bytes curve = spki_of(must(crypto::PrivateKey::generate_ec(crypto::Curve::kP256)));
  for (const Bytes& key : {curve, Bytes{0x30, 0}, Bytes{}}) {
    EXPECT_EQ(reason_of(key), "login_malformed") << key.size();
  }
  json::Object none = good(family).body;
  none.erase("caller_key");
  EXPECT_EQ(reason(none), "login_malformed");
}

}  // namespace
}  // namespace apm::auth_apm
