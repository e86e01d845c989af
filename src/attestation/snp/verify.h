#pragma once

// From a SEV-SNP report, its certificate chain, pinned anchors and a time to claims (the eight
// steps of the evidence reference: format, key kind, chain, signature, TCB and chip binding,
// product, policy, report data). Pure; any thread.
//
// Errors: those of parse_report, and kRefused with reason
//   snp_vlek_unsupported, snp_signing_key     the report is not signed by a VCEK
//   snp_chain_malformed, snp_leaf_kind        the chain's certificates are not what they must be
//   snp_product_unknown, snp_product_mismatch CPUID, productName and issuer do not agree
//   snp_root_not_pinned, snp_chain_untrusted, snp_chain_expired, snp_chain_not_yet_valid,
//   snp_chain_invalid                         no path to a pinned key at the given time
//   snp_leaf_key, snp_signature_invalid
//   snp_tcb_mismatch, snp_chip_id_masked, snp_chip_mismatch
//   snp_debug_allowed, snp_migration_allowed, snp_vmpl, snp_tcb_too_old, snp_alias_check_missing,
//   snp_chip_denied
//   snp_report_data

#include <cstdint>
#include <set>
#include <string>

#include "attestation/snp/report.h"
#include "crypto/x509.h"

namespace apm::attestation::snp {

struct Floor {
  Tcb minimum;                         // of REPORTED_TCB, each component
  bool require_alias_check = false;    // PLATFORM_INFO bit 5 (BadRAM)
  std::set<std::string> denied_chips;  // CHIP_ID, 128 lower-case hex digits
};

struct Expectation {
  const Anchors* anchors = nullptr;
  std::int64_t now_unix_s = 0;
  Bytes report_data;  // all 64 bytes
  Floor floor;
};

struct Claims {
  Report report;
  Product product = Product::kMilan;
  Tcb reported;
  std::string anchor;  // name of the anchor that the chain led to
};

// `chain_pem`: the VCEK first, then ASK and ARK in any order; ASK may be left out for vendor roots.
[[nodiscard]] Result<Claims> verify(ByteView report, std::string_view chain_pem,
                                    const Expectation& expectation);

}  // namespace apm::attestation::snp
