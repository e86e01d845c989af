#pragma once

// The SGX quote of this enclave under the Gramine library OS, which shows it as two files: write 64
// bytes of report data, read the quote. Other SGX runtimes have no such interface and are not
// supported. One thread: both files are the process's own.
// Source: Gramine, "Attestation and Secret Provisioning", /dev/attestation.
// Errors: those of device_error.h.

#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "tee/device_files.h"
#include "tee/sev_guest.h"

namespace apm::tee {

inline constexpr const char* kGramineFolder = "/dev/attestation";

[[nodiscard]] Result<Bytes> get_gramine_quote(DeviceFiles& files, const ReportData& report_data,
                                              const std::string& folder = kGramineFolder);

}  // namespace apm::tee
