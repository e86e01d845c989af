#pragma once

// The SGX report body (Intel SDM, REPORT; 384 bytes, little-endian): the body of an SGX quote, and
// what the Quoting Enclave says about itself in every quote. Parsing trusts nothing.
// Errors: kRefused "dcap_reserved_not_zero"; a wrong size is the caller's to refuse.

#include <array>
#include <cstdint>

#include "base/bytes.h"
#include "base/result.h"

namespace apm::attestation::dcap {

inline constexpr std::size_t kEnclaveReportSize = 384;

struct EnclaveReport {
  std::array<std::uint8_t, 16> cpu_svn{};
  std::array<std::uint8_t, 4> misc_select{};
  std::array<std::uint8_t, 16> isv_ext_prod_id{};
  std::array<std::uint8_t, 16> attributes{};  // 8 bytes of flags, 8 of XFRM
  std::array<std::uint8_t, 32> mr_enclave{};
  std::array<std::uint8_t, 32> mr_signer{};
  std::array<std::uint8_t, 64> config_id{};
  std::uint16_t isv_prod_id = 0;
  std::uint16_t isv_svn = 0;
  std::uint16_t config_svn = 0;
  std::array<std::uint8_t, 16> isv_family_id{};
  std::array<std::uint8_t, 64> report_data{};

  [[nodiscard]] bool initialised() const { return (attributes[0] & 0x01) != 0; }
  [[nodiscard]] bool debug() const { return (attributes[0] & 0x02) != 0; }
};

// `raw` has kEnclaveReportSize bytes.
[[nodiscard]] Result<EnclaveReport> parse_enclave_report(ByteView raw);

}  // namespace apm::attestation::dcap
