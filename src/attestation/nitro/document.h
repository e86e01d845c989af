#pragma once

// The AWS Nitro Enclaves attestation document: COSE_Sign1 (RFC 9052, section 4.2) around a CBOR map
// (AWS, "Verifying the root of trust"). Parsing refuses what a genuine document never has and
// trusts nothing. A value of its own; any thread.
//
// Errors, kRefused with reason
//   nitro_too_large, nitro_malformed          sizes and encoding
//   nitro_algorithm                           the protected header is not {1: -35} (ES384)
//   nitro_unprotected_header                  it is not empty
//   nitro_is_nitrotpm                         evidence of an instance's NitroTPM, not of an enclave
//   nitro_field_unknown, nitro_field_repeated, nitro_field_missing, nitro_field_size
//   nitro_digest                              not "SHA384"
//   nitro_pcr_index, nitro_pcr_repeated, nitro_pcr_size, nitro_pcr_missing
//   nitro_cabundle                            empty, too long, or a certificate of 0 or > 1024
//   bytes

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace apm::attestation::nitro {

inline constexpr std::size_t kPcrSize = 48;  // SHA-384

struct Document {
  std::string module_id;
  std::int64_t timestamp_ms = 0;  // since 1970, as the hypervisor's clock says
  std::map<unsigned, Bytes> pcrs;
  Bytes certificate;            // DER, the leaf
  std::vector<Bytes> cabundle;  // DER; [0] is the root, the last one issued the leaf
  std::optional<Bytes> public_key, user_data, nonce;  // absent and null are the same

  Bytes to_be_signed;  // Sig_structure (RFC 9052, section 4.4)
  Bytes r, s;          // big-endian, 48 bytes each

  // PCR 0, 1 or 2 is all zero: the enclave runs in debug mode.
  [[nodiscard]] bool debug() const;
};

[[nodiscard]] Result<Document> parse_document(ByteView raw);

[[nodiscard]] bool all_zero(ByteView bytes);

}  // namespace apm::attestation::nitro
