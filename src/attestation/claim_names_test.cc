// The names that policies may use are the names of what verifiers say: everything with one value
// that a family's verifier gives can be named, and every name stands for something that one gives.

#include "attestation/claim_names.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "attestation/sgx/result.h"
#include "attestation/snp/verify.h"
#include "attestation/tdx/result.h"
#include "attestation/testing/dcap_trial.h"
#include "attestation/testing/synthetic_enclave.h"
#include "attestation/testing/synthetic_maa.h"
#include "attestation/testing/synthetic_machine.h"

namespace apm::attestation {
namespace {

using testing::DcapTrial;
using testing::must;
using testing::SyntheticEnclave;
using testing::SyntheticMaa;
using testing::SyntheticMachine;

void collect(const json::Object& claims, const std::string& prefix, std::set<std::string>& out) {
  for (const auto& [name, value] : claims) {
    if (const json::Object* inner = value.as_object()) {
      collect(*inner, prefix + name + ".", out);
    } else if (value.as_array() == nullptr) {
      out.insert(prefix + name);
    }
  }
}

std::set<std::string> snp_names() {
  std::set<std::string> out;
  SyntheticMachine machine;
  const snp::Anchors anchors = machine.anchors();
  for (const auto product : {snp::Product::kMilan, snp::Product::kTurin}) {
    for (const auto kind : {snp::KeyKind::kVcek, snp::KeyKind::kVlek}) {
      machine.become(product, kind);
      machine.report_version = 5;
      machine.edit_report = [](Bytes& report) { report[0x48] |= 0x01; };  // AUTHOR_KEY_EN
      snp::Expectation expected;
      expected.anchors = &anchors;
      expected.now_unix_s = testing::kNow;
      expected.report_data = machine.report_data();
      expected.floor.allow_vlek = true;
      Appraisal appraisal;
      const auto claims = must(snp::verify(machine.snp_evidence(), expected, appraisal));
      collect(snp::to_result(claims).claims, "", out);
    }
  }
  return out;
}

std::set<std::string> azure_names() {
  std::set<std::string> out;
  SyntheticMachine machine;
  machine.reset();
  const snp::Anchors anchors = machine.anchors();
  azure_vtpm::Expectation expected;
  expected.anchors = &anchors;
  expected.now_unix_s = testing::kNow;
  expected.binding = Bytes(32, 7);
  expected.required_pcrs = login_pcrs();
  Appraisal appraisal;
  const auto evidence = machine.evidence([&](ByteView) { return expected.binding; });
  const auto claims = must(azure_vtpm::verify(evidence, expected, appraisal));
  collect(claims.result.claims, "", out);
  return out;
}

std::set<std::string> intel_names() {
  std::set<std::string> out;
  for (DcapTrial trial : {DcapTrial::sgx(), DcapTrial::td15()}) {
    const dcap::Expectation expected{&DcapTrial::anchors(), trial.now_unix_s, trial.report_data};
    const dcap::Collateral collateral = trial.platform.collateral();
    Appraisal appraisal;
    if (trial.is_tdx()) {
      const auto claims = must(
          tdx::verify(trial.platform.quote(), &collateral, expected, trial.tdx_floor, appraisal));
      collect(must(tdx::result_of(claims)).claims, "", out);
    } else {
      const auto claims = must(
          sgx::verify(trial.platform.quote(), &collateral, expected, trial.sgx_floor, appraisal));
      collect(sgx::result_of(claims).claims, "", out);
    }
  }
  return out;
}

std::set<std::string> nitro_names() {
  std::set<std::string> out;
  SyntheticEnclave enclave;
  const nitro::Anchors anchors = enclave.anchors();
  nitro::Expectation expected;
  expected.anchors = &anchors;
  expected.now_unix_s = SyntheticEnclave::kMadeAt + 2;
  Appraisal appraisal;
  collect(must(nitro::verify(enclave.document(), expected, appraisal)).evidence.claims, "", out);
  return out;
}

std::set<std::string> maa_names() {
  std::set<std::string> out;
  const SyntheticMaa provider;
  const maa::Jwks keys = provider.key_set();
  maa::Expectation expected;
  maa::Issuer issuer;
  issuer.url = SyntheticMaa::kIssuer;
  issuer.keys = &keys;
  issuer.policy_hashes.reset();
  expected.issuers.push_back(issuer);
  expected.now_unix_s = SyntheticMaa::kIssuedAt + 1;
  Appraisal appraisal;
  const std::string token = provider.token(provider.azure_vm(SyntheticMaa::add_snp));
  collect(must(maa::verify(token, expected, appraisal)).evidence.claims, "", out);
  return out;
}

const std::set<std::string>& all_names() {
  static const std::set<std::string> all = [] {
    std::set<std::string> out = {"family", "trust_anchor", "enclave_id", "signer_id"};
    for (const auto& names :
         {snp_names(), azure_names(), intel_names(), nitro_names(), maa_names()}) {
      out.insert(names.begin(), names.end());
    }
    return out;
  }();
  return all;
}

TEST(ClaimNames, EveryClaimCanBeNamed) {
  for (const std::string& name : all_names()) EXPECT_TRUE(is_claim_name(name)) << name;
}

TEST(ClaimNames, EveryNameIsAClaimOfSomeFamily) {
  // Given by the evidence of machines that no synthetic one is.
  const std::set<std::string_view> elsewhere = {
      "azure_hcl.user_data",     // written by the guest to NV 0x01400002
      "maa.enclave_id_reason"};  // only where there is no Enclave ID
  const std::set<std::string>& names = all_names();
  for (const std::string_view pattern : claim_names()) {
    if (elsewhere.contains(pattern)) continue;
    const bool family = pattern.ends_with('#') || pattern.ends_with('*');
    const std::string_view stem = pattern.substr(0, pattern.size() - (family ? 1 : 0));
    const bool given = std::ranges::any_of(names, [&](const std::string& name) {
      return family ? name.starts_with(stem) : name == pattern;
    });
    EXPECT_TRUE(given) << pattern;
  }
}

TEST(ClaimNames, NothingElse) {
  for (const char* name : {"", "sevsnp", "sevsnp.", "sevsnp.VMPL", "sevsnp.vmpl.x", "hwversion",
                           "tpm.pcrs.", "tpm.pcrs.x", "tpm.pcrs.07", "tpm.pcrs.100", "tpm.pcrs.#",
                           "maa.token.", "maa", "*", "azure_hcl.keys", "sgx.tcb.advisories"}) {
    EXPECT_FALSE(is_claim_name(name)) << name;
  }
  for (const char* name : {"tpm.pcrs.0", "tpm.pcrs.14", "maa.token.x-ms-runtime.keys",
                           "azure_hcl.vm_configuration.tpm-enabled"}) {
    EXPECT_TRUE(is_claim_name(name)) << name;
  }
}

}  // namespace
}  // namespace apm::attestation
