#pragma once

// The HCL report of an Azure confidential VM (vTPM NV 0x01400001): an SNP report, and the runtime
// claims whose SHA-256 is in its REPORT_DATA. Everything else in the blob is not measured.
// Errors: kRefused with reason hcl_malformed, hcl_type, hcl_hash_type, hcl_trailing_bytes,
// runtime_claims_malformed or runtime_claims_ak. Pure; any thread.

#include <string>

#include "base/bytes.h"
#include "base/json.h"
#include "base/result.h"
#include "crypto/keys.h"

namespace apm::attestation::azure_vtpm {

struct HclReport {
  std::uint32_t version = 0;
  std::uint32_t request_version = 0;
  Bytes hardware_report;  // 1184 bytes
  Bytes runtime_claims;   // the exact bytes that are hashed
};
[[nodiscard]] Result<HclReport> parse_hcl_report(ByteView raw);

// SHA-256(runtime claims) || 32 zero bytes: what REPORT_DATA must be.
[[nodiscard]] Bytes expected_report_data(const HclReport& hcl);

// To be read only after the hash has been found in a verified report.
struct RuntimeClaims {
  json::Object vm_configuration;
  std::string user_data_hex;  // lower case, "" when absent
  Bytes ak_spki_der;
};
[[nodiscard]] Result<RuntimeClaims> parse_runtime_claims(ByteView exact_json);

}  // namespace apm::attestation::azure_vtpm
