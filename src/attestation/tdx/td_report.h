#pragma once

// The TD report body of a TDX quote, little-endian: 584 bytes (TD 1.0), or 648 (TD 1.5). Source:
// Intel TDX DCAP quoting library API, appendix A.3. Parsing trusts nothing.

#include <array>
#include <cstdint>
#include <optional>

#include "attestation/dcap/quote.h"
#include "base/result.h"

namespace apm::attestation::tdx {

using Register = std::array<std::uint8_t, 48>;  // SHA-384

// Bits of TDATTRIBUTES.
inline constexpr std::uint64_t kTudMask = 0xff;  // 0 DEBUG, 1-7 others that put the TD under debug
inline constexpr std::uint64_t kSeptVeDisable = std::uint64_t{1} << 28;
inline constexpr std::uint64_t kMigratable = std::uint64_t{1} << 29;
inline constexpr std::uint64_t kPks = std::uint64_t{1} << 30;
inline constexpr std::uint64_t kPerfmon = std::uint64_t{1} << 63;

struct TdReport {
  std::array<std::uint8_t, 16> tee_tcb_svn{};
  Register mr_seam{};
  Register mr_signer_seam{};
  std::array<std::uint8_t, 8> seam_attributes{};
  std::uint64_t td_attributes = 0;
  std::uint64_t xfam = 0;
  Register mr_td{};
  Register mr_config_id{};
  Register mr_owner{};
  Register mr_owner_config{};
  std::array<Register, 4> rtmr{};
  std::array<std::uint8_t, 64> report_data{};
  std::optional<std::array<std::uint8_t, 16>> tee_tcb_svn2;  // TD 1.5
  std::optional<Register> mr_service_td;                     // TD 1.5

  [[nodiscard]] bool debug() const { return (td_attributes & kTudMask) != 0; }
};

// The body of a quote whose `tee` is TDX. kRefused "dcap_body_type".
[[nodiscard]] Result<TdReport> parse_td_report(const dcap::Quote& quote);

}  // namespace apm::attestation::tdx
