#pragma once

// What every verifier says of evidence that it accepted, whatever its family (docs/claims.md).
//
// `claims` is one JSON object: the names of RFC 9711 (EAT) at the top where they exist and mean
// the same, and the family's own claims in one object under the family's name ("sevsnp", "tpm",
// "azure_hcl", "tdx", "sgx", "nitro", "maa"). Public values only. A value; any thread.

#include <string>
#include <string_view>

#include "base/json.h"

namespace apm::attestation {

// The eat_profile of every claims object made here.
inline constexpr std::string_view kClaimsProfile = "urn:apm:attestation-claims:1";

// Names of EAT (RFC 9711, section 4) that we use, with the JSON forms of that document.
inline constexpr std::string_view kEatProfile = "eat_profile";  // text
inline constexpr std::string_view kEatNonce = "eat_nonce";      // base64url of the signed value
inline constexpr std::string_view kOemId = "oemid";             // IANA enterprise number
inline constexpr std::string_view kHwModel = "hwmodel";         // base64url of the name's UTF-8
inline constexpr std::string_view kHwVersion = "hwversion";     // ["<version>"]
inline constexpr std::string_view kDebugStatus = "dbgstat";     // one of the two below
inline constexpr std::string_view kDebugEnabled = "enabled";
inline constexpr std::string_view kDebugDisabled = "disabled-since-boot";

// Whose image it is (docs/identity.md), or why that cannot be said.
struct SignerVerdict {
  std::string signer_id;    // 64 lower-case hex digits; "" when there is none
  std::string common_name;  // of the certificate's subject, when there is a certificate
  std::string reason;       // why there is none
  std::string message;
  [[nodiscard]] bool exists() const { return !signer_id.empty(); }
};

struct EvidenceResult {
  std::string family;  // "azure-snp-vtpm", "snp", ...: the word of the login request
  json::Object claims;
  std::string trust_anchor;    // the name of the anchor that the evidence led to
  bool vendor_anchor = false;  // a built-in one, and not one that a configuration named
  std::string enclave_id;      // 64 lower-case hex digits; "" when the evidence does not say
  std::string enclave_reason;  // why there is none, in a family that has a reason of its own
  SignerVerdict signer;
};

}  // namespace apm::attestation
