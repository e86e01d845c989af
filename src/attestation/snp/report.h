#pragma once

// The SEV-SNP attestation report (AMD 56860): 1184 bytes, little-endian, signed part first.
// Parsing refuses what a genuine report of a known version never has; it trusts nothing.
// Bits of POLICY and PLATFORM_INFO that the published tables call reserved occur on genuine hosts:
// they are kept and shown, never refused.
//
// Errors: kRefused with reason snp_report_size, snp_report_version, snp_signature_algorithm,
// snp_key_info_reserved, snp_policy_reserved, snp_vmpl_range, snp_reserved_not_zero or
// snp_signature_format. Pure; any thread.

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "attestation/appraisal.h"
#include "attestation/snp/anchors.h"
#include "base/bytes.h"
#include "base/result.h"

namespace apm::attestation::snp {

inline constexpr std::size_t kReportSize = 1184;
inline constexpr std::size_t kSignedSize = 0x2A0;
inline constexpr std::uint32_t kVmplHost = 0xffffffff;  // asked for by the host itself

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
[[nodiscard]] std::string to_text(const Tcb& tcb);  // "bootloader 4, tee 0, ..."

struct Policy {
  std::uint64_t raw = 0;
  [[nodiscard]] unsigned abi_minor() const { return raw & 0xff; }
  [[nodiscard]] unsigned abi_major() const { return raw >> 8 & 0xff; }
  [[nodiscard]] bool bit(unsigned index) const { return (raw >> index & 1) != 0; }
  [[nodiscard]] bool smt() const { return bit(16); }
  [[nodiscard]] bool migrate_ma() const { return bit(18); }
  [[nodiscard]] bool debug() const { return bit(19); }
  [[nodiscard]] bool single_socket() const { return bit(20); }
};

struct KeyInfo {
  std::uint32_t raw = 0;
  [[nodiscard]] bool author_key() const { return (raw & 1) != 0; }
  [[nodiscard]] bool mask_chip_key() const { return (raw >> 1 & 1) != 0; }
  [[nodiscard]] unsigned signing_key() const { return raw >> 2 & 7; }  // 0 VCEK, 1 VLEK, 7 none
};

// PLATFORM_INFO.
inline constexpr unsigned kPlatformAliasCheck = 5;  // BadRAM

struct Cpuid {
  std::uint8_t family = 0, model = 0, stepping = 0;
};

struct FirmwareVersion {
  std::uint8_t major = 0, minor = 0, build = 0;
  auto operator<=>(const FirmwareVersion&) const = default;
};
[[nodiscard]] std::string to_text(const FirmwareVersion& version);  // "1.55.21"

struct Report {
  std::uint32_t version = 0;
  std::uint32_t guest_svn = 0;
  Policy policy;
  Bytes family_id, image_id;  // 16 each, from the ID block
  std::uint32_t vmpl = 0;
  TcbBytes current_tcb{}, reported_tcb{}, committed_tcb{}, launch_tcb{};
  std::uint64_t platform_info = 0;
  KeyInfo key_info;
  std::array<std::uint8_t, 64> report_data{};
  Bytes measurement;              // 48
  Bytes host_data;                // 32
  Bytes id_key_digest;            // 48
  Bytes author_key_digest;        // 48; means something with KeyInfo::author_key() only
  Bytes report_id, report_id_ma;  // 32 each
  std::array<std::uint8_t, 64> chip_id{};
  std::optional<Cpuid> cpuid;  // version 3 and later
  FirmwareVersion current_firmware, committed_firmware;
  std::uint64_t launch_mitigations = 0, current_mitigations = 0;  // version 5; zero before
  Bytes signed_bytes;                                             // 0x2A0
  Bytes r, s;                                                     // big-endian, 48 bytes each

  [[nodiscard]] bool chip_id_masked() const;
};

[[nodiscard]] Result<Report> parse_report(ByteView raw, Appraisal& appraisal);

// Nothing for a CPU whose layout is not known: refuse, do not guess.
[[nodiscard]] std::optional<Product> product_of(const Cpuid& cpuid);

}  // namespace apm::attestation::snp
