// Logins with evidence that has no TPM: the binding in each family's own field, the caller's own
// key, and what is refused when either is another's. Challenge to opened answer, through the
// method.

#include <gtest/gtest.h>

#include <algorithm>

#include "attestation/login_binding.h"
#include "attestation/testing/dcap_trial.h"
#include "attestation/testing/synthetic_enclave.h"
#include "attestation/testing/synthetic_machine.h"
#include "auth/apm/method.h"
#include "base/encoding.h"
#include "crypto/aead.h"
#include "storage/leased_memory_store.h"

namespace apm::auth_apm {
namespace {

using attestation::testing::DcapTrial;
using attestation::testing::must;
using attestation::testing::SyntheticEnclave;
using attestation::testing::SyntheticMachine;
using logical::Operation;

SyntheticMachine& machine() {
  static SyntheticMachine made;
  return made;
}
SyntheticEnclave& enclave() {
  static SyntheticEnclave made;
  return made;
}
const crypto::PrivateKey& caller() {
  static const crypto::PrivateKey made = must(crypto::PrivateKey::generate_rsa(2048));
  return made;
}

Bytes spki_of(const crypto::PrivateKey& key) { return must(key.public_key()).spki_der(); }

// What the hardware signs for a login.
struct Signed {
  Bytes report_data;  // 64 bytes
  Bytes nonce;        // Nitro's
  Bytes public_key;
};
Signed signed_for(ByteView binding, ByteView caller_key) {
  Bytes report_data = to_bytes(binding);
  report_data.resize(64);
  return {std::move(report_data), to_bytes(binding), to_bytes(caller_key)};
}

std::string collateral_text(const attestation::dcap::Collateral& c) {
  return json::write(json::Object{{"tcb_info", c.tcb_info.body},
                                  {"tcb_info_signature", hex_encode(c.tcb_info.signature)},
                                  {"tcb_info_issuer_chain", c.tcb_info.chain_pem},
                                  {"qe_identity", c.qe_identity.body},
                                  {"qe_identity_signature", hex_encode(c.qe_identity.signature)},
                                  {"qe_identity_issuer_chain", c.qe_identity.chain_pem},
                                  {"pck_crl", hex_encode(c.pck_crl)},
                                  {"root_ca_crl", hex_encode(c.root_crl)}});
}

json::Object snp(const Signed& data) {
  machine().reset();
  machine().edit_report = [&data](Bytes& report) {
    std::ranges::copy(data.report_data, report.begin() + 0x50);
  };
  const auto evidence = machine().snp_evidence();
  return {{"family", "snp"},
          {"report", base64_encode(evidence.report)},
          {"vcek_chain", evidence.endorsements.chain_pem}};
}
json::Object intel(DcapTrial trial, const Signed& data) {
  const std::ptrdiff_t at = trial.is_tdx() ? 520 : 320;
  std::ranges::copy(data.report_data, trial.platform.body.begin() + at);
  return {{"family", trial.is_tdx() ? "tdx" : "sgx"},
          {"quote", base64_encode(trial.platform.quote())},
          {"collateral", collateral_text(trial.platform.collateral())}};
}
json::Object nitro(const Signed& data) {
  enclave().reset();
  enclave().edit_fields = [&data](attestation::testing::CborPairs& fields) {
    using attestation::testing::cbor_bytes;
    for (auto& [name, value] : fields) {
      if (name == attestation::testing::cbor_text("nonce")) value = cbor_bytes(data.nonce);
      if (name == attestation::testing::cbor_text("public_key")) {
        value = cbor_bytes(data.public_key);
      }
    }
  };
  return {{"family", "aws-nitro"}, {"document", base64_encode(enclave().document())}};
}

struct Family {
  std::string name;
  std::int64_t now = 0;
  std::function<json::Object(const Signed&)> evidence;
  std::string unbound;  // the reason when it answers another challenge
};
std::vector<Family> families() {
  return {{"snp", attestation::testing::kNow, snp, "snp_report_data"},
          {"sgx", attestation::testing::kIntelNow,
           [](const Signed& data) { return intel(DcapTrial::sgx(), data); }, "dcap_report_data"},
          {"tdx", attestation::testing::kIntelNow,
           [](const Signed& data) { return intel(DcapTrial(), data); }, "dcap_report_data"},
          {"aws-nitro", SyntheticEnclave::kMadeAt + 2, nitro, "nitro_nonce"}};
}

class FamilyLogin : public ::testing::Test {
 protected:
  void SetUp() override {
    auto plan = barrier_.plan_init(barrier::StoreKind::kTest, {1, 1});
    ASSERT_TRUE(plan.ok()) << plan.error().message;
    ASSERT_TRUE(barrier_.commit_init(std::move(*plan)).ok());
    Dependencies d;
    d.clock = &clock_;
    d.anchors = std::make_shared<attestation::snp::Anchors>(machine().anchors());
    d.intel_anchors = std::make_shared<attestation::dcap::Anchors>(DcapTrial::make_anchors());
    d.aws_anchors = std::make_shared<attestation::nitro::Anchors>(enclave().anchors());
    d.cluster_id = "cluster-1";
    d.server_key_sha256 = [] { return Result<Bytes>(Bytes(32, 0x5e)); };
    d.issue_token = [this](const logical::AttestedIdentity& identity, std::int64_t, std::uint64_t,
                           const std::string&) {
      issued_to_ = identity;
      return Result<std::string>("the token");
    };
    method_ = must(Method::open(barrier::View(barrier_, "auth/1/"), std::move(d)));
  }

  Result<logical::Response> call(const std::string& path, json::Object data) {
    logical::Request request;
    request.operation = Operation::kUpdate;
    request.mount_path = "auth/apm/";
    request.path = path;
    request.data = std::move(data);
    return method_->handle(request);
  }
  void be_at(std::int64_t unix_s) {
    clock_.advance(Milliseconds((unix_s - clock_.unix_s()) * 1000));
  }
  // A challenge, and the binding that answers it for the holder of a key.
  struct Asked {
    std::string nonce;
    Bytes binding;
  };
  Asked ask(ByteView caller_key) {
    const json::Value c(*must(call("challenge", {})).data);
    const std::string nonce = *c.string_at("nonce");
    return {nonce, attestation::login_binding({must(base64url_decode(nonce)), "cluster-1",
                                               Bytes(32, 0x5e), to_bytes(caller_key)})};
  }
  static json::Object body(json::Object evidence, const std::string& nonce, ByteView caller_key) {
    evidence.set("nonce", nonce);
    evidence.set("caller_key", base64_encode(caller_key));
    return evidence;
  }
  json::Object good(const Family& family) {
    be_at(family.now);
    const Bytes key = spki_of(caller());
    const Asked asked = ask(key);
    binding_ = asked.binding;
    return body(family.evidence(signed_for(asked.binding, key)), asked.nonce, key);
  }
  std::string reason(const json::Object& data) {
    const auto result = call("login", data);
    return result.ok() ? "accepted" : result.error().reason;
  }
  json::Value open_sealed(const logical::Response& response) {
    const json::Value data(*response.data);
    const json::Value& sealed = *data.at("sealed");
    const auto key =
        must(caller().decrypt_oaep(crypto::Hash::kSha256, crypto::Hash::kSha256,
                                   must(base64_decode(*sealed.string_at("encrypted_key"))),
                                   to_bytes(std::string_view("apm-login-v1\0", 13))));
    return must(json::parse(
        must(crypto::gcm_open(key, must(base64_decode(*sealed.string_at("nonce"))), binding_,
                              must(base64_decode(*sealed.string_at("ciphertext")))))));
  }

  ManualClock clock_{attestation::testing::kNow};
  storage::LeasedMemoryStore store_;
  barrier::Barrier barrier_{store_, clock_};
  Bytes binding_;
  logical::AttestedIdentity issued_to_;
  std::unique_ptr<Method> method_;
};

TEST_F(FamilyLogin, EndToEndAndARevocationActsAtOnce) {
  for (const Family& family : families()) {
    const auto response = call("login", good(family));
    ASSERT_TRUE(response.ok()) << family.name << ": " << response.error().reason << ": "
                               << response.error().message;
    const json::Value opened = open_sealed(*response);
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
  for (const Family& family : families()) {
    json::Object mixed = good(family);
    mixed.set("nonce", ask(spki_of(caller())).nonce);
    EXPECT_EQ(reason(mixed), family.unbound) << family.name;

    json::Object stolen = good(family);  // the relay's own key beside somebody's evidence
    stolen.set("caller_key", base64_encode(other));
    EXPECT_EQ(reason(stolen), family.unbound) << family.name;

    const json::Object used = good(family);
    EXPECT_EQ(reason(used), "accepted") << family.name;
    EXPECT_EQ(reason(used), "nonce_used") << family.name;
  }
}

TEST_F(FamilyLogin, ReportDataIsTheBindingAndZeros) {
  const Bytes key = spki_of(caller());
  for (const Family& family : families()) {
    if (family.name == "aws-nitro") continue;
    be_at(family.now);
    for (const std::size_t at : {std::size_t{32}, std::size_t{63}}) {
      const Asked asked = ask(key);
      Signed data = signed_for(asked.binding, key);
      data.report_data[at] = 1;
      EXPECT_EQ(reason(body(family.evidence(data), asked.nonce, key)), family.unbound)
          << family.name << " byte " << at;
    }
  }
}

TEST_F(FamilyLogin, ANitroDocumentNamesTheCallersKey) {
  be_at(SyntheticEnclave::kMadeAt + 2);
  const Bytes key = spki_of(caller());
  const Asked asked = ask(key);
  Signed data = signed_for(asked.binding, key);
  data.public_key.back() ^= 1;
  EXPECT_EQ(reason(body(nitro(data), asked.nonce, key)), "nitro_public_key");
}

TEST_F(FamilyLogin, DebugAndMissingCollateralAreRefusedByName) {
  be_at(SyntheticEnclave::kMadeAt + 2);
  const Bytes key = spki_of(caller());
  Asked asked = ask(key);
  const Signed data = signed_for(asked.binding, key);
  static_cast<void>(nitro(data));  // sets the fields
  for (auto& [index, value] : enclave().pcrs) std::ranges::fill(value, std::uint8_t{0});
  EXPECT_EQ(
      reason(body({{"family", "aws-nitro"}, {"document", base64_encode(enclave().document())}},
                  asked.nonce, key)),
      "nitro_debug");
  for (const Family& family : families()) {
    json::Object bare = good(family);
    bare.erase("collateral");
    bare.erase("vcek_chain");
    const std::string wanted = family.name == "aws-nitro" ? "accepted"
                               : family.name == "snp"     ? "snp_chain_missing"
                                                          : "dcap_collateral_missing";
    EXPECT_EQ(reason(bare), wanted) << family.name;
  }
}

TEST_F(FamilyLogin, TheCallersKeyIsRsaOfAUsualSize) {
  const Family family = families().front();
  const Bytes small = spki_of(must(crypto::PrivateKey::generate_rsa(1024)));
  const Bytes curve = spki_of(must(crypto::PrivateKey::generate_ec(crypto::Curve::kP256)));
  for (const Bytes& key : {small, curve, Bytes{0x30, 0}, Bytes{}}) {
    json::Object data = good(family);
    data.set("caller_key", base64_encode(key));
    EXPECT_EQ(reason(data), "login_malformed") << key.size();
  }
  json::Object none = good(family);
  none.erase("caller_key");
  EXPECT_EQ(reason(none), "login_malformed");
}

TEST_F(FamilyLogin, ATokenOfMaaCannotAnswerAChallenge) {
  json::Object data = good(families().front());
  data.set("family", "maa");
  data.set("token", "e30.e30.e30");
  data.set("jwks", R"({"keys":[]})");
  EXPECT_EQ(reason(data), "maa_login_unsupported");
}

}  // namespace
}  // namespace apm::auth_apm
