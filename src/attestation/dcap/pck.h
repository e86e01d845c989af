#pragma once

// What a PCK certificate says about its platform: Intel's SGX extension 1.2.840.113741.1.13.1
// (Intel SGX PCK Certificate and CRL Profile Specification). Every known part once, in DER.
// Errors: kRefused "dcap_pck_extension".

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/x509.h"

namespace apm::attestation::dcap {

struct Pck {
  Bytes ppid;                                     // 16: names the platform
  std::array<std::uint8_t, 16> tcb_components{};  // SGX TCB component SVNs
  std::uint16_t pce_svn = 0;
  Bytes cpu_svn;                           // 16
  Bytes pce_id;                            // 2
  Bytes fmspc;                             // 6: names the platform's family and model
  std::uint64_t sgx_type = 0;              // 0 standard, 1 scalable, 2 scalable with integrity
  std::optional<Bytes> platform_instance;  // 16, on platforms with more than one package
};

[[nodiscard]] Result<Pck> read_pck(const crypto::Certificate& certificate);

}  // namespace apm::attestation::dcap
