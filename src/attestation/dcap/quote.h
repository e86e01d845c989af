#pragma once

// Intel DCAP quotes, versions 3, 4 and 5, little-endian: header, report body, signature data. The
// signature covers header and body; the certification data behind it carries the Quoting Enclave's
// (QE) report and the PCK certificate chain. Layout: docs/formats/dcap.md. Parsing trusts nothing.
//
// What follows the quote in its buffer is signed by nobody. Zero bytes there are common (guests
// read fixed-size buffers) and are counted; others are counted too, and judged by the verifier.
//
// Errors, kRefused: dcap_quote_size, dcap_quote_version, dcap_key_type, dcap_tee_type,
// dcap_vendor_id, dcap_body_type, dcap_signature_data, dcap_certification_type (the outer one),
// dcap_reserved_not_zero.

#include <array>
#include <cstdint>

#include "attestation/dcap/enclave_report.h"
#include "base/bytes.h"
#include "base/result.h"

namespace apm::attestation::dcap {

enum class Tee { kSgx, kTdx };
[[nodiscard]] std::string_view tee_name(Tee tee);  // "SGX", "TDX"

inline constexpr std::size_t kQuoteHeaderSize = 48;
inline constexpr std::size_t kTdReport10Size = 584;
inline constexpr std::size_t kTdReport15Size = 648;

enum class BodyType : std::uint16_t { kSgx = 1, kTd10 = 2, kTd15 = 3 };  // as in quote version 5

struct Quote {
  std::uint16_t version = 0;
  Tee tee = Tee::kSgx;
  std::array<std::uint8_t, 20> user_data{};
  BodyType body_type = BodyType::kSgx;
  Bytes body;          // 384, 584 or 648 bytes
  Bytes signed_bytes;  // header to body

  std::array<std::uint8_t, 32> r{}, s{};          // of the quote, big-endian
  std::array<std::uint8_t, 32> key_x{}, key_y{};  // attestation key, P-256
  EnclaveReport qe_report;
  Bytes qe_report_bytes;
  std::array<std::uint8_t, 32> qe_r{}, qe_s{};  // of the QE report, by the PCK key
  Bytes qe_authentication;
  // The innermost certification data. Only type 5, the PCK chain in PEM, can be verified; types 1
  // to 3 name the platform (encrypted PPID) and leave the chain to be fetched.
  std::uint16_t certification_type = 0;
  Bytes certification_data;

  std::size_t trailing_bytes = 0;
  bool trailing_zero = true;
};

inline constexpr std::uint16_t kCertificationPckChain = 5;

[[nodiscard]] Result<Quote> parse_quote(ByteView raw);

// The 64 bytes of REPORTDATA in the body.
[[nodiscard]] Bytes report_data_of(const Quote& quote);

}  // namespace apm::attestation::dcap
