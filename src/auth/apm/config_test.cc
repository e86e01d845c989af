// Every floor of the configuration: evidence that is right but for this one floor is refused with
// the floor's own code, and accepted without it. The families' verifiers get the floors as the
// configuration holds them after a write and a way through storage.

#include "auth/apm/config.h"

#include <gtest/gtest.h>

#include "attestation/testing/dcap_trial.h"
#include "attestation/testing/synthetic_enclave.h"
#include "attestation/testing/synthetic_maa.h"
#include "base/encoding.h"

namespace apm::auth_apm {
namespace {

namespace maa = attestation::maa;
namespace nitro = attestation::nitro;
using attestation::Appraisal;
using attestation::testing::DcapTrial;
using attestation::testing::SyntheticEnclave;
using attestation::testing::SyntheticMaa;
using Reasons = std::set<std::string>;

std::string bytes_of(std::size_t size, std::uint8_t value) {
  return hex_encode(Bytes(size, value));
}

// Written, stored, read again.
Config with(const json::Object& change) {
  const auto merged = merge(Config{}, change);
  EXPECT_TRUE(merged.ok()) << (merged.ok() ? "" : merged.error().message);
  if (!merged.ok()) return {};
  auto stored = deserialize(as_bytes(serialize(*merged)));
  EXPECT_TRUE(stored.ok());
  return stored.ok() ? std::move(*stored) : Config{};
}

Reasons failed(const Appraisal& appraisal) {
  Reasons out;
  for (const auto& entry : appraisal.entries()) {
    if (!entry.holds) out.insert(entry.rule.reason);
  }
  return out;
}

Reasons judge_sgx(const Config& config) {
  DcapTrial trial = DcapTrial::sgx();
  trial.sgx_floor = config.sgx;
  return trial.failures();
}
Reasons judge_tdx(const Config& config) {
  DcapTrial trial = DcapTrial::td15();
  trial.tdx_floor = config.tdx;
  return trial.failures();
}
Reasons judge_nitro(const Config& config) {
  static SyntheticEnclave enclave;
  const nitro::Anchors anchors = enclave.anchors();
  nitro::Expectation expected;
  expected.anchors = &anchors;
  expected.now_unix_s = SyntheticEnclave::kMadeAt + 2;
  expected.floor = config.nitro;
  Appraisal appraisal;
  const auto verified = nitro::verify(enclave.document(), expected, appraisal);
  EXPECT_EQ(verified.ok(), failed(appraisal).empty());
  return failed(appraisal);
}

struct MaaTrial {
  void (*tee)(json::Object&) = SyntheticMaa::add_snp;
  bool plain = false;  // the TEE's own token and no VM's
};
Reasons judge_maa(const Config& config, MaaTrial trial) {
  static const SyntheticMaa provider;
  static const maa::Jwks keys = provider.key_set();
  maa::Expectation expected;
  for (const std::string& url : config.maa_trust.issuers) {
    expected.issuers.push_back({url, &keys, config.maa_trust.policy_hashes});
  }
  expected.now_unix_s = SyntheticMaa::kIssuedAt + 2;
  expected.floor = config.maa;
  json::Object payload = trial.plain ? SyntheticMaa::base() : provider.azure_vm(trial.tee);
  if (trial.plain) trial.tee(payload);
  Appraisal appraisal;
  const auto verified = maa::verify(provider.token(std::move(payload)), expected, appraisal);
  EXPECT_EQ(verified.ok(), failed(appraisal).empty());
  return failed(appraisal);
}
Config with_maa(json::Object change) {
  if (change.find("maa_issuers") == nullptr) change.set("maa_issuers", SyntheticMaa::kIssuer);
  if (change.find("maa_policy_hashes") == nullptr) {
    change.set("maa_policy_hashes", SyntheticMaa::kPolicyHash);
  }
  return with(change);
}

struct Floor {
  const char* name;
  json::Value passes;
  json::Value refuses;
  const char* reason;
};

template <class Judge>
void hold(const std::vector<Floor>& floors, Judge judge) {
  EXPECT_EQ(judge(json::Object{}), Reasons()) << "by default";
  for (const Floor& floor : floors) {
    EXPECT_EQ(judge(json::Object{{floor.name, floor.passes}}), Reasons()) << floor.name;
    EXPECT_EQ(judge(json::Object{{floor.name, floor.refuses}}), Reasons{floor.reason})
        << floor.name;
  }
}

// What the synthetic platforms of SGX and TDX are.
std::vector<Floor> platform_floors(const std::string& prefix, std::vector<std::string>& names) {
  const std::string fmspc = "90C06F000000";
  const std::string ppid = bytes_of(16, 0x11);
  const std::string instance = bytes_of(16, 0x22);
  names = {prefix + "allowed_fmspc", prefix + "denied_fmspc",         prefix + "allowed_ppids",
           prefix + "denied_ppids",  prefix + "allowed_platforms",    prefix + "denied_platforms",
           prefix + "tcb_statuses",  prefix + "min_evaluation_number"};
  return {{names[0].c_str(), fmspc, "000000000000", "dcap_fmspc_refused"},
          {names[1].c_str(), "000000000000", fmspc, "dcap_fmspc_refused"},
          {names[2].c_str(), ppid, bytes_of(16, 0), "dcap_ppid_refused"},
          {names[3].c_str(), bytes_of(16, 0), ppid, "dcap_ppid_refused"},
          {names[4].c_str(), instance, bytes_of(16, 0), "dcap_platform_instance_refused"},
          {names[5].c_str(), bytes_of(16, 0), instance, "dcap_platform_instance_refused"},
          {names[6].c_str(), "UpToDate,SWHardeningNeeded", "OutOfDate", "dcap_tcb_up_to_date"},
          {names[7].c_str(), 1, 4000000, "dcap_evaluation_number"}};
}

TEST(ApmConfig, FloorsOfSgx) {
  const auto judge = [](const json::Object& change) { return judge_sgx(with(change)); };
  std::vector<std::string> names;
  hold(platform_floors("sgx_", names), judge);
  hold({{"sgx_allowed_mrenclaves", bytes_of(32, 0xe1), bytes_of(32, 1), "sgx_mrenclave"},
        {"sgx_allowed_mrsigners", bytes_of(32, 0x51), bytes_of(32, 1), "sgx_mrsigner"},
        {"sgx_allowed_config_ids", bytes_of(64, 0), bytes_of(64, 1), "sgx_config_id"},
        {"sgx_prod_id", 3, 4, "sgx_prod_id"},
        {"sgx_min_isv_svn", 4, 5, "sgx_svn_too_old"}},
       judge);
}

TEST(ApmConfig, FloorsOfTdx) {
  const auto judge = [](const json::Object& change) { return judge_tdx(with(change)); };
  std::vector<std::string> names;
  hold(platform_floors("tdx_", names), judge);
  const auto digits = [](const std::string& start) {
    return start + std::string(32 - start.size(), '0');
  };
  hold({{"tdx_min_tee_tcb_svn", digits("050103"), digits("060103"), "tdx_tcb_svn_too_old"},
        {"tdx_min_tee_tcb_svn", digits("000003"), digits("000004"), "tdx_tcb_svn_too_old"},
        {"tdx_min_tee_tcb_svn", digits(""), std::string(31, '0') + "1", "tdx_tcb_svn_too_old"},
        {"tdx_required_attributes", "0x10000000", "0x40000000", "tdx_attributes"},
        {"tdx_permitted_attributes", "0x10000000", "0x40000000", "tdx_attributes"},
        {"tdx_required_xfam", "0x3", "0x8", "tdx_xfam"},
        {"tdx_permitted_xfam", "0x602e7", "0x3", "tdx_xfam"},
        {"tdx_allowed_mrseams", bytes_of(48, 0x5e), bytes_of(48, 1), "tdx_mrseam"},
        {"tdx_allowed_mrtds", bytes_of(48, 0xa0), bytes_of(48, 1), "tdx_mrtd"},
        {"tdx_allowed_mrconfigids", bytes_of(48, 0xa1), bytes_of(48, 1), "tdx_mrconfigid"},
        {"tdx_allowed_mrowners", bytes_of(48, 0xa2), bytes_of(48, 1), "tdx_mrowner"},
        {"tdx_allowed_mrownerconfigs", bytes_of(48, 0xa3), bytes_of(48, 1), "tdx_mrownerconfig"},
        {"tdx_allowed_mrservicetds", bytes_of(48, 0xb0), bytes_of(48, 1), "tdx_mrservicetd"},
        {"tdx_allowed_rtmr0", bytes_of(48, 0xa4), bytes_of(48, 1), "tdx_rtmr0"},
        {"tdx_allowed_rtmr1", bytes_of(48, 0xa5), bytes_of(48, 1), "tdx_rtmr1"},
        {"tdx_allowed_rtmr2", bytes_of(48, 0xa6), bytes_of(48, 1), "tdx_rtmr2"},
        {"tdx_allowed_rtmr3", bytes_of(48, 0xa7), bytes_of(48, 1), "tdx_rtmr3"}},
       judge);
}

TEST(ApmConfig, AdvisoriesOfIntel) {  // the platform's level carries INTEL-SA-00005
  EXPECT_EQ(judge_tdx(with({{"tdx_refused_advisories", "INTEL-SA-00004"}})), Reasons());
  EXPECT_EQ(judge_tdx(with({{"tdx_refused_advisories", "INTEL-SA-00005"}})),
            Reasons{"dcap_advisory_refused"});
}

TEST(ApmConfig, FloorsOfNitro) {
  hold({{"nitro_allowed_pcrs", "4:" + bytes_of(48, 0x14), "4:" + bytes_of(48, 1),
         "nitro_pcr_not_pinned"},
        {"nitro_allowed_pcrs", "0:" + bytes_of(48, 1) + ",0:" + bytes_of(48, 0x10),
         "16:" + bytes_of(48, 0), "nitro_pcr_not_pinned"},
        {"nitro_max_age_s", 2, 1, "nitro_too_old"}},
       [](const json::Object& change) { return judge_nitro(with(change)); });
}

TEST(ApmConfig, FloorsOfMaa) {
  const auto snp_vm = [](const json::Object& change) { return judge_maa(with_maa(change), {}); };
  hold(
      {{"maa_types", "azurevm,sgx", "sgx", "maa_type_not_allowed"},
       {"maa_compliance", "azure-compliant-cvm", "azure-compliant-uvm", "maa_compliance"},
       {"maa_policy_hashes", SyntheticMaa::kPolicyHash, base64url_encode(Bytes(32, 1)),
        "maa_policy_hash"},
       {"maa_max_age_s", 2, 1, "maa_too_old"},
       {"maa_min_svn_bootloader", 5, 6, "maa_svn_too_old"},
       {"maa_min_svn_tee", 5, 6, "maa_svn_too_old"},
       {"maa_min_svn_snpfw", 5, 6, "maa_svn_too_old"},
       {"maa_min_svn_microcode", 5, 6, "maa_svn_too_old"},
       {"maa_min_svn_guest", 5, 6, "maa_svn_too_old"},
       {"maa_allowed_measurements", bytes_of(48, 1), bytes_of(48, 2), "maa_measurement_not_pinned"},
       {"maa_allowed_host_data", bytes_of(32, 2), bytes_of(32, 1), "maa_host_data_not_pinned"}},
      snp_vm);
  const auto sgx = [](const json::Object& change) {
    return judge_maa(with_maa(change), {.tee = SyntheticMaa::add_sgx, .plain = true});
  };
  hold({{"maa_min_sgx_svn", 5, 6, "maa_svn_too_old"},
        {"maa_allowed_sgx_signers", bytes_of(32, 2), bytes_of(32, 1), "maa_sgx_signer_not_pinned"},
        {"maa_allowed_measurements", bytes_of(32, 1), bytes_of(32, 2),
         "maa_measurement_not_pinned"}},
       sgx);
  const auto tdx = [](const json::Object& change) {
    return judge_maa(with_maa(change), {.tee = SyntheticMaa::add_tdx, .plain = true});
  };
  hold({{"maa_tdx_tcb_statuses", "UpToDate", "OutOfDate", "maa_tdx_tcb_status"}}, tdx);
}

// The TEE's own token does not know Secure Boot.
TEST(ApmConfig, SecureBootByMaa) {
  const Config config = with_maa({{"maa_require_secure_boot", true}});
  EXPECT_EQ(judge_maa(config, {}), Reasons());
  const MaaTrial tee{.tee = SyntheticMaa::add_snp, .plain = true};
  EXPECT_EQ(judge_maa(config, tee), Reasons{"maa_secure_boot"});
  EXPECT_EQ(judge_maa(with_maa({}), tee), Reasons());
}

TEST(ApmConfig, VmplByMaa) {
  const auto at_vmpl_2 = [](json::Object& to) {
    SyntheticMaa::add_snp(to);
    to.set("x-ms-sevsnpvm-vmpl", 2);
  };
  const MaaTrial guest{.tee = at_vmpl_2, .plain = true};
  EXPECT_EQ(judge_maa(with_maa({{"maa_vmpl_max", 2}}), guest), Reasons());
  EXPECT_EQ(judge_maa(with_maa({{"maa_vmpl_max", 1}}), guest), Reasons{"maa_vmpl"});
}

TEST(ApmConfig, WithoutAnIssuerAndAPolicyHashNoMaaTokenIsAccepted) {
  EXPECT_EQ(judge_maa(with({}), {}), Reasons{"maa_issuer"});
  EXPECT_EQ(judge_maa(with({{"maa_issuers", SyntheticMaa::kIssuer}}), {}),
            Reasons{"maa_policy_hash"});
}

TEST(ApmConfig, WhatIsReadCanBeWritten) {
  const Config config = with_maa({{"sgx_prod_id", 7},
                                  {"tdx_allowed_rtmr3", bytes_of(48, 9)},
                                  {"nitro_allowed_pcrs", "1:" + bytes_of(48, 3)},
                                  {"claims_policy", R"({"allOf": [{"claim": "family",
                                     "in": ["snp", "tdx"]}]})"},
                                  {"allowed_families", "snp,tdx"}});
  json::Object described = describe(config);
  described.erase("epid-api-key-set");
  described.erase("dcap-api-key-set");
  EXPECT_EQ(json::write(describe(with(described))), json::write(describe(config)));
  const Config cleared = with({{"sgx_prod_id", ""}, {"claims_policy", ""}});
  EXPECT_EQ(json::write(describe(cleared)), json::write(describe(Config{})));
}

TEST(ApmConfig, AWriteMergesAndKeepsTheRest) {
  const auto first = merge(Config{}, {{"sgx_prod_id", 7}, {"tdx_tcb_statuses", json::Array{}}});
  ASSERT_TRUE(first.ok());
  const auto second = merge(*first, {{"sgx_min_isv_svn", 2}});
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(second->sgx.isv_prod_id, 7);
  EXPECT_EQ(second->sgx.isv_svn_min, 2);
  EXPECT_TRUE(second->tdx.platform.allowed_statuses.empty());
  EXPECT_EQ(judge_tdx(*second), Reasons{"dcap_tcb_up_to_date"});  // none is accepted
}

TEST(ApmConfig, WhatCannotBeMeantIsRefused) {
  const std::pair<const char*, json::Value> bad[] = {
      {"allowed_families", "snp,azure"},
      {"sgx_tcb_statuses", "UpToDate,Fine"},
      {"sgx_tcb_statuses", "Revoked"},
      {"tdx_refused_advisories", "SA-00615"},
      {"tdx_required_attributes", "0x1"},
      {"tdx_permitted_attributes", "0x20000000"},
      {"tdx_min_tee_tcb_svn", "0501"},
      {"tdx_allowed_mrtds", bytes_of(32, 1)},
      {"sgx_allowed_mrenclaves", bytes_of(48, 1)},
      {"sgx_prod_id", 65536},
      {"sgx_allow_debug", true},
      {"tdx_allow_debug", true},
      {"nitro_allow_debug", true},
      {"maa_allow_debug", true},
      {"nitro_allowed_pcrs", "32:" + bytes_of(48, 1)},
      {"nitro_allowed_pcrs", "1:" + bytes_of(32, 1)},
      {"nitro_max_age_s", 86401},
      {"maa_issuers", "http://a.attest.azure.net"},
      {"maa_issuers", "https://a.attest.azure.net/"},
      {"maa_issuers", "https://"},
      {"maa_policy_hashes", "abc"},
      {"maa_types", "tdx"},
      {"maa_allowed_measurements", bytes_of(20, 1)},
      {"maa_vmpl_max", 4}};
  for (const auto& [name, value] : bad) {
    const auto result = merge(Config{}, {{name, value}});
    ASSERT_FALSE(result.ok()) << name;
    EXPECT_EQ(result.error().reason, "config_value") << name;
  }
}

TEST(ApmConfig, AClaimsPolicyIsValidatedWhenItIsWritten) {
  const std::pair<const char*, const char*> bad[] = {
      {R"({"claim": "sevsnp.vmpl", "is": 0})", "policy_syntax"},
      {R"({"claim": "sevsnp.vmpl"})", "policy_syntax"},
      {R"({"allOf": []})", "policy_syntax"},
      {R"({"claim": "sevsnp.VMPL", "equals": 0})", "policy_claim_unknown"},
      {R"({"anyOf": [{"claim": "hwversion", "equals": "1"}]})", "policy_claim_unknown"},
      {"{", "policy_syntax"},
      {"[]", "policy_syntax"}};
  for (const auto& [text, reason] : bad) {
    const auto result = merge(Config{}, {{"claims_policy", text}});
    ASSERT_FALSE(result.ok()) << text;
    EXPECT_EQ(result.error().reason, reason) << text;
  }
  json::Array many;
  for (int i = 0; i < 300; ++i) {
    many.emplace_back(json::Object{{"claim", "family"}, {"equals", std::string(60, 'f')}});
  }
  const auto large = merge(Config{}, {{"claims_policy", json::Object{{"anyOf", many}}}});
  ASSERT_FALSE(large.ok());
  EXPECT_EQ(large.error().reason, "policy_size");
}

}  // namespace
}  // namespace apm::auth_apm
