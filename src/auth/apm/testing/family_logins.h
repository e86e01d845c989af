#pragma once

// The workload's part of a login, for every evidence family: a challenge in, a request out whose
// evidence software keys signed, and the key that opens the answer. Everything is right until a
// test changes it. Not part of any program.

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "attestation/login_binding.h"
#include "attestation/testing/dcap_trial.h"
#include "attestation/testing/synthetic_enclave.h"
#include "attestation/testing/synthetic_machine.h"
#include "auth/apm/method.h"
#include "base/encoding.h"
#include "crypto/aead.h"

namespace apm::auth_apm::testing {

using attestation::testing::DcapTrial;
using attestation::testing::must;
using attestation::testing::SyntheticEnclave;
using attestation::testing::SyntheticMachine;

// Made once: their keys take long.
inline SyntheticMachine& machine() {
  static SyntheticMachine made;
  return made;
}
inline SyntheticEnclave& enclave() {
  static SyntheticEnclave made;
  return made;
}
inline const crypto::PrivateKey& caller() {
  static const crypto::PrivateKey made = must(crypto::PrivateKey::generate_rsa(2048));
  return made;
}
inline Bytes spki_of(const crypto::PrivateKey& key) { return must(key.public_key()).spki_der(); }

inline std::shared_ptr<const attestation::snp::Anchors> amd_anchors() {
  return std::make_shared<attestation::snp::Anchors>(machine().anchors());
}
inline std::shared_ptr<const attestation::dcap::Anchors> intel_anchors() {
  return std::make_shared<attestation::dcap::Anchors>(DcapTrial::make_anchors());
}
inline std::shared_ptr<const attestation::nitro::Anchors> aws_anchors() {
  return std::make_shared<attestation::nitro::Anchors>(enclave().anchors());
}

// What a challenge (the answer's data) says, for the holder of a key.
inline attestation::LoginBinding asked(const json::Value& challenge, ByteView key_name) {
  return {must(base64url_decode(*challenge.string_at("nonce"))), *challenge.string_at("cluster_id"),
          must(hex_decode(*challenge.string_at("server_key_sha256"))), to_bytes(key_name)};
}

struct Login {
  json::Object body;  // of the request
  Bytes binding;
  const crypto::PrivateKey* key = nullptr;  // opens the answer
};

inline json::Value open_sealed(const json::Value& data, const Login& login) {
  const json::Value& sealed = *data.at("sealed");
  const auto member = [&](const char* name) {
    return must(base64_decode(*sealed.string_at(name)));
  };
  const auto key = must(login.key->decrypt_oaep(crypto::Hash::kSha256, crypto::Hash::kSha256,
                                                member("encrypted_key"),
                                                to_bytes(std::string_view("apm-login-v1\0", 13))));
  return must(json::parse(
      must(crypto::gcm_open(key, member("nonce"), login.binding, member("ciphertext")))));
}

// ---- Evidence that the hardware signs for the caller's own key ----

struct Signed {
  Bytes report_data;  // 64 bytes
  Bytes nonce;        // Nitro's
  Bytes public_key;
};
inline Signed signed_for(ByteView binding, ByteView caller_key) {
  Bytes report_data = to_bytes(binding);
  report_data.resize(64);
  return {std::move(report_data), to_bytes(binding), to_bytes(caller_key)};
}

inline std::string collateral_text(const attestation::dcap::Collateral& c) {
  return json::write(json::Object{{"tcb_info", c.tcb_info.body},
                                  {"tcb_info_signature", hex_encode(c.tcb_info.signature)},
                                  {"tcb_info_issuer_chain", c.tcb_info.chain_pem},
                                  {"qe_identity", c.qe_identity.body},
                                  {"qe_identity_signature", hex_encode(c.qe_identity.signature)},
                                  {"qe_identity_issuer_chain", c.qe_identity.chain_pem},
                                  {"pck_crl", hex_encode(c.pck_crl)},
                                  {"root_ca_crl", hex_encode(c.root_crl)}});
}

inline json::Object edited_snp_evidence(const Signed& data,
                                        const std::function<void(Bytes&)>& edit) {
  machine().reset();
  machine().edit_report = [data, edit](Bytes& report) {
    std::ranges::copy(data.report_data, report.begin() + 0x50);
    edit(report);
  };
  const auto evidence = machine().snp_evidence();
  return {{"family", "snp"},
          {"report", base64_encode(evidence.report)},
          {"vcek_chain", evidence.endorsements.chain_pem}};
}
inline json::Object snp_evidence(const Signed& data) {
  return edited_snp_evidence(data, [](Bytes&) {});
}
inline json::Object intel_evidence(DcapTrial trial, const Signed& data) {
  const std::ptrdiff_t at = trial.is_tdx() ? 520 : 320;
  std::ranges::copy(data.report_data, trial.platform.body.begin() + at);
  return {{"family", trial.is_tdx() ? "tdx" : "sgx"},
          {"quote", base64_encode(trial.platform.quote())},
          {"collateral", collateral_text(trial.platform.collateral())}};
}
inline json::Object nitro_evidence(const Signed& data) {
  using attestation::testing::cbor_bytes;
  using attestation::testing::cbor_text;
  enclave().reset();
  enclave().edit_fields = [data](attestation::testing::CborPairs& fields) {
    for (auto& [name, value] : fields) {
      if (name == cbor_text("nonce")) value = cbor_bytes(data.nonce);
      if (name == cbor_text("public_key")) value = cbor_bytes(data.public_key);
    }
  };
  return {{"family", "aws-nitro"}, {"document", base64_encode(enclave().document())}};
}

struct Direct {
  std::string name;
  std::int64_t now = 0;
  std::function<json::Object(const Signed&)> evidence;
  std::string unbound;  // the reason when it answers another challenge
};
inline std::vector<Direct> direct_families() {
  const auto sgx = [](const Signed& data) { return intel_evidence(DcapTrial::sgx(), data); };
  const auto tdx = [](const Signed& data) { return intel_evidence(DcapTrial(), data); };
  return {{"snp", attestation::testing::kNow, snp_evidence, "snp_report_data"},
          {"sgx", attestation::testing::kIntelNow, sgx, "dcap_report_data"},
          {"tdx", attestation::testing::kIntelNow, tdx, "dcap_report_data"},
          {"aws-nitro", SyntheticEnclave::kMadeAt + 2, nitro_evidence, "nitro_nonce"}};
}

inline Login direct_login(const Direct& family, const json::Value& challenge) {
  const Bytes key = spki_of(caller());
  const Bytes binding = attestation::login_binding(asked(challenge, key));
  json::Object body = family.evidence(signed_for(binding, key));
  body.set("nonce", *challenge.string_at("nonce"));
  body.set("caller_key", base64_encode(key));
  return {std::move(body), binding, &caller()};
}

// ---- Azure's vTPM ----

inline json::Object signed_object(ByteView attest, ByteView signature) {
  return {{"attest", base64_encode(attest)}, {"signature", base64_encode(signature)}};
}

// Of machine() as it is; without endorsements.
inline Login azure_login(const json::Value& challenge) {
  Bytes binding;
  const auto e = machine().evidence([&](ByteView key_public) {
    binding =
        attestation::login_binding(asked(challenge, attestation::tpm::object_name(key_public)));
    return binding;
  });
  json::Object pcrs;
  for (const auto& [i, value] : e.quote.pcrs) pcrs.set(std::to_string(i), hex_encode(value));
  return {{{"nonce", *challenge.string_at("nonce")},
           {"hcl_report", base64_encode(e.platform.hcl_report)},
           {"quote", signed_object(e.quote.attest, e.quote.signature)},
           {"pcrs", std::move(pcrs)},
           {"key_public", base64_encode(e.key_public)},
           {"key_certify", signed_object(e.certify_attest, e.certify_signature)},
           {"event_log", base64_encode(e.event_log)}},
          binding,
          &machine().login_key()};
}
inline Login azure_snp_login(const json::Value& challenge) {
  machine().reset();
  Login login = azure_login(challenge);
  login.body.set("family", "azure-snp-vtpm");
  login.body.set("vcek_chain", machine().chain_pem());
  return login;
}

// A TDX machine: the HCL report holds a TDREPORT, and the TD quote signs what that one reports.
inline void become_tdx() {
  machine().reset();
  machine().edit_hcl = [](Bytes& hcl) {
    std::fill(hcl.begin() + 32, hcl.begin() + 1216, std::uint8_t{0});
    hcl[32] = 0x81;
    std::ranges::copy(machine().report_data(), hcl.begin() + 32 + 128);
    hcl[1224] = 4;
  };
}
inline DcapTrial td_of_machine() {
  DcapTrial trial;
  std::ranges::copy(machine().report_data(), trial.platform.body.begin() + 520);
  return trial;
}
inline Login azure_tdx_login(const json::Value& challenge) {
  become_tdx();
  Login login = azure_login(challenge);
  DcapTrial trial = td_of_machine();
  login.body.set("family", "azure-tdx-vtpm");
  login.body.set("td_quote", base64_encode(trial.platform.quote()));
  login.body.set("collateral", collateral_text(trial.platform.collateral()));
  return login;
}

// ---- All of them ----

struct FamilyLogin {
  std::string name;
  std::int64_t now = 0;
  std::function<Login(const json::Value& challenge)> login;
};
inline std::vector<FamilyLogin> family_logins() {
  std::vector<FamilyLogin> out{
      {"azure-snp-vtpm", attestation::testing::kNow, azure_snp_login},
      {"azure-tdx-vtpm", attestation::testing::kIntelNow, azure_tdx_login}};
  for (const Direct& direct : direct_families()) {
    out.push_back({direct.name, direct.now, [direct](const json::Value& challenge) {
                     return direct_login(direct, challenge);
                   }});
  }
  return out;
}

}  // namespace apm::auth_apm::testing
