#include "attestation/snp/report.h"

#include <algorithm>

#include "base/byte_reader.h"
#include "base/text.h"

namespace apm::attestation::snp {
namespace {

constexpr std::size_t kHalfWidth = 72;  // of R and of S in the report
constexpr std::size_t kP384Bytes = 48;

Error refused(std::string reason, std::string message) {
  return Error(Code::kRefused, std::move(reason), std::move(message));
}

bool all_zero(ByteView bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t b) { return b == 0; });
}

template <std::size_t N>
std::array<std::uint8_t, N> array_at(ByteView raw, std::size_t offset) {
  std::array<std::uint8_t, N> out{};
  std::copy_n(raw.begin() + static_cast<std::ptrdiff_t>(offset), N, out.begin());
  return out;
}

std::uint32_t u32_at(ByteView raw, std::size_t offset) {
  return ByteReader(raw.subspan(offset)).u32_le();
}

std::uint64_t u64_at(ByteView raw, std::size_t offset) {
  return ByteReader(raw.subspan(offset)).u64_le();
}

Status check_reserved(ByteView raw, std::uint32_t version) {
  struct Area {
    std::size_t offset, size;
  };
  std::vector<Area> areas = {{0x04C, 4}, {0x1EB, 1}, {0x1EF, 1}, {0x208, 152}};
  areas.push_back(version >= 3 ? Area{0x18B, 21} : Area{0x188, 24});
  if (version < 5) areas.push_back({0x1F8, 16});
  for (const Area& area : areas) {
    if (!all_zero(raw.subspan(area.offset, area.size))) {
      return refused("snp_reserved_not_zero",
                     concat("the SNP report's reserved bytes at offset ", area.offset,
                            " are not zero: damaged, or of a firmware that is not known"));
    }
  }
  return {};
}

// One little-endian half of the signature, as 48 big-endian bytes.
Result<Bytes> signature_half(ByteView half) {
  if (!all_zero(half.subspan(kP384Bytes))) {
    return refused("snp_signature_format", "the SNP report's signature is wider than P-384");
  }
  Bytes out = to_bytes(half.first(kP384Bytes));
  std::reverse(out.begin(), out.end());
  return out;
}

Status check_header(ByteView raw) {
  if (raw.size() != kReportSize) {
    return refused("snp_report_size",
                   concat("the SNP report has ", raw.size(), " bytes instead of ", kReportSize));
  }
  const std::uint32_t version = u32_at(raw, 0x000);
  if (version != 2 && version != 3 && version != 5) {
    return refused("snp_report_version",
                   concat("SNP report version ", version, " is not supported (2, 3 and 5 are)"));
  }
  if (const std::uint32_t algorithm = u32_at(raw, 0x034); algorithm != 1) {
    return refused("snp_signature_algorithm", concat("SNP signature algorithm ", algorithm,
                                                     " is not ECDSA P-384 with SHA-384"));
  }
  if (u32_at(raw, 0x048) >> 5 != 0) {
    return refused("snp_key_info_reserved", "reserved bits of the SNP report's KEY_INFO are set");
  }
  if ((u64_at(raw, 0x008) >> 17 & 1) == 0) {
    return refused("snp_policy_reserved", "bit 17 of the SNP guest policy, always one, is zero");
  }
  return check_reserved(raw, version);
}

}  // namespace

std::optional<Tcb> decode_tcb(const TcbBytes& raw, Product product) {
  if (product == Product::kTurin) {
    if (raw[4] != 0 || raw[5] != 0 || raw[6] != 0) return std::nullopt;
    return Tcb{raw[0], raw[1], raw[2], raw[3], raw[7]};
  }
  if (raw[2] != 0 || raw[3] != 0 || raw[4] != 0 || raw[5] != 0) return std::nullopt;
  return Tcb{0, raw[0], raw[1], raw[6], raw[7]};
}

Result<Report> parse_report(ByteView raw) {
  APM_CHECK_OK(check_header(raw));
  Report report;
  report.version = u32_at(raw, 0x000);
  report.guest_svn = u32_at(raw, 0x004);
  report.policy.raw = u64_at(raw, 0x008);
  report.vmpl = u32_at(raw, 0x030);
  report.current_tcb = array_at<8>(raw, 0x038);
  report.platform_info = u64_at(raw, 0x040);
  report.key_info.raw = u32_at(raw, 0x048);
  report.report_data = array_at<64>(raw, 0x050);
  report.measurement = to_bytes(raw.subspan(0x090, 48));
  report.host_data = to_bytes(raw.subspan(0x0C0, 32));
  report.id_key_digest = to_bytes(raw.subspan(0x0E0, 48));
  report.author_key_digest = to_bytes(raw.subspan(0x110, 48));
  report.reported_tcb = array_at<8>(raw, 0x180);
  if (report.version >= 3) report.cpuid = Cpuid{raw[0x188], raw[0x189], raw[0x18A]};
  report.chip_id = array_at<64>(raw, 0x1A0);
  report.committed_tcb = array_at<8>(raw, 0x1E0);
  report.launch_tcb = array_at<8>(raw, 0x1F0);
  report.signed_bytes = to_bytes(raw.first(kSignedSize));
  const ByteView signature = raw.subspan(kSignedSize);
  if (!all_zero(signature.subspan(2 * kHalfWidth))) {
    return refused("snp_signature_format", "bytes behind the SNP report's signature are not zero");
  }
  APM_TRY(report.r, signature_half(signature.first(kHalfWidth)));
  APM_TRY(report.s, signature_half(signature.subspan(kHalfWidth, kHalfWidth)));
  return report;
}

std::optional<Product> product_of(const Cpuid& cpuid) {
  if (cpuid.family == 0x19 && cpuid.model <= 0x0f) return Product::kMilan;
  if (cpuid.family == 0x19 && ((cpuid.model >= 0x10 && cpuid.model <= 0x1f) ||
                               (cpuid.model >= 0xa0 && cpuid.model <= 0xaf))) {
    return Product::kGenoa;
  }
  if (cpuid.family == 0x1a && cpuid.model <= 0x11) return Product::kTurin;
  return std::nullopt;
}

}  // namespace apm::attestation::snp
