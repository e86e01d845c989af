#pragma once

// The SEV-SNP attestation report of this guest by /dev/sev-guest: SNP_GET_EXT_REPORT, which brings
// the host's certificate table, and SNP_GET_REPORT where the host has none to give. One thread.
// Sources: Linux, include/uapi/linux/sev-guest.h and Documentation/virt/coco/sev-guest.rst; MSG_
// REPORT_RSP of AMD 56860, table 24.
//
// Errors: those of device_error.h. A firmware or VMM error number stands in the message.

#include <array>
#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "tee/device_files.h"

namespace apm::tee {

inline constexpr const char* kSevGuestPath = "/dev/sev-guest";

using ReportData = std::array<std::uint8_t, 64>;

struct SnpReport {
  Bytes report;             // 1184 bytes
  Bytes certificate_table;  // of the GHCB specification; empty: the host gives none
};

struct SnpReportRequest {
  ReportData report_data{};
  std::uint32_t vmpl = 0;  // written into the report; not below the guest's own level
};

[[nodiscard]] Result<SnpReport> get_snp_report(DeviceFiles& files, const SnpReportRequest& request,
                                               const std::string& path = kSevGuestPath);

// The table up to the end of its last entry: the buffer that the host fills is of whole pages.
// Empty when it lists nothing. A table that cannot be read is left as it is, for the verifier to
// refuse by name.
[[nodiscard]] Bytes trim_certificate_table(ByteView buffer);

}  // namespace apm::tee
