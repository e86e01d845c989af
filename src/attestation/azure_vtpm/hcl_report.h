#pragma once

// The HCL report of an Azure confidential VM (vTPM NV 0x01400001): the hardware's report (SNP, or a
// TDREPORT), and the runtime claims whose SHA-256 is in its REPORT_DATA. The header and the request
// data are not measured: whoever holds the blob can write them. So they select how to read and are
// never claims; what is not as the paravisor writes it is refused. One field means nothing and may
// hold anything: the four bytes of the capability bitmap, in request version 2.
//
// Errors: kRefused with reason hcl_size, hcl_malformed, hcl_header, hcl_type, hcl_hash_type,
// hcl_trailing_bytes, tdreport_malformed, runtime_claims_malformed, runtime_claims_ak or
// runtime_claims_user_data. Pure; any thread.

#include <optional>
#include <string>
#include <vector>

#include "attestation/appraisal.h"
#include "base/bytes.h"
#include "base/json.h"
#include "base/result.h"
#include "crypto/keys.h"

namespace apm::attestation::azure_vtpm {

enum class Hardware { kSnp, kTdx };

struct HclReport {
  std::uint32_t version = 0;       // 1 or 2
  std::uint32_t request_type = 0;  // 2: certification of the AK
  std::uint32_t request_version = 0;
  std::uint32_t report_type = 0;  // 2 or 4
  std::uint32_t hash_type = 0;    // 1: SHA-256
  std::size_t claims_offset = 0;
  Hardware hardware = Hardware::kSnp;
  Bytes hardware_report;  // SNP: 1184 bytes; TDX: the TDREPORT, 1024 bytes
  Bytes runtime_claims;   // the exact bytes that are hashed
};
[[nodiscard]] Result<HclReport> parse_hcl_report(ByteView raw, Appraisal& appraisal);

// SHA-256(runtime claims) || 32 zero bytes: what REPORT_DATA must be.
[[nodiscard]] Bytes expected_report_data(const HclReport& hcl);

// TDREPORT_STRUCT (Intel TDX module ABI). It carries a MAC for its own machine and proves nothing
// to anybody else: only its REPORTDATA is taken, to be found again in the TD quote.
struct TdReport {
  Bytes report_data;  // 64, at 128
  Bytes attributes;   // 8
  Bytes mrtd;         // 48
};
[[nodiscard]] Result<TdReport> parse_td_report(ByteView raw);

// REPORT_DATA as the blob's hardware report has it, not yet proved: for captures of which no
// certificate exists.
[[nodiscard]] Result<Bytes> claimed_report_data(const HclReport& hcl);

// To be read only after the hash has been found in a verified report.
struct RuntimeClaims {
  json::Object vm_configuration;
  std::string vm_id;                 // vmUniqueId; "" when absent
  std::optional<bool> secure_boot;   // "secure-boot"
  std::optional<Bytes> user_data;    // 64 bytes, zero padded by the paravisor
  std::vector<std::string> key_ids;  // all keys named, HCLAkPub among them
  Bytes ak_spki_der;
};
[[nodiscard]] Result<RuntimeClaims> parse_runtime_claims(ByteView exact_json);

}  // namespace apm::attestation::azure_vtpm
