#pragma once

// TPMS_ATTEST (TCG TPM 2.0 Library, part 2): quotes and key certifications, big-endian.
// Parsing consumes exactly; verifying takes the key from the caller and fixes RSASSA with SHA-256.
// Pure; any thread.
//
// Errors: kRefused with reason tpm_attest_malformed, tpm_magic, tpm_attest_type,
// tpm_signature_invalid, tpm_extra_data, tpm_pcr_selection, tpm_pcr_values, tpm_pcr_digest,
// tpm_certified_name.

#include <cstdint>
#include <map>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/keys.h"

namespace apm::attestation::tpm {

using PcrValues = std::map<unsigned, Bytes>;  // SHA-256 bank: index -> 32 bytes

struct PcrSelection {
  std::uint16_t bank = 0;         // TPM_ALG_ID: 000b is SHA-256
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

// A raw RSA signature, or TPMT_SIGNATURE {RSASSA, SHA-256}: the raw bytes of either are told by
// the caller's choice of function, never guessed.
[[nodiscard]] Result<Bytes> rsassa_from_tpmt(ByteView tpmt_signature);

struct QuoteExpectation {
  Bytes extra_data;                // equal, same length; never empty
  std::vector<unsigned> required;  // exactly these of the SHA-256 bank, ascending
};
// The quote under `ak` and the values that it covers: `pcrs` must be exactly the required ones.
[[nodiscard]] Result<Attest> verify_quote(ByteView attest, ByteView raw_signature,
                                          const crypto::PublicKey& ak, const PcrValues& pcrs,
                                          const QuoteExpectation& expected);

struct CertifyExpectation {
  Bytes extra_data;
  Bytes name;  // of the certified object
};
[[nodiscard]] Result<Attest> verify_certify(ByteView attest, ByteView raw_signature,
                                            const crypto::PublicKey& ak,
                                            const CertifyExpectation& expected);

// SHA-256 over the values in ascending order of index.
[[nodiscard]] Bytes pcr_digest(const PcrValues& pcrs);
// The policy digest of an object bound by one PolicyPCR to these values of the SHA-256 bank.
[[nodiscard]] Bytes policy_pcr_digest(const PcrValues& pcrs);

}  // namespace apm::attestation::tpm
