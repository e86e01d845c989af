#pragma once

// Builds a SEV-SNP report signed by the simulated chip, or takes a TDREPORT, and around it the HCL
// report that Azure's paravisor serves at NV 0x01400001. Pure apart from the random report id.
// Layouts: AMD 56860 (report version 3, Milan) and the header that captured Azure reports have.

#include <string>

#include "sim/hardware.h"

namespace apm::sim {

enum class Tee { kSnp, kTdx };

struct HclInput {
  Bytes ak_modulus;
  Bytes ek_modulus;
  bool secure_boot = true;
  std::string vm_unique_id;  // upper-case GUID
  Bytes user_data;           // 64 bytes
  Bytes report_id;           // 32 bytes, of this VM; SNP
  Tee tee = Tee::kSnp;
};

[[nodiscard]] std::string runtime_json(const HclInput& input);
[[nodiscard]] Result<Bytes> build_snp_report(const Hardware& hardware, ByteView report_data,
                                             ByteView report_id);
// kHclReportBytes bytes, zero-padded.
[[nodiscard]] Result<Bytes> build_hcl_report(const Hardware& hardware, const HclInput& input);

// The parts of an HCL report of an SNP machine that this file built. kCorrupt when it is none.
struct HclParts {
  Bytes snp_report;
  std::string runtime;
};
[[nodiscard]] Result<HclParts> split_hcl_report(ByteView report);

}  // namespace apm::sim
