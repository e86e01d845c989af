#pragma once

// The SEV-SNP attestation report (AMD 56860): 1184 bytes, little-endian, signed part first.
// Parsing refuses what a genuine report of a known version never has; it trusts nothing.
// Errors: kRefused with reason "snp_report_size", "snp_report_version", "snp_signature_algorithm",
// "snp_key_info_reserved", "snp_reserved_not_zero", "snp_policy_reserved" or
// "snp_signature_format".

#include <array>
#include <cstdint>
#include <optional>

#include "attestation/snp/anchors.h"
#include "base/bytes.h"
#include "base/result.h"

namespace apm::attestation::snp {

inline constexpr std::size_t kReportSize = 1184;
inline constexpr std::size_t kSignedSize = 0x2A0;

using TcbBytes = std::array<std::uint8_t, 8>;  // as in the report, byte 0 first

// One TCB_VERSION by component. Compared component by component, never as one number.
struct Tcb {
  std::uint8_t fmc = 0;  // Turin only
  std::uint8_t bootloader = 0;
  std::uint8_t tee = 0;
  std::uint8_t snp = 0;
  std::uint8_t microcode = 0;
  bool operator==(const Tcb&) const = default;
};
// Nothing when a reserved byte of this product's layout is not zero.
[[nodiscard]] std::optional<Tcb> decode_tcb(const TcbBytes& raw, Product product);

struct Policy {
  std::uint64_t raw = 0;
  [[nodiscard]] bool migrate_ma() const { return (raw >> 18 & 1) != 0; }
  [[nodiscard]] bool debug() const { return (raw >> 19 & 1) != 0; }
};

struct KeyInfo {
  std::uint32_t raw = 0;
  [[nodiscard]] bool author_key() const { return (raw & 1) != 0; }
  [[nodiscard]] bool mask_chip_key() const { return (raw >> 1 & 1) != 0; }
  [[nodiscard]] unsigned signing_key() const { return raw >> 2 & 7; }  // 0 VCEK, 1 VLEK, 7 none
};

struct Cpuid {
  std::uint8_t family = 0, model = 0, stepping = 0;
};

struct Report {
  std::uint32_t version = 0;
  std::uint32_t guest_svn = 0;
  Policy policy;
  std::uint32_t vmpl = 0;
  TcbBytes current_tcb{}, reported_tcb{}, committed_tcb{}, launch_tcb{};
  std::uint64_t platform_info = 0;
  KeyInfo key_info;
  std::array<std::uint8_t, 64> report_data{};
  Bytes measurement;        // 48
  Bytes host_data;          // 32
  Bytes id_key_digest;      // 48
  Bytes author_key_digest;  // 48
  std::array<std::uint8_t, 64> chip_id{};
  std::optional<Cpuid> cpuid;  // version 3 and later
  Bytes signed_bytes;          // 0x2A0
  Bytes r, s;                  // big-endian, 48 bytes each
};

[[nodiscard]] Result<Report> parse_report(ByteView raw);

// Nothing for a CPU whose layout is not known: refuse, do not guess.
[[nodiscard]] std::optional<Product> product_of(const Cpuid& cpuid);

}  // namespace apm::attestation::snp
