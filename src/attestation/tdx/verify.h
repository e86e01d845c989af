#pragma once

// From an Intel TDX quote (version 4, 5) and collateral to claims about a trust domain (TD). Pure:
// bytes and a time in, claims or a refusal out; any thread.
// Reasons beside those of dcap/: tdx_debug, tdx_migratable, tdx_attributes, tdx_xfam,
// tdx_tcb_svn_too_old, tdx_mrseam, tdx_mrtd, tdx_mrconfigid, tdx_mrowner, tdx_mrownerconfig,
// tdx_mrservicetd, tdx_rtmr0 ... tdx_rtmr3.

#include <array>

#include "attestation/dcap/verify.h"
#include "attestation/tdx/td_report.h"
#include "base/json.h"

namespace apm::attestation::tdx {

// Bits that must be set, and bits that may be.
struct BitMask {
  std::uint64_t required = 0;
  std::uint64_t permitted = 0;
};

// What a relying party asks of a TD. An empty list allows any; values in lower-case hex.
struct Floor {
  dcap::Floor platform;
  bool allow_debug = false;       // TDATTRIBUTES bits 0-7
  bool allow_migratable = false;  // a migration TD may move it, and read it
  // Bits beside those two. SEPT_VE_DISABLE is not required by default: below a paravisor (Azure)
  // it is off, and the paravisor does what it is for.
  BitMask attributes{0, kSeptVeDisable | kPks | kPerfmon};
  // x87 and SSE always; AVX, AVX-512, PT, PKRU, CET, ULI, LBR, AMX as TDs have had them.
  BitMask xfam{0x3, 0x6dbe7};
  // Of TEE_TCB_SVN, component by component. Intel's collateral judges the same numbers; a floor of
  // one's own also holds while collateral still calls an old module up to date.
  std::array<std::uint8_t, 16> minimum_tee_tcb_svn{};
  dcap::Values mr_seam, mr_td, mr_config_id, mr_owner, mr_owner_config;
  dcap::Values mr_service_td;  // a body without the field counts as zero
  std::array<dcap::Values, 4> rtmr;
};

struct Claims {
  dcap::Evidence evidence;
  TdReport report;
};

[[nodiscard]] Result<Claims> verify(ByteView quote, const dcap::Collateral* collateral,
                                    const dcap::Expectation& expectation, const Floor& floor,
                                    Appraisal& appraisal);

// The family's own claims, kept under "tdx".
[[nodiscard]] json::Object own_claims(const Claims& claims);

}  // namespace apm::attestation::tdx
