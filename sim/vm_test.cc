#include <gtest/gtest.h>
#include <stdlib.h>

#include <cstdlib>
#include <filesystem>
#include <set>

#include "base/file.h"
#include "base/text.h"
#include "crypto/aead.h"
#include "crypto/jws.h"
#include "sim/deploy.h"
#include "sim/event_log.h"
#include "sim/guest_evidence_fixture.h"

namespace apm::sim {
namespace {

// One simulated cloud and one VM for all tests of this file: making the vendor keys takes seconds.
class SimulatedVm : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    char path[] = "/tmp/apm-sim-XXXXXX";
    ASSERT_NE(::mkdtemp(path), nullptr);
    settings_.dir = path;
    settings_.delete_delay_ms = 0;
    settings_.create_class_limit = 1000;
    auto services = Services::create(settings_, clock_);
    ASSERT_TRUE(services.ok()) << services.error().message;
    services_ = std::move(*services).release();
    auto vm = TpmVm::start(settings_, services_->hardware(), {"t", "image-1", "signer-1", true});
    ASSERT_TRUE(vm.ok()) << vm.error().message;
    vm_ = std::move(*vm).release();
    auto evidence = collect_evidence(*vm_, services_->hardware());
    ASSERT_TRUE(evidence.ok()) << evidence.error().message;
    evidence_ = new json::Value(evidence->info);
  }
  static void TearDownTestSuite() {
    delete evidence_;
    delete vm_;
    delete services_;
    std::filesystem::remove_all(settings_.dir);
  }

  static HttpResponse attest(const json::Value& info, const std::string& fault = {}) {
    HttpRequest request;
    request.method = "POST";
    request.target = "/attest/AzureGuest?api-version=2020-10-01";
    request.headers = {{"host", settings_.maa_host}};
    request.body = json::write(
        json::Object{{"AttestationInfo", base64url_encode(as_bytes(json::write(info)))}});
    request.fault = fault;
    split_target(request);
    return services_->handle_https(request);
  }
  static std::string reason_for(const json::Value& info) {
    const auto out = verify_guest(services_->hardware(), info, clock_.unix_s());
    return out.ok() ? "accepted" : out.error().reason;
  }
  // The evidence with one base64 member's byte `at` (from the end when negative) flipped.
  static json::Value flipped(std::initializer_list<std::string_view> path, int at) {
    json::Value info = *evidence_;
    json::Value* node = &info;
    for (const std::string_view name : path) node = node->as_object()->find(name);
    Bytes raw = *base64_decode_any(*node->as_string());
    const auto index =
        at >= 0 ? static_cast<std::size_t>(at) : raw.size() - static_cast<std::size_t>(-at);
    raw[index] = static_cast<std::uint8_t>(raw[index] ^ 1);
    *node = base64_encode(raw);
    return info;
  }

  static inline Settings settings_;
  static inline SystemClock clock_;
  static inline Services* services_ = nullptr;
  static inline TpmVm* vm_ = nullptr;
  static inline json::Value* evidence_ = nullptr;
};

TEST_F(SimulatedVm, EventLogReplaysToThePcrs) {
  auto tpm = TpmWire::connect(vm_->tpm_path());
  ASSERT_TRUE(tpm.ok());
  const auto log = read_file(vm_->event_log_path(), kFileBytesMax);
  ASSERT_TRUE(log.ok());
  const auto events = decode_event_log(*log);
  ASSERT_TRUE(events.ok()) << events.error().message;
  const auto replayed = replay_events(*events);
  for (const unsigned pcr : {0U, 1U, 2U, 3U, 4U, 5U, 6U, 7U, 8U, 9U, 11U, 12U, 13U, 14U}) {
    const auto value = tpm->read_pcr(pcr);
    ASSERT_TRUE(value.ok());
    const auto found = replayed.find(pcr);
    EXPECT_EQ(*value, found == replayed.end() ? Bytes(32, 0) : found->second) << pcr;
  }
  EXPECT_EQ(secure_boot_in(*events), true);
}

TEST_F(SimulatedVm, AnotherImageChangesOnlyItsOwnPcrs) {
  const auto one = replay_events(boot_events({"image-1", true, Bytes{1}}));
  const auto two = replay_events(boot_events({"image-2", true, Bytes{1}}));
  std::set<unsigned> changed;
  for (const auto& [pcr, value] : one) {
    if (two.at(pcr) != value) changed.insert(pcr);
  }
  EXPECT_EQ(changed, (std::set<unsigned>{4, 9, 11}));
}

std::set<std::string> names_of(const json::Value& value, const std::string& prefix = "") {
  std::set<std::string> out;
  if (const json::Array* array = value.as_array(); array != nullptr && !array->empty()) {
    return names_of(array->front(), prefix + "[]");
  }
  if (value.as_object() == nullptr) return out;
  for (const auto& [name, member] : *value.as_object()) {
    const std::string path = concat(prefix, ".", name);
    out.insert(path);
    out.merge(names_of(member, path));
  }
  return out;
}

std::string vectors() {
  if (const char* set = std::getenv("APM_VECTORS")) return set;
  return std::string(APM_SOURCE_DIR) + "/../shared/vectors";
}

TEST_F(SimulatedVm, HclReportHasTheCapturedNamesAndHeader) {
  const auto captured = read_file(vectors() + "/azure/snp-a-trustee-v0.hcl.bin", kFileBytesMax);
  if (!captured.ok()) GTEST_SKIP() << "captured vectors are absent";
  const auto theirs = split_hcl_report(*captured);
  const auto ours = split_hcl_report(vm_->hcl_report());
  ASSERT_TRUE(theirs.ok() && ours.ok());
  EXPECT_EQ(names_of(*json::parse(ours->runtime)), names_of(*json::parse(theirs->runtime)));
  EXPECT_EQ(captured->size(), vm_->hcl_report().size());
  for (const std::size_t at : {0U, 4U, 12U, 16U, 1220U, 1224U, 1228U}) {
    EXPECT_TRUE(
        equal(ByteView(*captured).subspan(at, 4), ByteView(vm_->hcl_report()).subspan(at, 4)))
        << at;
  }
}

TEST_F(SimulatedVm, TokenHasTheCapturedNames) {
  const auto captured = read_file(vectors() + "/maa/azurevm-snp-eus2-2025.jwt", kFileBytesMax);
  if (!captured.ok()) GTEST_SKIP() << "captured vectors are absent";
  const auto theirs = crypto::parse_jws(trim(as_text(*captured)));
  ASSERT_TRUE(theirs.ok());
  const auto facts = verify_guest(services_->hardware(), *evidence_, clock_.unix_s());
  ASSERT_TRUE(facts.ok()) << facts.error().message;
  const auto token = make_guest_token(settings_, services_->hardware(), *facts, clock_.unix_s(),
                                      {.no_pcr_values = true});
  ASSERT_TRUE(token.ok());
  const auto ours = crypto::parse_jws(*token);
  ASSERT_TRUE(ours.ok());
  auto want = names_of(theirs->payload);
  // What the captured guest put into its own payload besides the nonce.
  want.erase(".x-ms-runtime.client-payload.blob_exec_hashes");
  want.erase(".x-ms-runtime.client-payload.hash_srs_blob");
  EXPECT_EQ(names_of(ours->payload), want);
  EXPECT_EQ(names_of(ours->header), names_of(theirs->header));
}

TEST_F(SimulatedVm, GoodEvidenceIsAccepted) {
  EXPECT_EQ(reason_for(*evidence_), "accepted");
  const HttpResponse out = attest(*evidence_);
  EXPECT_EQ(out.status, 200) << out.body;
  for (const auto& [name, value] : out.headers) EXPECT_NE(name, "x-sim-warning") << value;
}

TEST_F(SimulatedVm, EachTamperedFieldIsRefused) {
  EXPECT_EQ(reason_for(flipped({"TpmInfo", "PcrQuote"}, 60)), "maa_quote_signature");
  EXPECT_EQ(reason_for(flipped({"TpmInfo", "PcrSignature"}, 9)), "maa_quote_signature");
  EXPECT_EQ(reason_for(flipped({"TpmInfo", "EncKeyCertifyInfo"}, 60)), "maa_certify_signature");
  EXPECT_EQ(reason_for(flipped({"TpmInfo", "EncKeyCertifyInfoSignature"}, 9)),
            "maa_certify_signature");
  EXPECT_EQ(reason_for(flipped({"TpmInfo", "EncKeyPub"}, -9)), "maa_key_name");
  EXPECT_EQ(reason_for(flipped({"TpmInfo", "AikPub"}, -9)), "maa_ak_mismatch");
  EXPECT_EQ(reason_for(flipped({"TpmInfo", "AikCert"}, 200)), "maa_ak_certificate");
  EXPECT_EQ(reason_for(flipped({"TcgLogs"}, 150)), "maa_event_log");
  EXPECT_EQ(reason_for(flipped({"IsolationInfo", "Evidence", "RunTimeData"}, 400)),
            "maa_report_data");
  json::Value other = *evidence_;
  other.as_object()->find("IsolationInfo")->as_object()->set("Type", "TrustedLaunch");
  EXPECT_EQ(reason_for(other), "maa_type");
}

TEST_F(SimulatedVm, TamperedPcrsAndReportsAreRefused) {
  json::Value info = *evidence_;
  json::Value* first =
      &(*info.as_object()->find("TpmInfo")->as_object()->find("PCRs")->as_array())[4];
  first->as_object()->set("Digest", base64_encode(Bytes(32, 7)));
  EXPECT_EQ(reason_for(info), "maa_pcr_digest");

  const auto with_report = [](std::size_t at) {
    json::Value out = *evidence_;
    json::Object* evidence =
        out.as_object()->find("IsolationInfo")->as_object()->find("Evidence")->as_object();
    json::Value proof = *json::parse(*base64_decode(*evidence->find("Proof")->as_string()));
    Bytes report = *base64url_decode(*proof.string_at("SnpReport"));
    report[at] = static_cast<std::uint8_t>(report[at] ^ 1);
    proof.as_object()->set("SnpReport", base64url_encode(report));
    evidence->set("Proof", base64_encode(as_bytes(json::write(proof))));
    return out;
  };
  EXPECT_EQ(reason_for(with_report(0x90)), "maa_snp_signature");
  EXPECT_EQ(reason_for(with_report(0x2A1)), "maa_snp_signature");
}

TEST_F(SimulatedVm, SecureBootOffIsDenied) {
  auto vm = TpmVm::start(settings_, services_->hardware(), {"off", "image-1", "signer-1", false});
  ASSERT_TRUE(vm.ok()) << vm.error().message;
  const auto evidence = collect_evidence(**vm, services_->hardware());
  ASSERT_TRUE(evidence.ok()) << evidence.error().message;
  EXPECT_EQ(reason_for(evidence->info), "maa_secure_boot");
  const HttpResponse out = attest(evidence->info);
  EXPECT_EQ(out.status, 400);
  EXPECT_NE(out.body.find("PolicyEvaluationError"), std::string::npos);
}

TEST_F(SimulatedVm, UserDataRefreshesTheReport) {
  auto tpm = TpmWire::connect(vm_->tpm_path());
  ASSERT_TRUE(tpm.ok());
  ASSERT_TRUE(tpm->define_nv(kUserDataNv, kUserDataBytes).ok());
  ASSERT_TRUE(tpm->write_nv(kUserDataNv, Bytes(kUserDataBytes, 0xAB)).ok());
  const auto report = tpm->read_nv(kHclReportNv);
  ASSERT_TRUE(report.ok()) << report.error().message;
  const auto parts = split_hcl_report(*report);
  ASSERT_TRUE(parts.ok());
  EXPECT_EQ(json::parse(parts->runtime)->string_at("user-data")->substr(0, 4), "abab");
  Bytes want = crypto::sha256(as_bytes(parts->runtime));
  want.resize(64, 0);
  EXPECT_TRUE(equal(want, ByteView(parts->snp_report).subspan(0x50, 64)));
}

// ---- release, with a transfer key whose private half the test holds ----

struct Transfer {
  crypto::PrivateKey key;
  std::string token;
};

}  // namespace

class Release : public SimulatedVm {
 protected:
  static Transfer make_transfer(const TokenFaults& faults = {}) {
    auto key = crypto::PrivateKey::generate_rsa(2048);
    auto facts = verify_guest(services_->hardware(), *evidence_, clock_.unix_s());
    facts->key_modulus = *key->public_key()->rsa_modulus();
    auto token =
        make_guest_token(settings_, services_->hardware(), *facts, clock_.unix_s(), faults);
    return {std::move(*key), *token};
  }
  static HttpResponse release(const std::string& token, const std::string& enc,
                              const std::string& fault = {}) {
    HttpRequest request;
    request.method = "POST";
    request.target = "/keys/apm-master-key//release?api-version=7.3";
    const auto bearer =
        call_vault(*services_, clock_, "GET", "/keys/apm-master-key", {}).status == 200;
    EXPECT_TRUE(bearer);
    request.body = json::write(json::Object{{"target", token}, {"nonce", "abc"}, {"enc", enc}});
    HttpRequest imds;
    imds.method = "GET";
    imds.target =
        "/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%2F"
        "vault.azure.net";
    imds.headers = {{"metadata", "true"}};
    split_target(imds);
    const HttpResponse answer = services_->handle_plain(imds);
    EXPECT_EQ(answer.status, 200);
    request.headers = {
        {"host", settings_.vault_host()},
        {"authorization", "Bearer " + *json::parse(answer.body)->string_at("access_token")}};
    request.fault = fault;
    split_target(request);
    return services_->handle_https(request);
  }
  void SetUp() override {
    if (deployed_) return;
    const Status status = deploy(*services_, clock_, {});
    ASSERT_TRUE(status.ok()) << status.error().message;
    deployed_ = true;
  }
  static inline bool deployed_ = false;
};

TEST_F(Release, GivesTheKeyUnderBothWrapAlgorithms) {
  using crypto::Hash;
  for (const char* enc : {"CKM_RSA_AES_KEY_WRAP", "RSA_AES_KEY_WRAP_256"}) {
    const Transfer transfer = make_transfer();
    const HttpResponse out = release(transfer.token, enc);
    ASSERT_EQ(out.status, 200) << out.body;
    const auto jws = crypto::parse_jws(*json::parse(out.body)->string_at("value"));
    ASSERT_TRUE(jws.ok());
    EXPECT_TRUE(crypto::verify_rs256(*jws, *services_->hardware().tls.key.public_key()).ok());
    EXPECT_EQ(names_of(jws->header),
              (std::set<std::string>{".alg", ".kid", ".x5t", ".typ", ".x5t#S256", ".x5c"}));
    EXPECT_EQ(jws->header.at("x5c")->as_array()->size(), 3U);
    EXPECT_EQ(*walk(jws->payload, {"request", "nonce"})->as_string(), "abc");
    const json::Value* key = walk(jws->payload, {"response", "key", "key"});
    ASSERT_NE(key, nullptr);
    EXPECT_EQ(*key->string_at("e"), "AAEAAQ");
    const auto hsm = json::parse(*base64url_decode(*key->string_at("key_hsm")));
    ASSERT_TRUE(hsm.ok());
    EXPECT_EQ(*hsm->string_at("schema_version"), "1.0");
    EXPECT_EQ(*walk(*hsm, {"header", "kid"})->as_string(), "TpmEphemeralEncryptionKey");
    const Bytes text = *base64url_decode(*hsm->string_at("ciphertext"));
    const Hash hash = std::string(enc).ends_with("256") ? Hash::kSha256 : Hash::kSha1;
    const auto aes = transfer.key.decrypt_oaep(hash, hash, ByteView(text).first(256));
    ASSERT_TRUE(aes.ok());
    const auto pkcs8 = crypto::kwp_unwrap(*aes, ByteView(text).subspan(256));
    ASSERT_TRUE(pkcs8.ok());
    const auto released = crypto::PrivateKey::from_pkcs8_der(pkcs8->view());
    ASSERT_TRUE(released.ok());
    EXPECT_EQ(base64url_encode(*released->public_key()->rsa_modulus()), *key->string_at("n"));
  }
}

TEST_F(Release, RefusesWhatItMust) {
  const Transfer good = make_transfer();
  const char* enc = "RSA_AES_KEY_WRAP_256";
  const HttpResponse mismatch = release(good.token, enc, "policy_mismatch");
  EXPECT_EQ(mismatch.status, 403);
  EXPECT_NE(mismatch.body.find("does not meet key release policy"), std::string::npos);
  for (const std::string& token :
       {make_transfer({.expired = true}).token, make_transfer({.wrong_issuer = true}).token,
        good.token.substr(0, good.token.size() - 8) + "AAAAAAAA", std::string("no.token.x")}) {
    const HttpResponse out = release(token, enc);
    EXPECT_EQ(out.status, 403);
    EXPECT_NE(out.body.find("cannot be verified"), std::string::npos) << out.body;
  }
  EXPECT_EQ(release(good.token, "RSA_AES_KEY_WRAP_384").status, 400);
}

TEST_F(Release, AnOldVaultKnowsTheSha1FormAlone) {
  const Transfer good = make_transfer();
  const HttpResponse refused = release(good.token, "RSA_AES_KEY_WRAP_256", "old_enc");
  EXPECT_EQ(refused.status, 400);
  EXPECT_NE(refused.body.find("'enc'"), std::string::npos);
  EXPECT_EQ(release(good.token, "CKM_RSA_AES_KEY_WRAP", "old_enc").status, 200);
}

TEST_F(Release, TheControlApiTellsTheDeployedSecrets) {
  HttpRequest request;
  request.method = "GET";
  request.target = "/sim/canaries";
  split_target(request);
  const HttpResponse out = services_->handle_plain(request);
  ASSERT_EQ(out.status, 200) << out.body;
  const auto body = json::parse(out.body);
  ASSERT_TRUE(body.ok());
  std::set<std::string> names;
  for (const json::Value& one : *body->at("canaries")->as_array()) {
    names.insert(*one.string_at("name"));
    EXPECT_GE(hex_decode(*one.string_at("hex"))->size(), 32U);
  }
  EXPECT_EQ(names, (std::set<std::string>{"master key, private number", "master key, factors",
                                          "PFX password", "storage key", "TLS key, private number",
                                          "TLS key, factors"}));
}

}  // namespace apm::sim
