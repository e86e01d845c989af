#pragma once

// From a token of Microsoft Azure Attestation (a JWT), pinned issuers with their key sets and a
// time to claims. Rules in the order of trying (docs/formats/maa-token.md): format, algorithm,
// issuer, key by kid, the key's certificate at the given time, signature, the token's own times,
// type, claims, then policy, binding and age. The token's header decides nothing but which key of
// the pinned issuer's set is tried: jku, jwk, x5c and x5u are not looked at. Pure; any thread.
//
// A token carries no nonce that the hardware signed for us, and all providers of a region share
// one signing key: accept it only from pinned issuers and policies, young, and answer only to the
// key that it names (`Verified::sealing_key`).
//
// Errors: those of check_token_type and read_token, and kRefused with reason
//   maa_too_large, maa_token_malformed
//   maa_algorithm, maa_key                    not RS256; not RSA of at least 2048 bits
//   maa_issuer, maa_policy_hash
//   maa_kid_unknown, maa_key_not_pinned, maa_key_expired, maa_key_not_yet_valid
//   maa_signature
//   maa_not_yet_valid, maa_expired, maa_times  the token's iat, nbf and exp
//   maa_version, maa_type_not_allowed
//   maa_sgx_held_data, maa_nonce, maa_report_data, maa_too_old
//   maa_svn_too_old, maa_tdx_tcb_status
//   maa_debug, maa_compliance, maa_migration, maa_vmpl, maa_secure_boot,
//   maa_measurement_not_pinned, maa_host_data_not_pinned, maa_sgx_signer_not_pinned
//   maa_sealing_key

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "attestation/appraisal.h"
#include "attestation/claims.h"
#include "attestation/maa/jwks.h"
#include "attestation/maa/token.h"

namespace apm::attestation::maa {

inline constexpr std::int64_t kTokenLeewayS = 60;  // for iat, nbf and exp
inline constexpr std::int64_t kAgeSMax = 300;      // since iat, when the token is shown

struct Issuer {
  std::string url;  // of `iss`, exactly: "https://sharedeus2.eus2.attest.azure.net"
  const Jwks* keys = nullptr;
  // x-ms-policy-hash values that are accepted. Nothing: any, which trusts whoever can set the
  // provider's policy. An empty set accepts none.
  std::optional<std::set<std::string>> policy_hashes = std::set<std::string>();
  // SHA-256 (lower-case hex) of the certificates whose keys count, whatever else the set holds: for
  // a set that anybody may have brought. Nothing: all of the set.
  std::optional<std::set<std::string>> certificates = std::nullopt;
};

// What the relying party asks for. The defaults are the safe ones; an empty set of values asks for
// nothing unless it says otherwise.
struct Floor {
  bool allow_debug = false;
  bool allow_migration = false;      // SNP
  bool require_secure_boot = false;  // azurevm
  std::uint64_t vmpl_max = 0;        // SNP
  std::int64_t age_s_max = kAgeSMax;
  SnpClaims::Svns snp_svns;     // each at least
  std::uint64_t sgx_svn = 0;    // at least
  std::set<std::string> types;  // x-ms-attestation-type; empty: all four that are known
  // x-ms-compliance-status of SNP and TDX; an empty set accepts none.
  std::set<std::string> compliance = {"azure-compliant-cvm", "azure-compliant-uvm"};
  std::set<std::string> tdx_tcb_statuses = {"UpToDate"};  // attester_tcb_status; empty: none
  std::set<std::string> measurements;  // launch measurement, MRTD or MRENCLAVE, lower-case hex
  std::set<std::string> host_data;     // SNP, lower-case hex
  std::set<std::string> sgx_signers;   // MRSIGNER, lower-case hex
};

struct Expectation {
  std::vector<Issuer> issuers;
  std::int64_t now_unix_s = 0;
  // Where given: x-ms-runtime.client-payload.nonce decodes to exactly this, or the TEE's report
  // data is exactly this (64 bytes). No bytes at all never match.
  std::optional<Bytes> nonce, report_data;
  Floor floor;
};

struct Verified {
  EvidenceResult evidence;  // family "maa"; enclave_id "" when the token does not say what runs
  Token token;
  std::int64_t issued_at_s = 0;
  std::int64_t expires_at_s = 0;

  // The TPM key that the attested VM made for answers: RSA, certified to Microsoft Azure
  // Attestation by the VM's AK. kRefused "maa_sealing_key" when the token names none.
  [[nodiscard]] Result<const crypto::PublicKey*> sealing_key() const;
};

[[nodiscard]] Result<Verified> verify(std::string_view token, const Expectation& expected,
                                      Appraisal& appraisal);

}  // namespace apm::attestation::maa
