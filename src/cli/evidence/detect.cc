#include "cli/evidence/detect.h"

#include <algorithm>

#include "attestation/snp/report.h"
#include "base/encoding.h"
#include "base/text.h"

namespace apm::cli::evidence {
namespace {

constexpr std::uint32_t kReportVersionMax = 16;  // far beyond what AMD has defined
constexpr std::uint32_t kTpmMagic = 0xff544347;  // TPM_GENERATED_VALUE
constexpr std::uint32_t kTeeTdx = 0x81;

std::uint32_t u32_le(ByteView raw, std::size_t at) {
  std::uint32_t out = 0;
  for (std::size_t i = 0; i < 4; ++i) out |= std::uint32_t{raw[at + i]} << (8 * i);
  return out;
}

std::uint32_t u32_be(ByteView raw) {
  std::uint32_t out = 0;
  for (std::size_t i = 0; i < 4; ++i) out = out << 8 | raw[i];
  return out;
}

// A JWT: three parts of base64url with dots between, of which the first is a JSON object.
bool is_token(ByteView raw) {
  const std::string_view text = trim(as_text(raw));
  const std::vector<std::string_view> parts = split(text, '.');
  if (parts.size() != 3 || !parts[0].starts_with("ey")) return false;
  return std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  });
}

// COSE_Sign1: an array of four, tagged 18 or not, whose first element is a byte string.
bool is_cose(ByteView raw) {
  const std::size_t at = raw[0] == 0xd2 ? 1 : 0;
  return raw[at] == 0x84 && (raw[at + 1] & 0xe0) == 0x40;
}

}  // namespace

Result<Kind> detect(ByteView raw) {
  if (raw.size() >= 8) {
    if (as_text(raw).starts_with("HCLA")) return Kind{"azure", "hcl"};
    if (u32_be(raw) == kTpmMagic) return Kind{"tpm", "tpm_msg"};
    if (is_token(raw)) return Kind{"maa", "jwt"};
    if (is_cose(raw)) return Kind{"nitro", "doc"};
    const std::uint32_t first = u32_le(raw, 0);
    // Version and attestation key type, two bytes each: 2 is ECDSA with P-256.
    if (first == 0x00020003) return Kind{"sgx", "quote"};
    if (first == 0x00020004 || first == 0x00020005) {
      return Kind{u32_le(raw, 4) == kTeeTdx ? "tdx" : "sgx", "quote"};
    }
    const bool version = first >= 1 && first <= kReportVersionMax;
    if (version && raw.size() == attestation::snp::kReportSize) return Kind{"snp", "report"};
    if (version && raw.size() > attestation::snp::kReportSize) return Kind{"snp", "extended"};
  }
  return Error(
      Code::kInvalidArgument, "evidence_unknown",
      "this file is no evidence that is known here: an SNP report (1184 bytes, or with its "
      "certificate table), an Azure HCL report, a TPM quote, an SGX or TDX quote, a Nitro "
      "document or an MAA token");
}

}  // namespace apm::cli::evidence
