// The attested login from challenge to opened answer, with software keys in the TPM's place.

#include "auth/apm/method.h"

#include <gtest/gtest.h>

#include "attestation/login_binding.h"
#include "attestation/testing/synthetic_machine.h"
#include "auth/apm/limits.h"
#include "base/encoding.h"
#include "crypto/aead.h"
#include "storage/leased_memory_store.h"

namespace apm::auth_apm {
namespace {

using attestation::testing::kNow;
using attestation::testing::must;
using attestation::testing::SyntheticMachine;
using logical::Operation;

class ApmMethod : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { machine_ = new SyntheticMachine(); }
  static void TearDownTestSuite() {
    delete machine_;
    machine_ = nullptr;
  }
  void SetUp() override {
    m().reset();
    auto plan = barrier_.plan_init(barrier::StoreKind::kTest, {1, 1});
    ASSERT_TRUE(plan.ok()) << plan.error().message;
    ASSERT_TRUE(barrier_.commit_init(std::move(*plan)).ok());
    open();
  }
  void open() {
    auto anchors = std::make_shared<attestation::snp::Anchors>(attestation::snp::Anchors::none());
    ASSERT_TRUE(anchors->add_named("synthetic", m().ark_pem()).ok());
    Dependencies d;
    d.clock = &clock_;
    d.anchors = anchors;
    d.cluster_id = "cluster-1";
    d.server_key_sha256 = [this] { return Result<Bytes>(server_key_); };
    d.issue_token = [this](const logical::AttestedIdentity& identity, std::int64_t issued,
                           std::uint64_t ttl, const std::string& accessor) {
      issued_to_ = identity;
      return Result<std::string>("hvb." + accessor + std::to_string(issued) + "." +
                                 std::to_string(ttl));
    };
    method_ = must(Method::open(barrier::View(barrier_, "auth/1/"), std::move(d)));
  }

  static SyntheticMachine& m() { return *machine_; }
  Result<logical::Response> call(Operation op, const std::string& path, json::Object data = {}) {
    logical::Request request;
    request.operation = op;
    request.mount_path = "auth/apm/";
    request.path = path;
    request.data = std::move(data);
    return method_->handle(request);
  }
  json::Object challenge() { return *must(call(Operation::kUpdate, "challenge")).data; }

  // The workload's part, for the challenge as it was given.
  json::Object answer(const json::Object& c) {
    const json::Value v(c);
    attestation::LoginBinding input;
    input.nonce = must(base64url_decode(*v.string_at("nonce")));
    input.cluster_id = *v.string_at("cluster_id");
    input.server_key_sha256 = must(hex_decode(*v.string_at("server_key_sha256")));
    const auto e = m().evidence([&](ByteView key_public) {
      input.key_name = attestation::tpm::object_name(key_public);
      binding_ = attestation::login_binding(input);
      return binding_;
    });
    json::Object pcrs;
    for (const auto& [i, value] : e.quote.pcrs) pcrs.set(std::to_string(i), hex_encode(value));
    return json::Object{
        {"family", "azure-snp-vtpm"},
        {"nonce", *v.string_at("nonce")},
        {"hcl_report", base64_encode(e.platform.hcl_report)},
        {"vcek_chain", e.platform.endorsements.chain_pem},
        {"quote", json::Object{{"attest", base64_encode(e.quote.attest)},
                               {"signature", base64_encode(e.quote.signature)}}},
        {"pcrs", pcrs},
        {"key_public", base64_encode(e.key_public)},
        {"key_certify", json::Object{{"attest", base64_encode(e.certify_attest)},
                                     {"signature", base64_encode(e.certify_signature)}}},
        {"event_log", base64_encode(e.event_log)}};
  }
  std::string login_reason(const json::Object& body) {
    const auto result = call(Operation::kUpdate, "login", body);
    return result.ok() ? "accepted" : result.error().reason;
  }
  json::Value open_sealed(const logical::Response& response) {
    const json::Value data(*response.data);
    const json::Value& sealed = *data.at("sealed");
    const Bytes label = to_bytes(std::string_view("apm-login-v1\0", 13));
    const auto key = must(m().login_key().decrypt_oaep(
        crypto::Hash::kSha256, crypto::Hash::kSha256,
        must(base64_decode(*sealed.string_at("encrypted_key"))), label));
    const Bytes plain =
        must(crypto::gcm_open(key, must(base64_decode(*sealed.string_at("nonce"))), binding_,
                              must(base64_decode(*sealed.string_at("ciphertext")))));
    return must(json::parse(plain));
  }

  ManualClock clock_{kNow};
  storage::LeasedMemoryStore store_;
  barrier::Barrier barrier_{store_, clock_};
  Bytes server_key_ = Bytes(32, 0x5e);
  Bytes binding_;
  logical::AttestedIdentity issued_to_;
  std::unique_ptr<Method> method_;

 private:
  static SyntheticMachine* machine_;
};
SyntheticMachine* ApmMethod::machine_ = nullptr;

TEST_F(ApmMethod, LoginEndToEnd) {
  const json::Object c = challenge();
  clock_.advance(Milliseconds(3000));
  const auto response = call(Operation::kUpdate, "login", answer(c));
  ASSERT_TRUE(response.ok()) << response.error().reason << ": " << response.error().message;
  EXPECT_EQ(response->data->size(), 1U);  // nothing but the sealed part
  EXPECT_FALSE(response->grant.has_value());
  const json::Value opened = open_sealed(*response);
  EXPECT_EQ(*opened.string_at("signer_id"), m().signer_id());
  EXPECT_EQ(*opened.string_at("enclave_id"), issued_to_.enclave_id);
  EXPECT_EQ(*opened.string_at("client_token"),
            "hvb." + *opened.string_at("accessor") + std::to_string(kNow) + ".600");
  EXPECT_EQ(opened.at("lease_duration")->as_int(), 600);
  EXPECT_EQ(issued_to_.trust_anchor, "synthetic");
}

TEST_F(ApmMethod, NonceRules) {
  const json::Object c = challenge();
  const json::Object body = answer(c);
  EXPECT_EQ(login_reason(body), "accepted");
  EXPECT_EQ(login_reason(body), "nonce_used");
  const json::Object late = answer(challenge());
  clock_.advance(Milliseconds(kChallengeTtlS * 1000));
  EXPECT_EQ(login_reason(late), "accepted");
  const json::Object later = answer(challenge());
  clock_.advance(Milliseconds(kChallengeTtlS * 1000 + 1000));
  EXPECT_EQ(login_reason(later), "nonce_expired");
  const json::Object before_restart = answer(challenge());
  open();
  EXPECT_EQ(login_reason(before_restart), "nonce_invalid");
  json::Object short_nonce = answer(challenge());
  short_nonce.set("nonce", "AAAA");
  EXPECT_EQ(login_reason(short_nonce), "nonce_invalid");
}

TEST_F(ApmMethod, ARelayedOrForeignChallengeIsRefused) {
  json::Object c = challenge();
  c.set("server_key_sha256", hex_encode(Bytes(32, 0x66)));  // what a rogue server would say
  EXPECT_EQ(login_reason(answer(c)), "tpm_extra_data");
  c = challenge();
  c.set("cluster_id", "cluster-2");
  EXPECT_EQ(login_reason(answer(c)), "tpm_extra_data");
  json::Object mixed = answer(challenge());
  mixed.set("nonce", *json::Value(challenge()).string_at("nonce"));
  EXPECT_EQ(login_reason(mixed), "tpm_extra_data");
}

TEST_F(ApmMethod, DenialsNameTheRule) {
  m().edit_report = [](Bytes& r) { r[0x00A] = 0x0b; };
  EXPECT_EQ(login_reason(answer(challenge())), "snp_debug_allowed");
  m().reset();
  m().events[0].data = SyntheticMachine::secure_boot(0);
  EXPECT_EQ(login_reason(answer(challenge())), "secure_boot_off");
  m().reset();
  json::Object body = answer(challenge());
  body.set("family", "cca");
  body.set("caller_key", base64_encode(must(m().login_key().public_key()).spki_der()));
  EXPECT_EQ(login_reason(body), "family_unsupported");
  body = answer(challenge());
  body.erase("vcek_chain");
  EXPECT_EQ(login_reason(body), "snp_chain_missing");
  for (const char* member :
       {"nonce", "hcl_report", "quote", "pcrs", "key_public", "key_certify", "event_log"}) {
    json::Object incomplete = answer(challenge());
    incomplete.erase(member);
    EXPECT_EQ(login_reason(incomplete), "login_malformed") << member;
  }
}

TEST_F(ApmMethod, ConfigMergesAndHidesKeys) {
  ASSERT_TRUE(call(Operation::kUpdate, "config", {{"epid-api-key", "e-secret"}}).ok());
  ASSERT_TRUE(
      call(Operation::kUpdate, "config",
           {{"dcap-api-key", "d-secret"}, {"min_tcb_microcode", "214"}, {"token_ttl", "5m"}})
          .ok());
  open();  // from storage
  const auto read = call(Operation::kRead, "config");
  ASSERT_TRUE(read.ok());
  const std::string text = json::write(json::Value(*read->data));
  EXPECT_EQ(text.find("secret"), std::string::npos);
  EXPECT_TRUE(*read->data->find("epid-api-key-set")->as_bool());
  EXPECT_TRUE(*read->data->find("dcap-api-key-set")->as_bool());
  EXPECT_EQ(read->data->find("token_ttl")->as_int(), 300);
  EXPECT_EQ(login_reason(answer(challenge())), "snp_tcb_too_old");
  EXPECT_EQ(call(Operation::kUpdate, "config", {{"min_tbc_snp", 1}}).error().reason,
            "config_value");
  EXPECT_EQ(call(Operation::kUpdate, "config", {{"min_tcb_snp", 256}}).error().reason,
            "config_value");
}

TEST_F(ApmMethod, EveryFloorOfTheConfigurationIsKeptAndHeld) {
  const std::string chip = hex_encode(Bytes(64, 0xc1));
  struct Case {
    const char* reason = nullptr;  // of a login under this floor alone
    const char* name = nullptr;
    json::Value value;
    const char* stored = nullptr;
  };
  const Case cases[] = {
      {"snp_tcb_too_old", "min_tcb_snp", 23, "23"},
      {"snp_tcb_too_old", "min_tcb_tee", "1", "1"},
      {"snp_tcb_too_old", "min_tcb_bootloader", 5, "5"},
      {"accepted", "min_tcb_fmc", 1, "1"},
      {"snp_committed_tcb_too_old", "min_committed_tcb_snp", 23, "23"},
      {"snp_launch_tcb_too_old", "min_launch_tcb_microcode", 214, "214"},
      {"snp_firmware_too_old", "min_firmware", "1.56.0", "\"1.56.0\""},
      {"snp_guest_svn", "min_guest_svn", 1, "1"},
      {"accepted", "vmpl_max", 1, "1"},
      {"accepted", "allow_vlek", "true", "true"},
      {"snp_alias_check_missing", "require_alias_check", true, "true"},
      {"snp_platform_bits", "required_platform_info", "0x20", "\"0x0000000000000020\""},
      {"snp_mitigations_missing", "required_mitigations", 9, "\"0x0000000000000009\""},
      {"snp_chip_denied", "denied_chips", chip, nullptr},
      {"snp_chip_not_allowed", "allowed_chips", std::string(128, 'A'), nullptr},
      {"snp_measurement_not_allowed", "allowed_measurements", std::string(96, 'a'), nullptr},
      {"snp_host_data_not_allowed", "allowed_host_data", std::string(64, 'a'), nullptr},
      {"snp_id_key_not_allowed", "allowed_id_keys", std::string(96, 'a'), nullptr},
      {"snp_author_key_not_allowed", "allowed_author_keys", std::string(96, 'a'), nullptr},
      {"snp_crl_missing", "require_crl", true, "true"},
      {"azure_vm_not_allowed", "allowed_vm_ids", "VM-2", "[\"vm-2\"]"},
      {"accepted", "require_secure_boot", true, "true"},
      {"tpm_pcr_not_allowed", "allowed_pcrs", "7:" + std::string(64, '0'), nullptr},
      {"family_not_allowed", "allowed_families", "snp,sgx", "[\"sgx\",\"snp\"]"},
      {"accepted", "allowed_families", "azure-snp-vtpm", "[\"azure-snp-vtpm\"]"},
      {"claims_policy", "claims_policy", R"({"claim":"tpm.reset_count","exists":false})",
       R"({"claim":"tpm.reset_count","exists":false})"},
      {"accepted", "claims_policy",
       json::Object{{"claim", "sevsnp.reported_tcb.snp"}, {"greaterOrEquals", 22}}, nullptr},
      {"claims_policy", "claims_policy",
       json::Object{{"claim", "sevsnp.reported_tcb.snp"}, {"greaterOrEquals", 23}}, nullptr}};
  const json::Object defaults = *must(call(Operation::kRead, "config")).data;
  for (const Case& c : cases) {
    ASSERT_NE(defaults.find(c.name), nullptr) << c.name;
    ASSERT_TRUE(call(Operation::kUpdate, "config", {{c.name, c.value}}).ok()) << c.name;
    open();  // from storage
    EXPECT_EQ(login_reason(answer(challenge())), c.reason) << c.name;
    const json::Object now = *must(call(Operation::kRead, "config")).data;
    EXPECT_FALSE(*now.find(c.name) == *defaults.find(c.name)) << c.name;
    if (c.stored != nullptr) {
      EXPECT_EQ(json::write(*now.find(c.name)), c.stored) << c.name;
    }
    ASSERT_TRUE(call(Operation::kUpdate, "config", {{c.name, *defaults.find(c.name)}}).ok());
  }
  EXPECT_EQ(login_reason(answer(challenge())), "accepted");
}

TEST_F(ApmMethod, FloorsThatCannotBeReadAreRefused) {
  const std::pair<const char*, json::Value> bad[] = {
      {"vmpl_max", 4},
      {"min_firmware", "1.55"},
      {"min_firmware", 155},
      {"min_firmware", "1.55.256"},
      {"allow_vlek", "yes"},
      {"required_platform_info", "0x"},
      {"required_platform_info", "0x00000000000000001"},
      {"allowed_pcrs", "24:" + std::string(64, '0')},
      {"allowed_pcrs", "7"},
      {"allowed_chips", "c1"},
      {"allowed_id_keys", 7},
      {"allow_debug", true},
      {"allow_migration", true},
      {"min_guest_svn", 4294967296}};
  for (const auto& [name, value] : bad) {
    const auto result = call(Operation::kUpdate, "config", {{name, value}});
    ASSERT_FALSE(result.ok()) << name;
    EXPECT_EQ(result.error().reason, "config_value") << name;
  }
}

TEST_F(ApmMethod, ARevocationListMayComeWithTheLogin) {
  ASSERT_TRUE(call(Operation::kUpdate, "config", {{"require_crl", true}}).ok());
  json::Object body = answer(challenge());
  body.set("amd_crl", base64_encode(must(crypto::build_crl({kNow - 1, kNow + 1, {}, ""}, m().ark(),
                                                           m().ark_key()))));
  EXPECT_EQ(login_reason(body), "accepted");
  body.set("amd_crl", "*");
  EXPECT_EQ(login_reason(body), "login_malformed");
}

TEST_F(ApmMethod, Authorisations) {
  const std::string e(64, 'e');
  const std::string s(64, '5');
  const std::string other(64, 'a');
  ASSERT_TRUE(call(Operation::kUpdate, "authorizations/enclave",
                   {{"enclave", e}, {"signer", s}, {"secret", "dek"}})
                  .ok());
  ASSERT_TRUE(call(Operation::kUpdate, "authorizations/signer",
                   {{"signer", s}, {"engine_path", "kv/"}, {"secret", "app/key"}})
                  .ok());
  open();  // from storage
  const auto reads = [&](const std::string& enclave, const std::string& signer,
                         const std::string& path) {
    return method_->authorises({enclave, signer, "azure-snp-vtpm", "synthetic", {}},
                               Operation::kRead, path);
  };
  EXPECT_TRUE(reads(e, s, "anjuna/dek"));
  EXPECT_FALSE(reads(other, s, "anjuna/dek"));
  EXPECT_FALSE(reads(e, other, "anjuna/dek"));
  EXPECT_FALSE(reads(e, "", "anjuna/dek"));
  EXPECT_FALSE(reads("", "", "anjuna/dek"));
  EXPECT_FALSE(reads(e, s, "anjuna/de"));
  EXPECT_FALSE(reads(e, s, "anjuna/dek/x"));
  EXPECT_TRUE(reads(other, s, "kv/app/key"));
  for (const Operation op : {Operation::kList, Operation::kCreate, Operation::kUpdate,
                             Operation::kPatch, Operation::kDelete}) {
    EXPECT_FALSE(method_->authorises({e, s, "", "", {}}, op, "anjuna/dek"));
  }
  const auto listed = call(Operation::kList, "authorizations");
  ASSERT_TRUE(listed.ok());
  EXPECT_EQ(listed->data->find("keys")->as_array()->size(), 2U);
  ASSERT_TRUE(call(Operation::kUpdate, "authorizations/revoke",
                   {{"enclave", e}, {"signer", s}, {"secret", "dek"}})
                  .ok());
  EXPECT_FALSE(reads(e, s, "anjuna/dek"));
  const auto left = call(Operation::kRead, "authorizations");
  const std::string id = *left->data->find("authorizations")->as_array()->front().string_at("id");
  ASSERT_TRUE(call(Operation::kDelete, "authorizations/" + id).ok());
  EXPECT_FALSE(reads(other, s, "kv/app/key"));
  EXPECT_EQ(call(Operation::kDelete, "authorizations/" + id).error().reason,
            "authorization_unknown");
  open();
  EXPECT_FALSE(reads(e, s, "anjuna/dek"));
}

TEST_F(ApmMethod, AuthorisationInput) {
  const std::string s(64, '5');
  const auto reason = [&](const std::string& kind, json::Object data) {
    const auto result = call(Operation::kUpdate, "authorizations/" + kind, std::move(data));
    return result.ok() ? "accepted" : result.error().reason;
  };
  EXPECT_EQ(reason("enclave", {{"signer", s}, {"secret", "x"}}), "authorization_value");
  EXPECT_EQ(reason("signer", {{"signer", "5"}, {"secret", "x"}}), "authorization_value");
  EXPECT_EQ(reason("signer", {{"signer", s}}), "authorization_value");
  EXPECT_EQ(reason("signer", {{"signer", s}, {"enclave", s}, {"secret", "x"}}),
            "authorization_value");
  for (const char* secret : {"", "*", "a/../b", "a//b", "/a", "a/", "a+b"}) {
    EXPECT_EQ(reason("signer", {{"signer", s}, {"secret", secret}}), "authorization_value")
        << secret;
  }
  EXPECT_EQ(call(Operation::kRead, "login").error().code, Code::kUnsupported);
  EXPECT_EQ(call(Operation::kRead, "nothing").error().code, Code::kNotFound);
  EXPECT_TRUE(method_->unauthenticated("login"));
  EXPECT_FALSE(method_->unauthenticated("config"));
  EXPECT_FALSE(method_->unauthenticated("authorizations"));
}

TEST_F(ApmMethod, ExplainIssuesNothingAndNeedsSudo) {
  EXPECT_TRUE(method_->needs_sudo("explain"));
  EXPECT_FALSE(method_->unauthenticated("explain"));
  json::Object body = answer(challenge());
  const auto told = call(Operation::kUpdate, "explain", body);
  ASSERT_TRUE(told.ok()) << told.error().message;
  EXPECT_EQ(*told->data->find("verdict")->as_string(), "accept");
  EXPECT_TRUE(issued_to_.enclave_id.empty());
  EXPECT_EQ(login_reason(body), "accepted");  // the challenge is not used up
  body.set("at", 1);
  const auto long_ago = call(Operation::kUpdate, "explain", body);
  ASSERT_TRUE(long_ago.ok());
  EXPECT_EQ(*long_ago->data->find("reason")->as_string(), "snp_chain_not_yet_valid");
  body.set("at", "yesterday");
  EXPECT_EQ(call(Operation::kUpdate, "explain", body).error().reason, "login_malformed");
  EXPECT_EQ(call(Operation::kRead, "explain").error().code, Code::kUnsupported);
}

TEST_F(ApmMethod, ARefusalTellsTheReasonAndAnOperatorTheRules) {
  const auto login = [&](const std::string& id) {
    logical::Request request;
    request.operation = Operation::kUpdate;
    request.mount_path = "auth/apm/";
    request.path = "login";
    request.data = answer(challenge());
    request.request_id = id;
    return method_->handle(request).error();
  };
  ASSERT_TRUE(call(Operation::kUpdate, "config",
                   {{"allowed_host_data", std::string(64, 'a')}, {"vmpl_max", 0}})
                  .ok());
  const Error floor = login("request-1");
  EXPECT_EQ(floor.reason, "snp_host_data_not_allowed");
  EXPECT_EQ(floor.message.find("found"), std::string::npos) << floor.message;
  EXPECT_NE(floor.message.find("request-1"), std::string::npos) << floor.message;
  const auto kept = call(Operation::kRead, "refusals/request-1");
  ASSERT_TRUE(kept.ok());
  EXPECT_EQ(*kept->data->find("reason")->as_string(), "snp_host_data_not_allowed");
  EXPECT_GT(kept->data->find("rules")->as_array()->size(), 10U);
  // A fault of the evidence itself is told as it is.
  m().events[0].data = SyntheticMachine::secure_boot(0);
  ASSERT_TRUE(call(Operation::kUpdate, "config", {{"allowed_host_data", ""}}).ok());
  EXPECT_NE(login("request-2").message.find("Secure Boot"), std::string::npos);
  m().reset();
  ASSERT_TRUE(call(Operation::kUpdate, "config",
                   {{"allowed_host_data", std::string(64, 'a')}, {"explain_refusals", true}})
                  .ok());
  const Error explained = login("request-3");
  EXPECT_NE(explained.message.find("snp_host_data_not_allowed: found"), std::string::npos)
      << explained.message;
  const auto listed = call(Operation::kList, "refusals");
  ASSERT_TRUE(listed.ok());
  EXPECT_EQ(json::write(*listed->data->find("keys")), R"(["request-3","request-2","request-1"])");
  EXPECT_TRUE(method_->needs_sudo("refusals"));
  EXPECT_TRUE(method_->needs_sudo("refusals/request-1"));
  EXPECT_FALSE(method_->needs_sudo("config"));
  EXPECT_EQ(call(Operation::kRead, "refusals/other").error().reason, "refusal_unknown");
}

TEST_F(ApmMethod, AReadThatAClaimsPolicyRefusesIsKeptForOperators) {
  const std::string e(64, 'e');
  const std::string s(64, '5');
  ASSERT_TRUE(call(Operation::kUpdate, "authorizations/enclave",
                   {{"enclave", e},
                    {"signer", s},
                    {"secret", "dek"},
                    {"claims", R"({"claim": "sevsnp.vmpl", "equals": 0})"}})
                  .ok());
  logical::Request read;
  read.operation = Operation::kRead;
  read.path = "anjuna/dek";
  read.request_id = "request-1";
  read.caller.identity = logical::AttestedIdentity{e, s, "snp", "amd", {}};
  EXPECT_FALSE(method_->authorises(*read.caller.identity, Operation::kRead, read.path));
  EXPECT_EQ(method_->read_refused(read), "");
  const auto kept = call(Operation::kRead, "refusals/request-1");
  ASSERT_TRUE(kept.ok());
  EXPECT_EQ(*kept->data->find("reason")->as_string(), "claims_policy");
  ASSERT_TRUE(call(Operation::kUpdate, "config", {{"explain_refusals", true}}).ok());
  EXPECT_NE(method_->read_refused(read).find("sevsnp.vmpl"), std::string::npos);
  read.path = "anjuna/other";  // no authorisation of it names the caller: nothing to keep or tell
  read.request_id = "request-2";
  EXPECT_EQ(method_->read_refused(read), "");
  EXPECT_EQ(call(Operation::kRead, "refusals/request-2").error().reason, "refusal_unknown");
}

TEST(ApmRefusals, TheOldestIsForgottenFirst) {
  Refusals refusals;
  for (std::size_t i = 0; i <= kRefusalsMax; ++i) {
    Refusal one;
    one.request_id = std::to_string(i);
    refusals.add(std::move(one));
  }
  EXPECT_FALSE(refusals.find("0").has_value());
  EXPECT_TRUE(refusals.find("1").has_value());
  EXPECT_EQ(refusals.newest_first().size(), kRefusalsMax);
  EXPECT_EQ(refusals.newest_first().front().request_id, std::to_string(kRefusalsMax));
}

}  // namespace
}  // namespace apm::auth_apm
