#pragma once

// From a SEV-SNP report, its certificates, pinned anchors and a time to claims: format, key kind,
// chain, signature, product, TCB and chip binding, report data, policy. Every rule is recorded in
// the appraisal that the caller gives; `verify` refuses with the first that failed. Knows no
// network and no clock. Pure; any thread.
//
// Errors: kRefused; reasons of report.h, endorsements.h, vek.h and floor.h, and
//   snp_signing_key        the report is signed by neither VCEK nor VLEK
//   snp_signature_invalid
//   snp_tcb_mismatch       the key is for another TCB than the reported one
//   snp_product_mismatch, snp_product_unknown   CPUID and certificate do not agree
//   snp_chip_id_masked, snp_chip_mismatch       the key is of another chip, or that cannot be told
//   snp_report_data        made for something else

#include <cstdint>
#include <string>

#include "attestation/claims.h"
#include "attestation/snp/floor.h"
#include "attestation/snp/vek.h"

namespace apm::attestation::snp {

inline constexpr std::string_view kFamily = "snp";

struct Evidence {
  Bytes report;  // 1184 bytes
  Endorsements endorsements;
  Bytes crl;  // AMD's list for the product, DER or PEM; may be empty
};

struct Expectation {
  const Anchors* anchors = nullptr;
  std::int64_t now_unix_s = 0;
  Bytes report_data;  // all 64 bytes
  // What REPORT_DATA proves here: a nonce (freshness), or that other evidence belongs to it.
  Stage report_data_stage = Stage::kFreshness;
  bool require_crl = false;
  Floor floor;
};

struct Claims {
  Report report;
  KeyKind key_kind = KeyKind::kVcek;
  Product product = Product::kMilan;
  Tcb reported;
  std::string csp_id;  // of a VLEK
  std::string anchor;  // name of the anchor that the chain led to
  bool vendor_anchor = false;
};

// Everything, to the verdict.
[[nodiscard]] Result<Claims> verify(const Evidence& evidence, const Expectation& expectation,
                                    Appraisal& appraisal);
// The same rules, for a verifier that goes on after them: what the policy refuses stands in the
// appraisal only, and the caller asks for its verdict.
[[nodiscard]] Result<Claims> appraise(const Evidence& evidence, const Expectation& expectation,
                                      Appraisal& appraisal);

// Everything that needs no certificate: format, key kind, report data, policy. It proves nothing,
// because anybody can write such a report, and gives no claims: only whether it is worth asking
// AMD for the certificate. Refuses with the reasons above.
[[nodiscard]] Status check_unproved(ByteView report, const Expectation& expectation,
                                    Appraisal& appraisal);

// Claims of a report that `verify` accepted (docs/claims.md), with its identity.
// `allowed_public_signers`: signer ids that count although everybody's images have them.
[[nodiscard]] EvidenceResult to_result(const Claims& claims,
                                       const HexSet& allowed_public_signers = {});
// The object "sevsnp".
[[nodiscard]] json::Object sevsnp_claims(const Claims& claims);
// The top-level EAT claims that a verified SNP host supports.
void add_eat_claims(const Claims& claims, json::Object& out);

// Identity of a guest with direct SNP evidence (docs/identity.md). Reasons why there is no signer:
// snp_signer_missing, signer_is_public.
[[nodiscard]] std::string enclave_id(const Report& report);
[[nodiscard]] SignerVerdict signer(const Report& report, const HexSet& allowed_public = {});

}  // namespace apm::attestation::snp
