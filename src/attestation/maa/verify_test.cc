#include "attestation/maa/verify.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "attestation/limits.h"
#include "attestation/testing/synthetic_maa.h"
#include "crypto/digest.h"

namespace apm::attestation::maa {
namespace {

using testing::SyntheticMaa;

constexpr std::int64_t kNow = SyntheticMaa::kIssuedAt + 10;

// RSA of 1024 bits, made for this test and of no other use: our own code makes none so short.
constexpr std::string_view kShortKey =
    "-----BEGIN RSA PRIVATE KEY-----\n"
    "MIICXAIBAAKBgQDOIZ/5F9DG27PaNS+/80KQlYdpSMY0xWO0EwAoUiYxOA06/U2H\n"
    "9gv4pWAXodgAipqliHmXYjIrIKxZ+WVPi6eAF0DQCK/kCCuW2SN43HRJnc9b8O7b\n"
    "cz94WmE+6SrT/ZoJtlT8hoxtgCjMi+GIpfPbuun3eSuHtv5uCq6EpKrD6QIDAQAB\n"
    "AoGBAIJz/U4jqFlxyc0bQ/Dy/vmJ6HzVNbtIAOWB8OOTueAEXTsr+9lD+ieOYdYS\n"
    "8yTEk0KXsHwCBUYOE4WNtHQ3KfVf3vMkB4iW/9klJisKal4ISOGxWjJRI5efgt4w\n"
    "nir+SdEopUQki68Z+BdD7vdZbUBFTdiiS55XgnicvBFXNAFBAkEA7IaYFWljMghK\n"
    "A9DhOyODEWiSJcqjTauakvX5aTWsDgFmR67f17/rfgiL2HKVDttxZyEdDbkfcm38\n"
    "yF0njH0N5QJBAN8aY2Ju8KMgtPcZ9GINvgOuQCnTC0QuHkv7w/wRIYnluIauVB+B\n"
    "TrHEssncpinE1SpX6fK9rhf4jhnGOnwpHbUCQCj7+YZcSI/217xpiV2R/bgagpiB\n"
    "0GI5BgPJE3qjjjivDWYGa0sbOlcQbAsJb8KvS6svFbW3Cjftzwt4+M1jLfECQFYd\n"
    "6HjpW8eL625qPVPP/CWNkETUqsehiZ5Iy0i0EB8bZhPOnLgggJDL3TtgCV+cE7Ap\n"
    "iStinh2wmqFGS/L7J/UCQD+Kcalia6HB+L2LPQlwkwhgyWds5LkXuwprUz6i+VUr\n"
    "x5kF4SB1mFGHeU0Wx7ni8MKQ6ZJo7QZSK9L6PIGMEgk=\n"
    "-----END RSA PRIVATE KEY-----\n";

class MaaVerify : public ::testing::Test {
 protected:
  MaaVerify() : keys_(maa_.key_set()) {
    Issuer issuer;
    issuer.url = SyntheticMaa::kIssuer;
    issuer.keys = &keys_;
    issuer.policy_hashes = std::set<std::string>{std::string(SyntheticMaa::kPolicyHash)};
    expected_.issuers.push_back(issuer);
    expected_.now_unix_s = kNow;
  }

  [[nodiscard]] std::string verdict(std::string_view token) const {
    Appraisal appraisal;
    const auto result = verify(token, expected_, appraisal);
    return result.ok() ? "accept" : result.error().reason;
  }
  [[nodiscard]] std::string verdict() const { return verdict(snp_vm()); }

  [[nodiscard]] std::string snp_vm() const {
    return maa_.token(maa_.azure_vm(SyntheticMaa::add_snp));
  }
  [[nodiscard]] std::string tdx_vm() const {
    return maa_.token(maa_.azure_vm(SyntheticMaa::add_tdx));
  }
  [[nodiscard]] std::string plain(void (*add_tee)(json::Object&)) const {
    json::Object payload = SyntheticMaa::base();
    add_tee(payload);
    return maa_.token(std::move(payload));
  }

  void set_claim(std::string name, json::Value value) {
    maa_.edit_payload = [name = std::move(name), value = std::move(value)](json::Object& payload) {
      payload.set(name, value);
    };
  }
  void set_tee_claim(std::string name, json::Value value) {
    maa_.edit_payload = [name = std::move(name), value = std::move(value)](json::Object& payload) {
      payload.find("x-ms-isolation-tee")->as_object()->set(name, value);
    };
  }
  void set_header(std::string name, json::Value value) {
    maa_.edit_header = [name = std::move(name), value = std::move(value)](json::Object& header) {
      header.set(name, value);
    };
  }

  SyntheticMaa maa_;
  Jwks keys_;
  Expectation expected_;
};

TEST_F(MaaVerify, AcceptsEveryShape) {
  EXPECT_EQ(verdict(snp_vm()), "accept");
  EXPECT_EQ(verdict(tdx_vm()), "accept");
  EXPECT_EQ(verdict(plain(SyntheticMaa::add_snp)), "accept");
  EXPECT_EQ(verdict(plain(SyntheticMaa::add_tdx)), "accept");
  EXPECT_EQ(verdict(plain(SyntheticMaa::add_sgx)), "accept");
}

// A key set that anybody may have brought is worth the certificates that are pinned.
TEST_F(MaaVerify, OnlyPinnedCertificatesCountWhereThereArePins) {
  const std::string pin = hex_encode(crypto::sha256(keys_.all().front().certificate.der()));
  expected_.issuers[0].certificates = std::set<std::string>{pin};
  EXPECT_EQ(verdict(), "accept");
  expected_.issuers[0].certificates = std::set<std::string>{};
  EXPECT_EQ(verdict(), "maa_key_not_pinned");
  const SyntheticMaa other = SyntheticMaa::stranger();
  const Jwks theirs = other.key_set();
  expected_.issuers[0].certificates = std::set<std::string>{pin};
  expected_.issuers[0].keys = &theirs;
  EXPECT_EQ(verdict(other.token(other.azure_vm(SyntheticMaa::add_snp))), "maa_key_not_pinned")
      << "the same name and kid, and a good signature";
}

TEST_F(MaaVerify, NamesTheKeyToAnswerTo) {
  Appraisal appraisal;
  const auto result = verify(snp_vm(), expected_, appraisal);
  ASSERT_TRUE(result.ok());
  const auto key = result->sealing_key();
  ASSERT_TRUE(key.ok());
  EXPECT_TRUE((*key)->same_as(maa_.tpm_key()));
  EXPECT_TRUE(result->token.keys.hcl_ak);
  EXPECT_TRUE(result->token.keys.hcl_ek);
  EXPECT_EQ(result->evidence.trust_anchor, SyntheticMaa::kIssuer);
  EXPECT_EQ(result->issued_at_s, SyntheticMaa::kIssuedAt);
  Appraisal again;
  const auto sgx = verify(plain(SyntheticMaa::add_sgx), expected_, again);
  ASSERT_TRUE(sgx.ok());
  EXPECT_EQ(sgx->sealing_key().error().reason, "maa_sealing_key");
}

// ---- Format ----

TEST_F(MaaVerify, StrictEncoding) {
  const std::string good = snp_vm();
  const std::size_t dot = good.find('.');
  EXPECT_EQ(verdict(good + "="), "maa_token_malformed");
  EXPECT_EQ(verdict(good + "\n"), "maa_token_malformed");
  EXPECT_EQ(verdict(good + "."), "maa_token_malformed");
  EXPECT_EQ(verdict(good.substr(0, dot) + "=" + good.substr(dot)), "maa_token_malformed");
  EXPECT_EQ(verdict(good.substr(0, good.rfind('.'))), "maa_token_malformed");
  EXPECT_EQ(verdict(""), "maa_token_malformed");
  EXPECT_EQ(verdict(std::string(kMaaTokenBytesMax, 'a')), "maa_token_malformed");
  EXPECT_EQ(verdict(std::string(kMaaTokenBytesMax + 1, 'a')), "maa_too_large");
}

TEST_F(MaaVerify, DuplicateKeys) {
  const std::string head = json::write(maa_.header());
  const std::string body = json::write(maa_.azure_vm(SyntheticMaa::add_snp));
  EXPECT_EQ(verdict(maa_.raw_token(head, body)), "accept");
  EXPECT_EQ(verdict(maa_.raw_token(head, "{\"iss\":\"x\"," + body.substr(1))),
            "maa_token_malformed");
  EXPECT_EQ(verdict(maa_.raw_token("{\"alg\":\"none\"," + head.substr(1), body)),
            "maa_token_malformed");
  EXPECT_EQ(verdict(maa_.raw_token(head, body + " x")), "maa_token_malformed");
}

TEST_F(MaaVerify, Header) {
  set_header("typ", "JOSE");
  EXPECT_EQ(verdict(), "maa_token_malformed");
  set_header("crit", json::Array{"exp"});
  EXPECT_EQ(verdict(), "maa_token_malformed");
  set_header("kid", "");
  EXPECT_EQ(verdict(), "maa_token_malformed");
  set_header("kid", 5);
  EXPECT_EQ(verdict(), "maa_token_malformed");
}

// ---- Algorithm ----

TEST_F(MaaVerify, AlgorithmIsConfigured) {
  for (const char* name : {"none", "None", "RS512", "PS256", "ES256", "rs256", "RS256 ", ""}) {
    set_header("alg", name);
    EXPECT_EQ(verdict(), "maa_algorithm") << name;
  }
}

TEST_F(MaaVerify, AlgNoneWithoutSignature) {
  set_header("alg", "none");
  const std::string token = snp_vm();
  EXPECT_EQ(verdict(token.substr(0, token.rfind('.') + 1)), "maa_algorithm");
}

// The classic swap: HMAC under the text of the public key.
TEST_F(MaaVerify, AlgSwapHs256WithThePublicKey) {
  set_header("alg", "HS256");
  std::string token = snp_vm();
  token.resize(token.rfind('.'));
  const std::string pem = maa_.signing_key().spki_pem();
  const Bytes mac = crypto::hmac_sha256(as_bytes(pem), as_bytes(token));
  EXPECT_EQ(verdict(token + "." + base64url_encode(mac)), "maa_algorithm");
}

TEST(MaaVerifyKey, ShortKey) {
  const SyntheticMaa weak(*crypto::PrivateKey::from_pem(as_bytes(kShortKey)));
  const Jwks keys = weak.key_set();
  Expectation expected;
  expected.now_unix_s = kNow;
  Issuer issuer;
  issuer.url = SyntheticMaa::kIssuer;
  issuer.keys = &keys;
  issuer.policy_hashes.reset();
  expected.issuers.push_back(issuer);
  Appraisal appraisal;
  const auto result = verify(weak.token(weak.azure_vm(SyntheticMaa::add_snp)), expected, appraisal);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().reason, "maa_key");
}

// ---- Issuer, key, signature ----

TEST_F(MaaVerify, IssuerIsExact) {
  for (const char* issuer :
       {"https://apmtest.eus2.attest.azure.net/", "https://APMTEST.eus2.attest.azure.net",
        "http://apmtest.eus2.attest.azure.net", "https://other.eus2.attest.azure.net", ""}) {
    set_claim("iss", issuer);
    EXPECT_EQ(verdict(), "maa_issuer") << issuer;
  }
  set_claim("iss", json::Array{SyntheticMaa::kIssuer});
  EXPECT_EQ(verdict(), "maa_issuer");
  const std::string good = (maa_.edit_payload = [](json::Object&) {}, snp_vm());
  expected_.issuers.clear();
  EXPECT_EQ(verdict(good), "maa_issuer");
}

// Two tenants, one regional key: each pinned with its own policy, and only that.
TEST_F(MaaVerify, SharedRegionalKeyDoesNotMixTenants) {
  Issuer other;
  other.url = "https://tenantb.eus2.attest.azure.net";
  other.keys = &keys_;
  other.policy_hashes = std::set<std::string>{"otherpolicy"};
  expected_.issuers.push_back(other);
  set_claim("iss", other.url);
  EXPECT_EQ(verdict(), "maa_policy_hash");
  expected_.issuers.pop_back();
  EXPECT_EQ(verdict(), "maa_issuer");
}

TEST_F(MaaVerify, KidIsExact) {
  for (const char* kid : {"a/b+c=", "a_b-c==", "A/b+c==", "other"}) {
    set_header("kid", kid);
    EXPECT_EQ(verdict(), "maa_kid_unknown") << kid;
  }
}

// A token that brings its own key set or certificate is not listened to.
TEST_F(MaaVerify, HeaderKeysAreNotFollowed) {
  const SyntheticMaa attacker = SyntheticMaa::stranger();
  const std::string certificate = base64_encode(*base64_decode(*json::parse(attacker.key_set_text())
                                                                    ->at("keys")
                                                                    ->as_array()
                                                                    ->front()
                                                                    .at("x5c")
                                                                    ->as_array()
                                                                    ->front()
                                                                    .as_string()));
  SyntheticMaa forged = SyntheticMaa::stranger();
  forged.edit_header = [&](json::Object& header) {
    header.set("jku", "https://evil.example/certs");
    header.set("x5u", "https://evil.example/cert");
    header.set("x5c", json::Array{certificate});
    header.set("jwk", json::Object(forged.rsa_jwk("a/b+c==", "verify")));
  };
  EXPECT_EQ(verdict(forged.token(forged.azure_vm(SyntheticMaa::add_snp))), "maa_signature");
  set_header("jku", "https://evil.example/certs");  // signed by the right key: still ignored
  EXPECT_EQ(verdict(), "accept");
}

TEST_F(MaaVerify, KeyCertificateDates) {
  const std::string good = snp_vm();
  const auto with_dates = [&](std::int64_t from, std::int64_t until) {
    maa_.spec.not_before_s = from;
    maa_.spec.not_after_s = until;
    const Jwks keys = maa_.key_set();
    expected_.issuers[0].keys = &keys;
    return verdict(good);
  };
  EXPECT_EQ(with_dates(kNow, kNow), "accept");
  EXPECT_EQ(with_dates(kNow - 9, kNow - 1), "maa_key_expired");
  EXPECT_EQ(with_dates(kNow + 1, kNow + 9), "maa_key_not_yet_valid");
}

TEST_F(MaaVerify, Signature) {
  const SyntheticMaa other = SyntheticMaa::stranger();
  EXPECT_EQ(verdict(other.token(other.azure_vm(SyntheticMaa::add_snp))), "maa_signature");
  const std::string good = snp_vm();
  EXPECT_EQ(verdict(good.substr(0, good.rfind('.') + 1)), "maa_signature");
}

// One bit of every character; all bits with APM_EVERY_BIT=1 in the environment.
TEST_F(MaaVerify, NoBitIsFree) {
  const std::string good = snp_vm();
  const bool every = std::getenv("APM_EVERY_BIT") != nullptr;
  for (std::size_t i = 0; i < good.size(); ++i) {
    for (unsigned bit = every ? 0 : i % 8; bit < (every ? 8 : i % 8 + 1); ++bit) {
      std::string bad = good;
      bad[i] = static_cast<char>(static_cast<unsigned char>(bad[i]) ^ 1U << bit);
      ASSERT_NE(verdict(bad), "accept") << "byte " << i << " bit " << bit;
    }
  }
}

TEST_F(MaaVerify, Truncations) {
  const std::string good = snp_vm();
  for (std::size_t size = 0; size < good.size(); ++size) {
    ASSERT_NE(verdict(std::string_view(good).substr(0, size)), "accept") << size;
  }
}

// ---- Times ----

TEST_F(MaaVerify, Times) {
  const std::string good = snp_vm();
  expected_.floor.age_s_max = 1'000'000;
  expected_.now_unix_s = SyntheticMaa::kIssuedAt + 28800 + kTokenLeewayS - 1;
  EXPECT_EQ(verdict(good), "accept");
  expected_.now_unix_s += 1;
  EXPECT_EQ(verdict(good), "maa_expired");
  expected_.now_unix_s = SyntheticMaa::kIssuedAt - kTokenLeewayS;
  EXPECT_EQ(verdict(good), "accept");
  expected_.now_unix_s -= 1;
  EXPECT_EQ(verdict(good), "maa_not_yet_valid");
  expected_.now_unix_s = kNow;
  set_claim("nbf", kNow + kTokenLeewayS + 1);
  EXPECT_EQ(verdict(), "maa_not_yet_valid");
  set_claim("iat", kNow + kTokenLeewayS + 1);
  EXPECT_EQ(verdict(), "maa_not_yet_valid");
}

TEST_F(MaaVerify, TimesAreWholeNumbersInOrder) {
  for (const char* name : {"iat", "nbf", "exp"}) {
    for (const json::Value& value :
         {json::Value(), json::Value("1790000000"), json::Value(json::Number{"1.79e9"}),
          json::Value(-1), json::Value(json::Number{"99999999999999999999"})}) {
      set_claim(name, value);
      EXPECT_EQ(verdict(), "maa_times") << name << " " << json::write(value);
    }
  }
  set_claim("exp", SyntheticMaa::kIssuedAt);
  EXPECT_EQ(verdict(), "maa_times");
}

TEST_F(MaaVerify, Age) {
  expected_.now_unix_s = SyntheticMaa::kIssuedAt + kAgeSMax;
  EXPECT_EQ(verdict(), "accept");
  expected_.now_unix_s += 1;
  EXPECT_EQ(verdict(), "maa_too_old");
}

// ---- Type and claims ----

TEST_F(MaaVerify, PolicyTokensAreNoAttestation) {
  json::Object policy = SyntheticMaa::base();
  EXPECT_EQ(verdict(maa_.token(policy)), "maa_token_type");
  for (const char* name :
       {"x-ms-policy-result", "x-ms-policy-token-hash", "x-ms-policy-certificates"}) {
    set_claim(name, "x");
    EXPECT_EQ(verdict(), "maa_token_type") << name;
  }
  set_claim("x-ms-attestation-type", "tpm");
  EXPECT_EQ(verdict(), "maa_token_type");
  set_claim("x-ms-attestation-type", "SGX");
  EXPECT_EQ(verdict(), "maa_token_type");
}

TEST_F(MaaVerify, TrustedLaunchHasNoTee) {
  maa_.edit_payload = [](json::Object& payload) { payload.erase("x-ms-isolation-tee"); };
  EXPECT_EQ(verdict(), "maa_tee_missing");
  set_tee_claim("x-ms-attestation-type", "sgx");
  EXPECT_EQ(verdict(), "maa_tee_missing");
}

TEST_F(MaaVerify, EveryClaimMustBeThereAndTyped) {
  const auto check = [&](void (*add)(json::Object&)) {
    json::Object claims;
    add(claims);
    for (const auto& [name, value] : claims) {
      if (name == "x-ms-attestation-type" || name == "x-ms-compliance-status" ||
          name == "attester_tcb_status") {
        continue;
      }
      json::Object without = SyntheticMaa::base();
      add(without);
      without.erase(name);
      EXPECT_EQ(verdict(maa_.token(without)), "maa_claim_malformed") << name;
      without.set(name, "text");
      EXPECT_EQ(verdict(maa_.token(without)), "maa_claim_malformed") << name;
    }
  };
  check(SyntheticMaa::add_snp);
  check(SyntheticMaa::add_tdx);
  check(SyntheticMaa::add_sgx);
  for (const char* name :
       {"secureboot", "x-ms-policy-hash", "x-ms-ver", "x-ms-azurevm-kerneldebug-enabled",
        "x-ms-azurevm-attested-pcr-values"}) {
    set_claim(name, 5);
    EXPECT_EQ(verdict(), "maa_claim_malformed") << name;
  }
}

TEST_F(MaaVerify, Version) {
  set_claim("x-ms-ver", "2.0");
  EXPECT_EQ(verdict(), "maa_version");
}

TEST_F(MaaVerify, TypesThatTheFloorAllows) {
  expected_.floor.types = {"sgx"};
  EXPECT_EQ(verdict(), "maa_type_not_allowed");
  EXPECT_EQ(verdict(plain(SyntheticMaa::add_sgx)), "accept");
}

TEST_F(MaaVerify, RuntimeKeys) {
  const auto with_key = [&](const std::function<void(json::Object&)>& edit) {
    maa_.edit_payload = [&](json::Object& payload) {
      edit(*payload.find("x-ms-runtime")
                ->as_object()
                ->find("keys")
                ->as_array()
                ->front()
                .as_object());
    };
    return verdict();
  };
  EXPECT_EQ(with_key([](json::Object& key) { key.set("kty", "EC"); }), "maa_runtime_keys");
  EXPECT_EQ(with_key([](json::Object& key) { key.erase("n"); }), "maa_runtime_keys");
  EXPECT_EQ(with_key([](json::Object& key) { key.set("n", "AQAB"); }), "maa_runtime_keys");
  EXPECT_EQ(with_key([](json::Object& key) { key.set("e", "AQAB="); }), "maa_runtime_keys");
  EXPECT_EQ(with_key([](json::Object& key) { key.set("key_ops", json::Array{"sign"}); }),
            "maa_runtime_keys");
  maa_.edit_payload = [](json::Object& payload) {
    json::Array& keys = *payload.find("x-ms-isolation-tee")
                             ->as_object()
                             ->find("x-ms-runtime")
                             ->as_object()
                             ->find("keys")
                             ->as_array();
    const json::Value first = keys.front();
    keys.push_back(first);
  };
  EXPECT_EQ(verdict(), "maa_runtime_keys");
}

// ---- Binding ----

TEST_F(MaaVerify, NonceIsExact) {
  const std::string good = snp_vm();
  expected_.nonce = to_bytes(std::string_view("abc"));
  EXPECT_EQ(verdict(good), "accept");
  for (const char* nonce : {"ab", "abcd", "abd", ""}) {
    expected_.nonce = to_bytes(std::string_view(nonce));
    EXPECT_EQ(verdict(good), "maa_nonce") << nonce;
  }
  expected_.nonce = to_bytes(std::string_view("abc"));
  EXPECT_EQ(verdict(plain(SyntheticMaa::add_sgx)), "maa_nonce");
}

TEST_F(MaaVerify, ReportData) {
  expected_.report_data = Bytes(64, 4);
  EXPECT_EQ(verdict(), "accept");
  expected_.report_data = Bytes(63, 4);
  EXPECT_EQ(verdict(), "maa_report_data");
  expected_.report_data = Bytes{};
  EXPECT_EQ(verdict(), "maa_report_data");
}

TEST_F(MaaVerify, SgxHeldData) {
  const auto with_held = [&](const std::string& report_data) {
    maa_.edit_payload = [report_data](json::Object& payload) {
      payload.set("x-ms-sgx-ehd", base64url_encode(as_bytes("held")));
      payload.set("x-ms-sgx-report-data", report_data);
    };
    return verdict(plain(SyntheticMaa::add_sgx));
  };
  const std::string hash = hex_encode(crypto::sha256(as_bytes("held")));
  EXPECT_EQ(with_held(hash + SyntheticMaa::hex(32, 0)), "accept");
  EXPECT_EQ(with_held(hash + SyntheticMaa::hex(32, 1)), "maa_sgx_held_data");
  EXPECT_EQ(with_held(SyntheticMaa::hex(64, 0)), "maa_sgx_held_data");
}

// ---- Policy ----

TEST_F(MaaVerify, PolicyHash) {
  set_claim("x-ms-policy-hash", "another");
  EXPECT_EQ(verdict(), "maa_policy_hash");
  expected_.issuers[0].policy_hashes = std::set<std::string>();
  EXPECT_EQ(verdict(), "maa_policy_hash");
  expected_.issuers[0].policy_hashes.reset();
  EXPECT_EQ(verdict(), "accept");
  EXPECT_TRUE(Issuer().policy_hashes && Issuer().policy_hashes->empty());
}

TEST_F(MaaVerify, Debug) {
  set_tee_claim("x-ms-sevsnpvm-is-debuggable", true);
  EXPECT_EQ(verdict(), "maa_debug");
  for (const char* name : {"bootdebug", "kerneldebug", "hypervisordebug", "testsigning"}) {
    set_claim(std::string("x-ms-azurevm-") + name + "-enabled", true);
    EXPECT_EQ(verdict(), "maa_debug") << name;
  }
  expected_.floor.allow_debug = true;
  EXPECT_EQ(verdict(), "accept");
  expected_.floor.allow_debug = false;
  set_claim("tdx_td_attributes_debug", true);
  EXPECT_EQ(verdict(plain(SyntheticMaa::add_tdx)), "maa_debug");
  set_claim("x-ms-sgx-is-debuggable", true);
  EXPECT_EQ(verdict(plain(SyntheticMaa::add_sgx)), "maa_debug");
}

TEST_F(MaaVerify, Compliance) {
  set_tee_claim("x-ms-compliance-status", "none");
  EXPECT_EQ(verdict(), "maa_compliance");
  maa_.edit_payload = [](json::Object& payload) {
    payload.find("x-ms-isolation-tee")->as_object()->erase("x-ms-compliance-status");
  };
  EXPECT_EQ(verdict(), "maa_compliance");
}

TEST_F(MaaVerify, SnpPolicy) {
  set_tee_claim("x-ms-sevsnpvm-vmpl", 1);
  EXPECT_EQ(verdict(), "maa_vmpl");
  expected_.floor.vmpl_max = 1;
  EXPECT_EQ(verdict(), "accept");
  set_tee_claim("x-ms-sevsnpvm-migration-allowed", true);
  EXPECT_EQ(verdict(), "maa_migration");
  expected_.floor.allow_migration = true;
  EXPECT_EQ(verdict(), "accept");
}

TEST_F(MaaVerify, SvnFloors) {
  const std::string good = snp_vm();
  for (const auto member :
       {&SnpClaims::Svns::bootloader, &SnpClaims::Svns::tee, &SnpClaims::Svns::snp_firmware,
        &SnpClaims::Svns::microcode, &SnpClaims::Svns::guest}) {
    expected_.floor.snp_svns = {};
    expected_.floor.snp_svns.*member = 5;
    EXPECT_EQ(verdict(good), "accept");
    expected_.floor.snp_svns.*member = 6;
    EXPECT_EQ(verdict(good), "maa_svn_too_old");
  }
  expected_.floor.sgx_svn = 6;
  EXPECT_EQ(verdict(plain(SyntheticMaa::add_sgx)), "maa_svn_too_old");
}

TEST_F(MaaVerify, TdxStatus) {
  set_tee_claim("attester_tcb_status", "OutOfDate");
  EXPECT_EQ(verdict(tdx_vm()), "maa_tdx_tcb_status");
  maa_.edit_payload = [](json::Object& payload) { payload.erase("attester_tcb_status"); };
  EXPECT_EQ(verdict(plain(SyntheticMaa::add_tdx)), "maa_tdx_tcb_status");
}

TEST_F(MaaVerify, PinnedValues) {
  expected_.floor.measurements = {SyntheticMaa::hex(48, 9)};
  EXPECT_EQ(verdict(), "maa_measurement_not_pinned");
  EXPECT_EQ(verdict(tdx_vm()), "maa_measurement_not_pinned");
  expected_.floor.measurements = {SyntheticMaa::hex(48, 1)};
  EXPECT_EQ(verdict(), "accept");
  EXPECT_EQ(verdict(tdx_vm()), "accept");
  expected_.floor.host_data = {SyntheticMaa::hex(32, 9)};
  EXPECT_EQ(verdict(), "maa_host_data_not_pinned");
  expected_.floor = {};
  expected_.floor.sgx_signers = {SyntheticMaa::hex(32, 9)};
  EXPECT_EQ(verdict(plain(SyntheticMaa::add_sgx)), "maa_sgx_signer_not_pinned");
  EXPECT_EQ(verdict(), "maa_sgx_signer_not_pinned");
}

TEST_F(MaaVerify, SecureBoot) {
  set_claim("secureboot", false);
  EXPECT_EQ(verdict(), "accept");
  expected_.floor.require_secure_boot = true;
  EXPECT_EQ(verdict(), "maa_secure_boot");
  EXPECT_EQ(verdict(plain(SyntheticMaa::add_sgx)), "maa_secure_boot");
}

TEST_F(MaaVerify, StopsAfterAStage) {
  const std::string good = snp_vm();
  expected_.floor.types = {"sgx"};
  Appraisal to_tcb(Stage::kTcb);
  EXPECT_TRUE(verify(good, expected_, to_tcb).ok());
  Appraisal all;
  EXPECT_EQ(verify(good, expected_, all).error().reason, "maa_type_not_allowed");
}

// ---- The key set ----

TEST_F(MaaVerify, KeySetIsReadStrictly) {
  const auto parsed = [&](const std::function<void(json::Object&)>& edit) {
    maa_.edit_key = edit;
    const auto result = Jwks::parse(maa_.key_set_text());
    return result.ok() ? std::to_string(result->size()) : result.error().reason;
  };
  EXPECT_EQ(parsed([](json::Object&) {}), "1");
  EXPECT_EQ(parsed([](json::Object& key) { key.set("kty", "EC"); }), "0");
  EXPECT_EQ(parsed([&](json::Object& key) {
              key.set("n", base64url_encode(*maa_.signing_key().rsa_modulus()));
              key.set("e", "AQAB");
            }),
            "1");
  const std::string bad = "maa_jwks_malformed";
  EXPECT_EQ(parsed([](json::Object& key) { key.erase("kty"); }), bad);
  EXPECT_EQ(parsed([](json::Object& key) { key.erase("kid"); }), bad);
  EXPECT_EQ(parsed([](json::Object& key) { key.erase("x5c"); }), bad);
  EXPECT_EQ(parsed([](json::Object& key) { key.set("x5c", json::Array{"AAAA"}); }), bad);
  EXPECT_EQ(parsed([](json::Object& key) { key.set("x5c", json::Array{}); }), bad);
  EXPECT_EQ(parsed([](json::Object& key) { key.set("alg", "RS512"); }), bad);
  EXPECT_EQ(parsed([](json::Object& key) { key.set("use", "enc"); }), bad);
  EXPECT_EQ(parsed([](json::Object& key) { key.set("e", "AQAB"); }), bad);
  EXPECT_EQ(parsed([&](json::Object& key) {
              key.set("n", base64url_encode(*maa_.tpm_key().rsa_modulus()));
              key.set("e", "AQAB");
            }),
            bad);
  maa_.edit_key = [](json::Object&) {};
  const std::string one = maa_.key_set_text();
  const std::string key = one.substr(9, one.size() - 11);
  EXPECT_EQ(Jwks::parse("{\"keys\":[" + key + "," + key + "]}").error().reason, bad);
  EXPECT_EQ(Jwks::parse("{\"keys\":5}").error().reason, bad);
  EXPECT_EQ(Jwks::parse("").error().reason, bad);
}

}  // namespace
}  // namespace apm::attestation::maa
