#pragma once

// What /attest/AzureGuest asks of a Linux confidential VM, collected from its TPM and kernel, and
// the request's inner JSON. One collection makes one transfer key, which opens the answer.

#include <string>
#include <vector>

#include "azure/imds.h"
#include "base/result.h"
#include "tee/tpm.h"

namespace apm::skr {

struct GuestEvidence {
  tee::PcrBoundKey key;
  tee::PcrValues pcrs;
  tee::Signed quote;
  tee::Signed certify;
  Bytes ak_certificate;  // DER
  Bytes ak_public;       // TPM2B_PUBLIC
  Bytes snp_report;      // 1184 bytes
  Bytes runtime_json;    // of the HCL report, as stored
  Bytes event_log;
};

// What is quoted, and the transfer key's template (tee/tpm.h). By default as Azure's Linux guest
// library has both.
struct GuestRequest {
  std::vector<unsigned> pcrs = {0, 1, 2, 3, 4, 5, 6, 7};
  Bytes unique;
};
[[nodiscard]] Result<GuestEvidence> collect_guest_evidence(tee::Tpm& tpm,
                                                           const std::string& event_log_path,
                                                           const GuestRequest& request = {});

// kRefused "hcl_report" when it is not the report of an SEV-SNP guest.
struct HclParts {
  Bytes snp_report;
  Bytes runtime_json;
};
[[nodiscard]] Result<HclParts> split_hcl_report(ByteView report);

// A DER certificate without the zero padding that its NV index adds; kRefused "ak_certificate".
[[nodiscard]] Result<Bytes> trim_certificate(ByteView padded);

struct OsFacts {
  std::string distro = "Linux";
  std::int64_t major = 0;
  std::int64_t minor = 0;
};
[[nodiscard]] OsFacts read_os_facts(const std::string& os_release_path = "/etc/os-release");

[[nodiscard]] std::string attestation_info(const GuestEvidence& evidence,
                                           const azure::AmdCertification& amd, const OsFacts& os,
                                           const std::string& nonce);

}  // namespace apm::skr
