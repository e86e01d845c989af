#pragma once

// Evidence of any family: the table from its name to its verifier, for logins and for files.
//
// A login's evidence answers a challenge, in the family's own field
// (docs/formats/attested-login.md):
//   azure-*-vtpm       the quote and the key's certification sign the binding as extra data
//   snp, sgx, tdx      REPORT_DATA is the binding and 32 zero bytes
//   aws-nitro          `nonce` is the binding, `public_key` the caller's key
//   maa                client-payload.nonce is the binding in hexadecimal (judge_maa.h)
// A file in an operator's hands answers none: its own value is expected there, which proves
// nothing, and the answer says so (explain.h). Everything else is judged alike: in full, by the
// floors of the configuration and the anchors of the server. Pure; any thread.
//
// Members, standard base64 unless said otherwise (docs/operations/authorising.md). Any other is
// refused; "family" stands beside them, "nonce" and "caller_key" of a login (a file may be what a
// login sent), "at" of a file.
//   azure-*-vtpm     hcl_report, quote, pcrs, event_log, key_public, key_certify (the last three
//                    optional in a file); of SNP machines vcek_chain, certificate_table or thim,
//                    amd_crl; of TDX machines td_quote, collateral
//   snp              report; vcek_chain, certificate_table or thim; amd_crl
//   sgx, tdx         quote; collateral (text, Intel's names)
//   aws-nitro        document
//   maa              token (text), jwks (text: the key set of the token's issuer)
//
// Errors: kInvalidArgument "login_malformed", "family_unsupported", "maa_login_unsupported";
// kRefused as each verifier, with its rules in the appraisal; missing collateral too is refused by
// the verifier's name for it.

#include <cstdint>
#include <optional>

#include "attestation/appraisal.h"
#include "attestation/claims.h"
#include "attestation/dcap/anchors.h"
#include "attestation/dcap/collateral.h"
#include "attestation/nitro/anchors.h"
#include "attestation/snp/anchors.h"
#include "auth/apm/config.h"
#include "auth/apm/maa_provider.h"
#include "crypto/keys.h"

namespace apm::auth_apm {

// Where the key stands that a login's answer is sealed to.
enum class CallerKey {
  kSent,       // beside the evidence, which is bound to it
  kCertified,  // in the evidence: a key that its TPM certifies
};
// kInvalidArgument "family_unsupported".
[[nodiscard]] Result<CallerKey> caller_key_of(std::string_view family);

// Never null, but the last.
struct TrustAnchors {
  const attestation::snp::Anchors* amd = nullptr;
  const attestation::dcap::Anchors* intel = nullptr;
  const attestation::nitro::Anchors* aws = nullptr;
  const MaaProviders* maa = nullptr;  // null or none: no login with a token
};

// What evidence of a login must be bound to.
struct Challenged {
  Bytes binding;     // attestation/login_binding.h
  Bytes caller_key;  // SubjectPublicKeyInfo, DER; empty in the vTPM families, which certify theirs
};

// What the evidence did not bring and the server got elsewhere (collateral.h). A member is used
// where the evidence has none of its own.
struct Fetched {
  std::string vcek_pem;
  Bytes amd_crl;
  std::optional<attestation::dcap::Collateral> intel;
};

struct Judge {
  const Config& config;
  TrustAnchors anchors;
  std::int64_t now_unix_s = 0;
  std::optional<Challenged> challenged;  // nothing: the evidence is a file
  const Fetched* fetched = nullptr;      // may be null
};

struct Judged {
  attestation::EvidenceResult result;
  std::optional<crypto::PublicKey> certified_key;  // the caller's, where the evidence names it
};
[[nodiscard]] Result<Judged> verify_evidence(const json::Object& evidence, const Judge& judge,
                                             attestation::Appraisal& appraisal);

// What well-formed evidence lacks for a verdict that a vendor publishes; nothing when it lacks
// nothing. Of an SNP report, of a quote.
struct Lack {
  enum class What { kVcek, kAmdList, kIntelDocuments };
  What what = What::kVcek;
  Bytes evidence;                                    // the report (1184 bytes) or quote
  std::optional<attestation::snp::Product> product;  // kAmdList: whose list, by a proved chain
};
[[nodiscard]] Result<std::optional<Lack>> what_lacks(const json::Object& evidence,
                                                     const Judge& judge);
// What of evidence that lacks its VCEK can be checked all the same. Proves nothing. Errors: as
// verify_evidence.
[[nodiscard]] Status check_unproved(const json::Object& evidence, const Judge& judge,
                                    attestation::Appraisal& appraisal);

}  // namespace apm::auth_apm
