// Logins with a token of Azure Attestation: who may vouch, what the token must carry, and whom the
// answer is sealed to. Challenge to opened answer, through the method.

#include <gtest/gtest.h>

#include "attestation/identity.h"
#include "attestation/testing/synthetic_maa.h"
#include "auth/apm/testing/login_fixture.h"
#include "crypto/digest.h"

namespace apm::auth_apm {
namespace {

using attestation::testing::SyntheticMaa;
using logical::Operation;
using testing::Login;
using testing::must;
using testing::spki_of;

using Edit = std::function<void(json::Object& payload)>;

class MaaLogin : public testing::LoginTest {
 protected:
  static constexpr std::int64_t kNow = SyntheticMaa::kIssuedAt + 2;

  void SetUp() override {
    needs_.maa_providers = {pinned()};
    LoginTest::SetUp();
    be_at(kNow);
  }
  static MaaProvider pinned() {
    return {std::string(SyntheticMaa::kIssuer),
            {hex_encode(crypto::sha256(certificate().der()))},
            {std::string(SyntheticMaa::kPolicyHash)}};
  }
  static const SyntheticMaa& provider() {
    static const SyntheticMaa made;
    return made;
  }
  static const crypto::Certificate& certificate() {
    static const crypto::Certificate made = provider().certificate();
    return made;
  }

  static json::Object pcr_values(std::initializer_list<unsigned> indexes) {
    json::Object out;
    for (const unsigned i : indexes) {
      out.set("pcr" + std::to_string(i), base64_encode(Bytes(32, static_cast<std::uint8_t>(i))));
    }
    return out;
  }
  static json::Object& runtime(json::Object& payload) {
    return *payload.find("x-ms-runtime")->as_object();
  }
  static void set_nonce(json::Object& payload, const std::string& text) {
    runtime(payload).set("client-payload", json::Object{{"nonce", base64_encode(as_bytes(text))}});
  }
  // All that a token must have, for one challenge and the TPM's key.
  static json::Object payload_for(const Bytes& binding) {
    json::Object out = provider().azure_vm(SyntheticMaa::add_snp);
    out.set("x-ms-azurevm-attested-pcr-values",
            pcr_values({0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14}));
    set_nonce(out, hex_encode(binding));
    return out;
  }

  Login login(const Edit& edit = {}, const SyntheticMaa& signer = provider()) {
    return login_for(challenge(), edit, signer);
  }
  static Login login_for(const json::Value& asked, const Edit& edit = {},
                         const SyntheticMaa& signer = provider()) {
    const Bytes key = provider().tpm_key().spki_der();
    const Bytes binding = attestation::login_binding(testing::asked(asked, key));
    json::Object payload = payload_for(binding);
    if (edit) edit(payload);
    return {{{"family", "maa"},
             {"nonce", *asked.string_at("nonce")},
             {"caller_key", base64_encode(key)},
             {"token", signer.token(std::move(payload))},
             {"jwks", &signer == &provider() ? provider().key_set_text(certificate())
                                             : signer.key_set_text()}},
            binding,
            &provider().tpm_private_key()};
  }
  std::string verdict(const Edit& edit) { return reason(login(edit).body); }
  void configure(json::Object change) { ASSERT_TRUE(call("config", std::move(change)).ok()); }
};

TEST_F(MaaLogin, EndToEnd) {
  const Login made = login();
  const auto response = call("login", made.body);
  ASSERT_TRUE(response.ok()) << response.error().reason << ": " << response.error().message;
  const json::Value opened = open_sealed(json::Value(*response->data), made);
  EXPECT_EQ(*opened.string_at("client_token"), "the token");
  attestation::tpm::PcrValues pcrs;
  for (const unsigned i : {4U, 7U, 8U, 9U, 11U, 12U, 13U, 14U}) {
    pcrs[i] = Bytes(32, static_cast<std::uint8_t>(i));
  }
  EXPECT_EQ(issued_to_.enclave_id, must(attestation::azure_vtpm_enclave_id(pcrs)));
  EXPECT_EQ(*opened.string_at("enclave_id"), issued_to_.enclave_id);
  EXPECT_EQ(issued_to_.signer_id, "") << "an Azure VM's ID key is Microsoft's";
  EXPECT_EQ(issued_to_.family, "maa");
  EXPECT_EQ(issued_to_.trust_anchor, SyntheticMaa::kIssuer);

  const json::Object grant{{"enclave", issued_to_.enclave_id}, {"secret", "dek"}};
  EXPECT_FALSE(method_->authorises(issued_to_, Operation::kRead, "anjuna/dek"));
  ASSERT_TRUE(call("authorizations/enclave", grant).ok());
  EXPECT_TRUE(method_->authorises(issued_to_, Operation::kRead, "anjuna/dek"));
}

TEST_F(MaaLogin, IsRefusedWhereTheServersFileNamesNoProvider) {
  needs_.maa_providers.clear();
  open();
  configure({{"maa_issuers", SyntheticMaa::kIssuer},  // the API names nobody who may vouch
             {"maa_policy_hashes", SyntheticMaa::kPolicyHash}});
  EXPECT_EQ(reason(login().body), "maa_login_unsupported");
}

TEST_F(MaaLogin, OnlyTheFilesProvidersCount) {
  constexpr const char* kOther = "https://other.eus2.attest.azure.net";
  configure({{"maa_issuers", kOther}, {"maa_policy_hashes", SyntheticMaa::kPolicyHash}});
  EXPECT_EQ(verdict([](json::Object& payload) { payload.set("iss", kOther); }), "maa_issuer");
  EXPECT_EQ(verdict({}), "accepted") << "whatever the API's list says";
}

// All providers of a region sign with one key, and whoever owns one writes its policy.
TEST_F(MaaLogin, AnotherPolicyIsRefused) {
  const std::string other = base64url_encode(Bytes(32, 1));
  configure({{"maa_policy_hashes", other}});
  EXPECT_EQ(verdict([&](json::Object& payload) { payload.set("x-ms-policy-hash", other); }),
            "maa_policy_hash");
}

TEST_F(MaaLogin, TheKeySetIsWorthThePinnedCertificates) {
  const SyntheticMaa stranger = SyntheticMaa::stranger();
  EXPECT_EQ(reason(login({}, stranger).body), "maa_key_not_pinned");
  json::Object mixed = login({}, stranger).body;  // the stranger's signature under the pinned key
  mixed.set("jwks", provider().key_set_text(certificate()));
  EXPECT_EQ(reason(mixed), "maa_signature");
  json::Object none = login().body;
  none.set("jwks", R"({"keys":[]})");
  EXPECT_EQ(reason(none), "maa_kid_unknown");
  none.set("jwks", "{}");
  EXPECT_EQ(reason(none), "maa_jwks_malformed");
  none.erase("jwks");
  EXPECT_EQ(reason(none), "login_malformed");
}

TEST_F(MaaLogin, CarriesTheBindingAsHexadecimalText) {
  const json::Value asked = challenge();
  const Bytes key = provider().tpm_key().spki_der();
  const Bytes binding = attestation::login_binding(testing::asked(asked, key));
  const std::string hex = hex_encode(binding);
  std::string upper = hex;
  for (char& c : upper) c = static_cast<char>(std::toupper(c));
  const std::string raw(as_text(binding));
  for (const std::string& text : {std::string(), raw, upper, hex.substr(0, 63), hex + "0",
                                  hex + std::string(1, '\0'), hex_encode(Bytes(32))}) {
    const Edit edit = [&](json::Object& payload) { set_nonce(payload, text); };
    EXPECT_EQ(reason(login_for(asked, edit).body), "maa_nonce") << text;
  }
  const Edit absent = [](json::Object& payload) { runtime(payload).erase("client-payload"); };
  EXPECT_EQ(reason(login_for(asked, absent).body), "maa_nonce");
  EXPECT_EQ(reason(login_for(asked).body), "accepted");
}

TEST_F(MaaLogin, ATokenForAnotherChallengeServerOrKeyIsRefused) {
  json::Object body = login().body;
  body.set("nonce", *challenge().string_at("nonce"));
  EXPECT_EQ(reason(body), "maa_nonce");

  json::Object stolen = login().body;  // the relay's own key beside somebody's token
  stolen.set("caller_key", base64_encode(spki_of(testing::caller())));
  EXPECT_EQ(reason(stolen), "maa_nonce");

  const json::Object here = login().body;
  needs_.server_key_sha256 = [] { return Result<Bytes>(Bytes(32, 0x11)); };
  open();
  json::Object elsewhere = here;
  elsewhere.set("nonce", *challenge().string_at("nonce"));
  EXPECT_EQ(reason(elsewhere), "maa_nonce");
  EXPECT_EQ(reason(here), "nonce_invalid") << "another server's challenge";
}

// The nonce is not signed by hardware: it says which key the caller means, and the token's own word
// says which key the machine has.
TEST_F(MaaLogin, AKeyThatTheTokenDoesNotNameIsRefused) {
  const json::Value asked = challenge();
  const Bytes own = spki_of(testing::caller());
  const std::string nonce = hex_encode(attestation::login_binding(testing::asked(asked, own)));
  json::Object body =
      login_for(asked, [&](json::Object& payload) { set_nonce(payload, nonce); }).body;
  body.set("caller_key", base64_encode(own));
  EXPECT_EQ(reason(body), "maa_caller_key");
}

TEST_F(MaaLogin, ATokenWithoutATpmKeyIsRefused) {
  EXPECT_EQ(verdict([](json::Object& payload) { runtime(payload).erase("keys"); }),
            "maa_sealing_key");
  for (const auto add : {SyntheticMaa::add_snp, SyntheticMaa::add_tdx, SyntheticMaa::add_sgx}) {
    const Edit other = [add](json::Object& payload) {
      const json::Value kept = *payload.find("x-ms-runtime");
      payload = SyntheticMaa::base();
      add(payload);
      payload.set("x-ms-runtime", kept);
    };
    EXPECT_EQ(verdict(other), "maa_sealing_key") << "only a guest's vTPM names one";
  }
}

TEST_F(MaaLogin, IsYoungWhateverTheConfigurationSays) {
  const auto issued_before = [](std::int64_t seconds) {
    return [seconds](json::Object& payload) {
      payload.set("iat", kNow - seconds);
      payload.set("nbf", kNow - seconds);
    };
  };
  EXPECT_EQ(verdict(issued_before(300)), "accepted");
  EXPECT_EQ(verdict(issued_before(301)), "maa_too_old");
  configure({{"maa_max_age_s", 3600}});
  EXPECT_EQ(verdict(issued_before(301)), "maa_too_old");
  configure({{"maa_max_age_s", 10}});
  EXPECT_EQ(verdict(issued_before(10)), "accepted");
  EXPECT_EQ(verdict(issued_before(11)), "maa_too_old");
}

TEST_F(MaaLogin, ARepeatGivesNothingNew) {
  const json::Object used = login().body;
  EXPECT_EQ(reason(used), "accepted");
  EXPECT_EQ(reason(used), "nonce_used");
}

// What today's service attests: PCR 0 to 7 at most.
TEST_F(MaaLogin, TooFewPcrsSayNothingOfTheImage) {
  const auto with = [](json::Object values) {
    return [values = std::move(values)](json::Object& payload) {
      payload.set("x-ms-azurevm-attested-pcr-values", values);
    };
  };
  EXPECT_EQ(verdict(with(pcr_values({0, 1, 2, 3, 4, 5, 6, 7}))), "bootloader_pcrs_not_quoted");
  EXPECT_EQ(verdict(with(pcr_values({4, 7, 8, 9, 11, 12, 13}))), "identity_pcr_missing");
  EXPECT_EQ(
      verdict([](json::Object& payload) { payload.erase("x-ms-azurevm-attested-pcr-values"); }),
      "identity_pcr_missing");
}

TEST_F(MaaLogin, FloorsHoldAsForAFile) {
  EXPECT_EQ(
      verdict([](json::Object& payload) { payload.set("x-ms-azurevm-kerneldebug-enabled", true); }),
      "maa_debug");
  EXPECT_EQ(verdict([](json::Object& payload) {
              payload.find("x-ms-isolation-tee")
                  ->as_object()
                  ->set("x-ms-compliance-status", "azure-signed-release");
            }),
            "maa_compliance");
  configure({{"maa_min_svn_snpfw", 6}});
  EXPECT_EQ(verdict({}), "maa_svn_too_old");
  configure({{"maa_min_svn_snpfw", 5}, {"allowed_families", "azure-snp-vtpm"}});
  EXPECT_EQ(verdict({}), "family_not_allowed");
}

// What an operator asked of machines binds whoever comes with a token too.
TEST_F(MaaLogin, IsRefusedWhereSettingsAskWhatATokenDoesNotProve) {
  const std::pair<const char*, json::Value> asked[] = {
      {"allowed_vm_ids", "00112233-4455-6677-8899-aabbccddeeff"},
      {"allowed_pcrs", "4:" + std::string(64, 'b')},
      {"require_secure_boot", true},
      {"require_crl", true},
      {"min_tcb_snp", 1},
      {"allowed_chips", std::string(128, 'a')},
      {"tdx_allowed_mrtds", std::string(96, 'a')}};
  for (const auto& [name, value] : asked) {
    configure({{name, value}});
    EXPECT_EQ(verdict({}), "maa_floor_unprovable") << name;
    const json::Value back = value.as_bool() != nullptr     ? json::Value(false)
                             : value.as_string() != nullptr ? json::Value("")
                                                            : json::Value(0);
    configure({{name, back}});
    EXPECT_EQ(verdict({}), "accepted") << name;
  }
  configure({{"sgx_allowed_mrenclaves", std::string(64, 'a')}, {"vmpl_max", 0}});
  EXPECT_EQ(verdict({}), "accepted") << "other hardware's";
}

TEST_F(MaaLogin, AnOperatorSeesThePinsInAFileOfEvidenceToo) {
  const SyntheticMaa stranger = SyntheticMaa::stranger();
  const auto file = [&](json::Object body) {
    body.erase("nonce");
    body.erase("caller_key");
    return json::Value(*must(call("explain", std::move(body))).data);
  };
  const json::Value good = file(login().body);
  EXPECT_EQ(*good.string_at("verdict"), "accept");
  EXPECT_TRUE(*good.at("login_supported")->as_bool());
  configure(
      {{"maa_issuers", SyntheticMaa::kIssuer}, {"maa_policy_hashes", SyntheticMaa::kPolicyHash}});
  EXPECT_EQ(*file(login({}, stranger).body).string_at("reason"), "maa_key_not_pinned");
}

TEST(MaaProviderTest, FaultsOfAStanza) {
  const MaaProvider good{
      "https://a.attest.azure.net", {std::string(64, 'a')}, {base64url_encode(Bytes(32, 1))}};
  EXPECT_EQ(fault_of(good), "");
  const auto with = [&](const std::function<void(MaaProvider&)>& edit) {
    MaaProvider changed = good;
    edit(changed);
    return fault_of(changed);
  };
  for (const char* url : {"", "http://a", "https://", "https://a/", "https://a?x", "a"}) {
    EXPECT_NE(with([&](MaaProvider& p) { p.url = url; }), "") << url;
  }
  for (const std::string& hash : {std::string(), std::string(63, 'a'), std::string(62, 'a'),
                                  std::string(66, 'a'), std::string(64, 'A')}) {
    EXPECT_NE(with([&](MaaProvider& p) { p.certificates = {hash}; }), "") << hash;
  }
  EXPECT_NE(with([](MaaProvider& p) { p.certificates.clear(); }), "");
  EXPECT_NE(with([](MaaProvider& p) { p.policy_hashes.clear(); }), "");
  EXPECT_NE(with([](MaaProvider& p) { p.policy_hashes = {"x"}; }), "");
  EXPECT_NE(with([](MaaProvider& p) { p.policy_hashes = {base64url_encode(Bytes(31))}; }), "");
}

}  // namespace
}  // namespace apm::auth_apm
