#pragma once

// What a TDX machine of the simulated cloud proves itself with: the TDREPORT that its CPU makes for
// the paravisor, and the quote that the host makes of it. Pure.
// Sources: Intel TDX Module ABI (TDREPORT_STRUCT); Intel TDX DCAP Quoting Library API, appendix A
// (quote version 4).

#include "sim/intel.h"

namespace apm::sim {

inline constexpr std::size_t kTdReportBytes = 1024;

// `report_data` (64 bytes) is the paravisor's. RTMRs are zero, as on Azure.
[[nodiscard]] Result<Bytes> build_td_report(const IntelHardware& intel, ByteView report_data);

// kRefused "td_report": it is of another size, or no TDREPORT that this platform's CPU made.
[[nodiscard]] Result<Bytes> build_td_quote(const IntelHardware& intel, ByteView td_report);

}  // namespace apm::sim
