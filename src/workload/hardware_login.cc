#include "workload/hardware_login.h"

#include <algorithm>

#include "base/encoding.h"
#include "workload/limits.h"

namespace apm::workload {
namespace {

tee::Binding bind_to(ByteView binding, ByteView caller_key) {
  tee::Binding out;
  std::ranges::copy(binding, out.report_data.begin());  // 32 bytes; the rest stays zero
  out.nitro.nonce = to_bytes(binding);
  out.nitro.public_key = to_bytes(caller_key);
  return out;
}

// The words of the login request.
Status add_evidence(const tee::HardwareEvidence& evidence, const std::string& collateral,
                    json::Object& body) {
  const std::string bytes = base64_encode(evidence.evidence);
  switch (evidence.family) {
    case tee::Family::kSnp:
      body.set("family", "snp");
      body.set("report", bytes);
      if (!evidence.certificate_table.empty()) {
        body.set("certificate_table", base64_encode(evidence.certificate_table));
      }
      return {};
    case tee::Family::kTdx:
    case tee::Family::kSgx:
      body.set("family", evidence.family == tee::Family::kTdx ? "tdx" : "sgx");
      body.set("quote", bytes);
      if (!collateral.empty()) body.set("collateral", collateral);
      return {};
    case tee::Family::kNitro:
      body.set("family", "aws-nitro");
      body.set("document", bytes);
      return {};
    case tee::Family::kAzure: break;
  }
  return Error(Code::kInternal, "evidence of a TPM is not the hardware's own");
}

}  // namespace

Result<HardwareLogin> prepare_login(tee::DeviceFiles& files, const tee::Finding& device,
                                    attestation::LoginBinding challenge,
                                    const std::string& collateral) {
  APM_TRY(crypto::PrivateKey key, crypto::PrivateKey::generate_rsa(kCallerKeyBits));
  APM_TRY(const crypto::PublicKey public_key, key.public_key());
  challenge.key_name = public_key.spki_der();
  Bytes binding = attestation::login_binding(challenge);
  APM_TRY(const tee::HardwareEvidence evidence,
          tee::collect(files, device, bind_to(binding, challenge.key_name)));
  json::Object body{{"nonce", base64url_encode(challenge.nonce)},
                    {"caller_key", base64_encode(challenge.key_name)}};
  APM_CHECK_OK(add_evidence(evidence, collateral, body));
  return HardwareLogin{std::move(key), std::move(binding), std::move(body)};
}

Result<crypto::SecretBytes> open_key(const HardwareLogin& login, ByteView encrypted_key) {
  Bytes label = to_bytes(attestation::kLoginLabel);
  label.push_back(0);  // as a TPM hashes it
  auto key =
      login.key.decrypt_oaep(crypto::Hash::kSha256, crypto::Hash::kSha256, encrypted_key, label);
  if (key.ok()) return key;
  return Error(Code::kUnavailable, "login_answer_malformed",
               "the server's answer to the login is not sealed to the key that this login made");
}

}  // namespace apm::workload
