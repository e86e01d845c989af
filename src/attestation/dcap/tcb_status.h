#pragma once

// Intel's judgement of a patch level, and how the judgements of platform, TDX module and Quoting
// Enclave (QE) make one (Intel's quote verification library is the reference).

#include <optional>
#include <string>
#include <string_view>

namespace apm::attestation::dcap {

enum class TcbStatus {
  kUpToDate,
  kSwHardeningNeeded,
  kConfigurationNeeded,
  kConfigurationAndSwHardeningNeeded,
  kTdRelaunchAdvised,  // concluded, never in a document: see tcb.h
  kTdRelaunchAdvisedConfigurationNeeded,
  kOutOfDate,
  kOutOfDateConfigurationNeeded,
  kRevoked,
};

[[nodiscard]] std::string_view tcb_status_name(TcbStatus status);  // Intel's: "SWHardeningNeeded"
[[nodiscard]] std::optional<TcbStatus> tcb_status_of(std::string_view name);
// The code of the refusal: "dcap_tcb_sw_hardening_needed".
[[nodiscard]] std::string_view tcb_status_reason(TcbStatus status);

// A part that is out of date or revoked makes the whole so; `part` is of a QE or TDX module.
[[nodiscard]] TcbStatus converge(TcbStatus whole, TcbStatus part);
[[nodiscard]] bool configuration_needed(TcbStatus status);

}  // namespace apm::attestation::dcap
