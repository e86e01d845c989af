#pragma once

// Which evidence this machine can give, and giving it: the device of a confidential VM or enclave
// is found by what is there, in a fixed order, and the report is bound to what the caller names.
// The TPM of Azure's confidential VMs is no part of this: see tpm.h; it comes last in the order.
// One thread.
//
// Order, the first that is usable wins:
//   1. configfs TSM                   an SNP report or a TDX quote, whatever its provider says
//   2. /dev/sev-guest                 an SNP report, on kernels without TSM
//   3. /dev/nsm                       a Nitro document
//   4. /dev/attestation (Gramine)     an SGX quote
//   5. the TPM device, on Azure       Azure's vTPM with the paravisor's HCL report
// /dev/tdx_guest alone is named and not used: its TDX_CMD_GET_REPORT0 gives a TDREPORT, whose MAC
// only this machine can check; the quote comes from TSM, whose driver asks the quoting service.
//
// Errors: those of sev_guest.h, tsm.h, nsm.h and gramine.h, and "tee_device_missing" when there is
// none of all, "tee_provider_unknown", "tee_uses_tpm".

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "tee/device_files.h"
#include "tee/gramine.h"
#include "tee/nsm.h"
#include "tee/sev_guest.h"
#include "tee/tsm.h"

namespace apm::tee {

inline constexpr const char* kTdxGuestPath = "/dev/tdx_guest";
inline constexpr const char* kTpmDevicePath = "/dev/tpmrm0";
// Azure's virtual machines have this tag of their chassis, whatever their size.
inline constexpr const char* kChassisTagPath = "/sys/class/dmi/id/chassis_asset_tag";
inline constexpr std::string_view kAzureChassisTag = "7783-7084-3265-9085-8269-3286-77";
// The TD's event log, as the kernel shows what the ACPI table CCEL points to.
inline constexpr const char* kCcelPath = "/sys/firmware/acpi/tables/data/CCEL";

enum class Source { kTsm, kSevGuest, kNsm, kGramine, kTpm };

// What the evidence is, in the words of evidence files: "snp", "tdx", "nitro", "sgx", "azure".
enum class Family { kSnp, kTdx, kNitro, kSgx, kAzure };
[[nodiscard]] std::string_view family_name(Family family);

struct Paths {
  std::string tsm_root = kTsmRoot;
  std::string sev_guest = kSevGuestPath;
  std::string tdx_guest = kTdxGuestPath;
  std::string nsm = kNsmPath;
  std::string gramine = kGramineFolder;
  std::string tpm = kTpmDevicePath;
  std::string ccel = kCcelPath;
  std::string chassis_tag = kChassisTagPath;
};

struct Finding {
  Source source = Source::kTpm;
  std::string path;
  std::optional<Family> family;  // nothing: it cannot give evidence here
  std::string note;              // what it gives, or why it cannot and what to do
};

// Everything that is there, in the order above; asks no device for a report.
[[nodiscard]] std::vector<Finding> find_devices(DeviceFiles& files, const Paths& paths = {});
// The first that can give evidence. "tee_device_missing" lists what was looked for, and what was
// there but of no use.
[[nodiscard]] Result<Finding> choose_device(DeviceFiles& files, const Paths& paths = {});

// What the evidence is to be bound to. SNP, TDX and SGX have one field, the report data; a Nitro
// document takes the digest as user data and the key beside it.
struct Binding {
  ReportData report_data{};
  NitroRequest nitro;
};

struct HardwareEvidence {
  Family family = Family::kSnp;
  Source source = Source::kTsm;
  Bytes evidence;           // report (1184 bytes), quote or document
  Bytes certificate_table;  // SNP: what the host gave, in the GHCB's form; may be empty
  Bytes event_log;          // TDX: CCEL, padded as it is; empty when the firmware keeps none
};

// `chosen` comes from choose_device. "tee_uses_tpm" for the TPM, which collect_evidence of
// workload/ knows how to ask.
[[nodiscard]] Result<HardwareEvidence> collect(DeviceFiles& files, const Finding& chosen,
                                               const Binding& binding, const Paths& paths = {});

}  // namespace apm::tee
