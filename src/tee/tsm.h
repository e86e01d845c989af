#pragma once

// Hardware reports by the kernel's one interface for them, configfs TSM: an entry is a directory;
// `inblob` takes the report data, reading `outblob` makes the report. It serves sev_guest (an SNP
// report, the host's certificate table in `auxblob`) and tdx_guest (a TDX quote). One thread.
// Source: Linux 6.7 and later, Documentation/ABI/testing/configfs-tsm.
//
// The entry is this call's own and goes with it. `generation` counts writes: what was read belongs
// to our report data only when it grew by our one write and stayed there; else another writer was
// there, and a new entry is made.
//
// Errors: those of device_error.h, "tee_generation_changed".

#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "tee/device_files.h"
#include "tee/sev_guest.h"

namespace apm::tee {

inline constexpr const char* kTsmRoot = "/sys/kernel/config/tsm/report";

// The names that providers have.
inline constexpr std::string_view kTsmSevGuest = "sev_guest";
inline constexpr std::string_view kTsmTdxGuest = "tdx_guest";

struct TsmReport {
  std::string provider;
  Bytes outblob;
  Bytes auxblob;  // empty when the provider has none
};

[[nodiscard]] Result<TsmReport> get_tsm_report(DeviceFiles& files, const ReportData& report_data,
                                               const std::string& root = kTsmRoot);

// Who would make the report, without asking for one.
[[nodiscard]] Result<std::string> tsm_provider(DeviceFiles& files,
                                               const std::string& root = kTsmRoot);

}  // namespace apm::tee
