#pragma once

// AMD's Key Distribution Service (AMD 57230): the VCEK certificate of a chip at a TCB, and the
// revocation list of a product. ASK, ASVK and ARK are built into the verifier and not fetched; a
// VLEK is given by AMD to clouds alone and comes with the evidence. Also Azure's THIM, which gives
// a machine its own VCEK. Pure: addresses out, answers in; nothing here is trusted, the verifier
// judges all of it. Any thread.
//
// Errors: kRefused "endorsement_chip_masked", "endorsement_vlek", "endorsement_product_unknown" for
// reports that do not say whose certificate they need; those of document.h and of snp/report.h.

#include <string>
#include <string_view>
#include <vector>

#include "attestation/snp/report.h"
#include "endorsements/document.h"

namespace apm::endorsements {

// What to ask for, from a report.
struct VcekQuery {
  attestation::snp::Product product = attestation::snp::Product::kMilan;
  Bytes hardware_id;  // 64 bytes, on Turin 8
  attestation::snp::Tcb tcb;
};
// A report of version 2 does not say its product: both that it can be of, to be tried in turn.
[[nodiscard]] Result<std::vector<VcekQuery>> vcek_queries(const attestation::snp::Report& report);

// Path and query below the service's address, with a leading slash.
[[nodiscard]] std::string vcek_target(const VcekQuery& query);
[[nodiscard]] std::string crl_target(attestation::snp::Product product);

[[nodiscard]] Result<Document> read_vcek(std::string body, std::int64_t now_s);
[[nodiscard]] Result<Document> read_amd_crl(std::string body, std::int64_t now_s);
// {"vcekCert", "certificateChain", "cacheControl": seconds}: valid until the certificate ends.
[[nodiscard]] Result<Document> read_thim(std::string body, std::int64_t now_s);

}  // namespace apm::endorsements
