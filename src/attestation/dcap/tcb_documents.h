#pragma once

// Intel's TCB info (version 3) and QE identity (version 2), parsed from the text that was signed.
// Members that are not known are left alone: the vendor adds some from time to time, and the text
// is authentic. Members that are known must have their known form. Times are unix seconds.
// Errors: kRefused "dcap_tcb_info_malformed", "dcap_qe_identity_malformed".

#include <array>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "attestation/dcap/tcb_status.h"
#include "base/bytes.h"
#include "base/result.h"

namespace apm::attestation::dcap {

using Components = std::array<std::uint8_t, 16>;
using Advisories = std::set<std::string>;

struct DocumentHeader {
  std::string id;  // "SGX", "TDX"; "QE", "TD_QE"
  std::int64_t issue_date_s = 0;
  std::int64_t next_update_s = 0;
  std::uint64_t evaluation_number = 0;  // tcbEvaluationDataNumber
};

// A level of an enclave or module: held when the ISVSVN is at least this.
struct SvnLevel {
  std::uint64_t isv_svn = 0;
  TcbStatus status = TcbStatus::kRevoked;  // UpToDate, OutOfDate or Revoked
  Advisories advisories;
};

struct TdxModuleIdentity {
  std::string id;    // "TDX_01"; of the module without a version ""
  Bytes mr_signer;   // 48
  Bytes attributes;  // 8, already masked
  Bytes attributes_mask;
  std::vector<SvnLevel> levels;  // none for the module without a version
};

struct TcbLevel {
  Components sgx{}, tdx{};
  std::uint64_t pce_svn = 0;
  TcbStatus status = TcbStatus::kRevoked;
  Advisories advisories;
};

struct TcbInfo {
  DocumentHeader header;
  Bytes fmspc;                             // 6
  Bytes pce_id;                            // 2
  std::vector<TdxModuleIdentity> modules;  // TDX; the one without a version first
  std::vector<TcbLevel> levels;            // the newest first
};

struct QeIdentity {
  DocumentHeader header;
  Bytes misc_select, misc_select_mask;  // 4, as in the report
  Bytes attributes, attributes_mask;    // 16
  Bytes mr_signer;                      // 32
  std::uint64_t isv_prod_id = 0;
  std::vector<SvnLevel> levels;
};

[[nodiscard]] Result<TcbInfo> parse_tcb_info(std::string_view body);
[[nodiscard]] Result<QeIdentity> parse_qe_identity(std::string_view body);

}  // namespace apm::attestation::dcap
