#pragma once

// The certificate of the key that signs SNP reports (AMD 57230): a VCEK of one chip, or a VLEK of
// one cloud, at one TCB. What is in it, and the path from it to a pinned ARK.
//
// Errors: kRefused with reason
//   snp_leaf_kind           CN, hardware id and CSP id do not make the kind that is wanted
//   snp_product_unknown, snp_product_mismatch
//   snp_leaf_tcb            a patch level is absent or not a DER INTEGER of 0 to 255
//   snp_root_not_pinned, snp_chain_untrusted, snp_chain_invalid, snp_chain_algorithm
//   snp_chain_expired, snp_chain_not_yet_valid
//   snp_crl_missing, snp_crl_malformed, snp_crl_untrusted, snp_crl_stale, snp_chain_revoked
//   snp_leaf_key            not on P-384
// Pure; any thread.

#include "attestation/snp/endorsements.h"
#include "attestation/snp/report.h"

namespace apm::attestation::snp {

struct Vek {
  KeyKind kind = KeyKind::kVcek;
  Product product = Product::kMilan;
  Tcb tcb;             // what the key was derived for
  Bytes hardware_id;   // VCEK: 64 bytes, on Turin 8
  std::string csp_id;  // VLEK: "CN=cc-us-east-2.amazonaws.com"
  crypto::PublicKey key;
  std::string anchor;  // name of the anchor that the path led to; "" when chains are not covered
  bool vendor_anchor = false;
};

struct VekExpectation {
  const Anchors* anchors = nullptr;
  std::int64_t now_unix_s = 0;
  ByteView crl;  // AMD's list for this product, DER or PEM; empty: none was supplied
  bool require_crl = false;
};
// For evidence of a certificate alone, and the first half of verify(). `kind` is what the report
// says that it was signed with.
[[nodiscard]] Result<Vek> verify_vek(const Endorsements& endorsements, KeyKind kind,
                                     const VekExpectation& expectation, Appraisal& appraisal);

}  // namespace apm::attestation::snp
