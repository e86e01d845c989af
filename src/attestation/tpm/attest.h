#pragma once

// TPMS_ATTEST (TCG TPM 2.0 Library, part 2): quotes and key certifications, big-endian.
// Parsing consumes exactly; verifying takes the key from the caller and fixes RSASSA with SHA-256.
// A structure with selections of several banks parses (tools make them), but a quote is accepted
// only with the one bank and the exact PCRs that the relying party asks for. Pure; any thread.
//
// Errors: kRefused with reason tpm_attest_malformed, tpm_magic, tpm_attest_type,
// tpm_ak_unsupported, tpm_signature_format, tpm_signature_algorithm, tpm_signature_invalid,
// tpm_extra_data, tpm_pcr_bank, tpm_pcr_selection, tpm_pcr_values, tpm_pcr_digest,
// tpm_certified_name.

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "attestation/appraisal.h"
#include "base/bytes.h"
#include "base/result.h"
#include "crypto/keys.h"

namespace apm::attestation::tpm {

using PcrValues = std::map<unsigned, Bytes>;  // of one bank: index -> digest

inline constexpr std::uint16_t kAlgSha1 = 0x0004;  // TPM_ALG_ID
inline constexpr std::uint16_t kAlgSha256 = 0x000b;
inline constexpr std::uint16_t kAlgSha384 = 0x000c;

struct PcrSelection {
  std::uint16_t bank = 0;         // TPM_ALG_ID
  std::vector<unsigned> indexes;  // ascending
};

enum class AttestType { kQuote, kCertify };

struct Attest {
  AttestType type = AttestType::kQuote;
  Bytes qualified_signer;
  Bytes extra_data;
  std::uint64_t clock = 0;
  std::uint32_t reset_count = 0;
  std::uint32_t restart_count = 0;
  bool safe = false;
  std::uint64_t firmware_version = 0;
  // Of a quote:
  std::vector<PcrSelection> selections;
  Bytes pcr_digest;
  // Of a certification:
  Bytes name;
  Bytes qualified_name;
};

[[nodiscard]] Result<Attest> parse_attest(ByteView raw);

// The RSASSA signature with SHA-256 inside a TPMT_SIGNATURE. Which of the two forms a signature
// has is told by the caller, never guessed. Other schemes, ECDSA among them, are refused by name.
[[nodiscard]] Result<Bytes> rsassa_from_tpmt(ByteView tpmt_signature);

// A signed structure and the key that the caller believes in.
struct SignedAttest {
  ByteView attest;
  ByteView raw_signature;  // RSASSA, as wide as the key
  const crypto::PublicKey& ak;
};

struct QuoteExpectation {
  Bytes extra_data;                 // equal, same length; never empty
  std::vector<unsigned> required;   // exactly these of the bank, ascending
  std::uint16_t bank = kAlgSha256;  // or SHA-384; SHA-1 is refused whoever asks
};
// The quote under the key and the values that it covers: `pcrs` must be exactly the required ones.
[[nodiscard]] Result<Attest> verify_quote(const SignedAttest& quote, const PcrValues& pcrs,
                                          const QuoteExpectation& expected, Appraisal& appraisal);

struct CertifyExpectation {
  Bytes extra_data;
  Bytes name;  // of the certified object
};
[[nodiscard]] Result<Attest> verify_certify(const SignedAttest& certified,
                                            const CertifyExpectation& expected,
                                            Appraisal& appraisal);

// SHA-256, the digest of the signing scheme, over the values in ascending order of index.
[[nodiscard]] Bytes pcr_digest(const PcrValues& pcrs);
// The policy digest of an object bound by one PolicyPCR to these values of the SHA-256 bank.
[[nodiscard]] Bytes policy_pcr_digest(const PcrValues& pcrs);

}  // namespace apm::attestation::tpm
