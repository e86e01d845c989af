#pragma once

// Intel's Provisioning Certification Service, version 4, and what speaks like it (a PCCS): TCB info
// and QE identity with the issuer chain from the answer's header, the revocation list of the PCK's
// CA, and the root's, which has an address of its own. Pure: addresses out, answers in; nothing
// here is trusted. Any thread. Source: Intel, "API for Intel SGX and TDX Provisioning Certification
// Service" v4.
//
// Errors: kRefused "endorsement_no_pck" for a quote that brings no PCK certificate; those of
// document.h and of dcap/quote.h.

#include <string>

#include "attestation/dcap/quote.h"
#include "endorsements/document.h"
#include "net/http_client.h"

namespace apm::endorsements {

enum class PckCa { kProcessor, kPlatform };

struct IntelQuery {
  attestation::dcap::Tee tee = attestation::dcap::Tee::kSgx;
  Bytes fmspc;  // 6
  PckCa ca = PckCa::kPlatform;
};
[[nodiscard]] Result<IntelQuery> intel_query(const attestation::dcap::Quote& quote);

[[nodiscard]] std::string tcb_info_target(const IntelQuery& query);
[[nodiscard]] std::string qe_identity_target(const IntelQuery& query);
[[nodiscard]] std::string pck_crl_target(PckCa ca);

[[nodiscard]] Result<Document> read_tcb_info(const net::Response& answer, std::int64_t now_s);
[[nodiscard]] Result<Document> read_qe_identity(const net::Response& answer, std::int64_t now_s);
// DER, or DER in hexadecimal as a PCCS has it; kept as DER.
[[nodiscard]] Result<Document> read_intel_crl(std::string body, std::int64_t now_s,
                                              std::string_view what);

// "%2D" -> "-". kInvalidArgument "percent_encoding" for a stray percent sign.
[[nodiscard]] Result<std::string> percent_decode(std::string_view text);

}  // namespace apm::endorsements
