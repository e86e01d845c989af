#pragma once

// Evidence of any family that no challenge was made for: a file in an operator's hands. It is
// judged in full, by the floors of the configuration and the anchors of the server. What a file
// cannot have is the binding to a challenge: where evidence carries one, its own value is expected,
// which proves nothing, and the answer says so (explain.h). Pure; any thread.
//
// Members, standard base64 unless said otherwise (docs/operations/authorising.md):
//   azure-snp-vtpm, azure-tdx-vtpm   as in a login, key_public and key_certify optional; td_quote
//   snp                              report; vcek_chain, certificate_table or thim; amd_crl
//   sgx, tdx                         quote; collateral (text, Intel's names)
//   aws-nitro                        document
//   maa                              token (text), jwks (text: the key set of the token's issuer)
//
// Errors: kInvalidArgument "login_malformed", "family_unsupported"; kRefused as each verifier, with
// its rules in the appraisal; missing collateral too is refused by the verifier's name for it.

#include <cstdint>

#include "attestation/appraisal.h"
#include "attestation/claims.h"
#include "attestation/dcap/anchors.h"
#include "attestation/nitro/anchors.h"
#include "attestation/snp/anchors.h"
#include "auth/apm/config.h"

namespace apm::auth_apm {

// Never null.
struct TrustAnchors {
  const attestation::snp::Anchors* amd = nullptr;
  const attestation::dcap::Anchors* intel = nullptr;
  const attestation::nitro::Anchors* aws = nullptr;
};

struct FileJudge {
  const Config& config;
  TrustAnchors anchors;
  std::int64_t now_unix_s = 0;
};
[[nodiscard]] Result<attestation::EvidenceResult> verify_file(const json::Object& evidence,
                                                              const FileJudge& judge,
                                                              attestation::Appraisal& appraisal);

}  // namespace apm::auth_apm
