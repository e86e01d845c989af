#pragma once

// What a relying party asks of the platform under an SGX or TDX quote. The defaults are the strict
// ones; every list of "allowed" values that is empty allows any. Values of bytes are lower-case
// hexadecimal digits. What it asks of the software is in sgx/ and tdx/.

#include <cstdint>
#include <set>
#include <string>

#include "attestation/appraisal.h"
#include "attestation/dcap/tcb_status.h"
#include "base/bytes.h"

namespace apm::attestation::dcap {

using Values = std::set<std::string>;

struct AllowDeny {
  Values allowed;
  Values denied;
};

struct Floor {
  // Revoked is refused whatever stands here.
  std::set<TcbStatus> allowed_statuses = {TcbStatus::kUpToDate};
  Values refused_advisories;                 // "INTEL-SA-00615"
  std::uint64_t evaluation_number_min = 0;   // tcbEvaluationDataNumber of both documents
  bool allow_trailing_bytes = false;         // that are not zero, behind the quote
  AllowDeny fmspc, ppid, platform_instance;  // an allow-list refuses a platform without the value
};

// Records one rule: `value` is on the allow-list, or there is none, and not on the deny-list.
void expect_listed(Appraisal& appraisal, const AllowDeny& list, std::string_view value,
                   std::string_view reason);
void expect_listed(Appraisal& appraisal, const Values& allowed, ByteView value,
                   std::string_view reason);

}  // namespace apm::attestation::dcap
