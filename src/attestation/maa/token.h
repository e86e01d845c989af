#pragma once

// The claims of an attestation result of Microsoft Azure Attestation, read from the payload of its
// JWT into types. Reading trusts nothing: signature, issuer and times are verify.h's.
//
// Four shapes: "azurevm" (a guest's vTPM evidence; the TEE stands in x-ms-isolation-tee),
// "sevsnpvm" and "tdxvm" (the TEE's claims at the top), and "sgx". Every claim that a rule needs
// must be there and of its type. Values of their own; any thread.
// Errors: kRefused with reason
//   maa_token_type        no attestation result: a policy, a policy's certificates, or of a kind
//                         that is not one of the four
//   maa_tee_missing       "azurevm" without a confidential VM beneath it (Trusted Launch)
//   maa_claim_malformed   the message names the claim
//   maa_runtime_keys      a key of the runtime claims is repeated, weak or malformed

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "attestation/tpm/attest.h"
#include "base/json.h"
#include "base/result.h"
#include "crypto/keys.h"

namespace apm::attestation::maa {

enum class Tee { kSevSnpVm, kTdxVm, kSgx };
[[nodiscard]] std::string_view tee_name(Tee tee);  // "sevsnpvm", as in the token

struct SnpClaims {
  bool debuggable = true;
  bool migration_allowed = true;
  std::uint64_t vmpl = 0;
  Bytes launch_measurement;  // 48
  Bytes host_data;           // 32
  Bytes id_key_digest;       // 48
  Bytes report_data;         // 64
  struct Svns {
    std::uint64_t bootloader = 0, tee = 0, snp_firmware = 0, microcode = 0, guest = 0;
  } svns;
};

struct TdxClaims {
  bool debuggable = true;
  std::string tcb_status;    // attester_tcb_status; "" when absent
  Bytes mrtd;                // 48
  std::vector<Bytes> rtmrs;  // four of 48
  Bytes report_data;         // 64
};

struct SgxClaims {
  bool debuggable = true;
  Bytes mrenclave, mrsigner;  // 32
  std::uint64_t product_id = 0, svn = 0;
  Bytes report_data;  // 64
  Bytes held_data;    // x-ms-sgx-ehd; empty when absent
};

struct AzureVmClaims {
  bool secure_boot = false;
  bool debug = true;    // of boot, kernel or hypervisor, or test signing
  tpm::PcrValues pcrs;  // x-ms-azurevm-attested-pcr-values; empty on older services
  std::string vm_id;    // upper-case GUID; "" when absent
};

// Keys that the evidence behind the token names. A login answer is sealed to one that only the
// attested machine's TPM can use.
struct RuntimeKeys {
  std::optional<crypto::PublicKey> hcl_ak;         // "HCLAkPub", signs
  std::optional<crypto::PublicKey> hcl_ek;         // "HCLEkPub", the vTPM's endorsement key
  std::optional<crypto::PublicKey> tpm_ephemeral;  // "TpmEphemeralEncryptionKey"
};

struct Token {
  std::string attestation_type;  // "azurevm", or the TEE's own
  Tee tee = Tee::kSgx;
  std::string policy_hash;       // x-ms-policy-hash, base64url
  std::string version;           // x-ms-ver; "" when absent
  std::string compliance;        // x-ms-compliance-status; "" when absent
  std::optional<Bytes> nonce;    // of client-payload, decoded
  std::optional<SnpClaims> snp;  // the one that `tee` names
  std::optional<TdxClaims> tdx;
  std::optional<SgxClaims> sgx;
  std::optional<AzureVmClaims> vm;  // "azurevm" only
  RuntimeKeys keys;

  [[nodiscard]] bool debuggable() const;
};

// What stands in the way of `payload` being an attestation result that we know: maa_token_type,
// maa_tee_missing.
[[nodiscard]] Status check_token_type(const json::Value& payload);
// The rest, after check_token_type.
[[nodiscard]] Result<Token> read_token(const json::Value& payload);

}  // namespace apm::attestation::maa
