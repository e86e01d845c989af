#pragma once

// The Confidential Computing Event Log (CCEL, UEFI 2.10, 38.4): TCG's crypto-agile format, whose
// "PCR index" is a measurement register index, 1 to 4 for RTMR0 to RTMR3 (0 is MRTD), with SHA-384
// digests. It is told by the untrusted guest: only digests that replay to the RTMRs of a verified
// report are authentic, and an event's data only when it hashes to its digest. A buffer read from
// ACPI is padded: an event with index and type all ones, or all zero bytes, ends the log. Pure; any
// thread.
// Errors: kRefused "ccel_malformed", "ccel_mismatch".

#include <array>
#include <cstdint>
#include <vector>

#include "attestation/tdx/td_report.h"
#include "base/bytes.h"
#include "base/result.h"

namespace apm::attestation::tdx {

struct CcEvent {
  unsigned rtmr = 0;  // 0 to 3
  std::uint32_t type = 0;
  Register digest{};
  Bytes data;
  [[nodiscard]] bool data_matches() const;
};

struct Ccel {
  std::vector<CcEvent> events;  // in order, EV_NO_ACTION left out
};

[[nodiscard]] Result<Ccel> parse_ccel(ByteView raw);

// All four registers after all events.
[[nodiscard]] std::array<Register, 4> replay(const Ccel& log);

// The registers of the report that the log must explain; `rtmrs` are indexes, RTMR3 is often
// extended by software that keeps no such log. "ccel_mismatch" names the first that differs.
[[nodiscard]] Status check_ccel(const Ccel& log, const TdReport& report,
                                const std::vector<unsigned>& rtmrs);

}  // namespace apm::attestation::tdx
