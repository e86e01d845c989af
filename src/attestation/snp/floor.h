#pragma once

// What a relying party asks of genuine SNP evidence. The defaults are the safe ones: no debugging,
// no migration agent, VMPL 0, a chip's own key. An empty list asks for nothing.
// All rules are tried; each that fails has its reason (kRefused):
//   snp_vlek_not_allowed, snp_debug_allowed, snp_migration_allowed, snp_vmpl
//   snp_tcb_too_old, snp_committed_tcb_too_old, snp_launch_tcb_too_old, snp_firmware_too_old
//   snp_platform_bits, snp_alias_check_missing, snp_mitigations_missing
//   snp_chip_not_allowed, snp_chip_denied, snp_guest_svn
//   snp_measurement_not_allowed, snp_host_data_not_allowed, snp_id_key_not_allowed,
//   snp_author_key_not_allowed
// A value; any thread.

#include <cstdint>
#include <set>
#include <string>

#include "attestation/snp/report.h"

namespace apm::attestation::snp {

using HexSet = std::set<std::string>;  // lower case

struct Floor {
  // Only to look at evidence off line: no configuration of a server can set these.
  bool allow_debug = false;
  bool allow_migration = false;

  // A VLEK belongs to a cloud, not to a chip: which machine it was cannot be proved then.
  bool allow_vlek = false;
  std::uint32_t vmpl_max = 0;

  Tcb minimum;                       // of REPORTED_TCB, the only one that the signing key proves
  Tcb minimum_committed;             // of COMMITTED_TCB
  Tcb minimum_launch;                // of LAUNCH_TCB
  FirmwareVersion minimum_firmware;  // of the committed firmware

  bool require_alias_check = false;          // PLATFORM_INFO bit 5 (BadRAM)
  std::uint64_t required_platform_info = 0;  // bits that must be one
  std::uint64_t required_mitigations = 0;    // in launch and current vector; report version 5

  HexSet allowed_chips;  // CHIP_ID, 128 digits
  HexSet denied_chips;
  std::uint32_t minimum_guest_svn = 0;
  HexSet allowed_measurements;  // 96 digits
  HexSet allowed_host_data;     // 64 digits
  HexSet allowed_id_keys;       // ID_KEY_DIGEST, 96 digits
  HexSet allowed_author_keys;   // AUTHOR_KEY_DIGEST, 96 digits
};

// Facts of an authentic report that the floor is held against.
struct FloorInput {
  const Report& report;
  Product product;
  bool signed_by_vlek;
};
void check_floor(const FloorInput& input, const Floor& floor, Appraisal& appraisal);

}  // namespace apm::attestation::snp
