#include "attestation/snp/report.h"

#include <algorithm>

#include "base/byte_reader.h"
#include "base/encoding.h"
#include "base/text.h"

namespace apm::attestation::snp {
namespace {

constexpr std::size_t kHalfWidth = 72;  // of R and of S in the report
constexpr std::size_t kP384Bytes = 48;

bool all_zero(ByteView bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t b) { return b == 0; });
}

template <std::size_t N>
std::array<std::uint8_t, N> array_at(ByteView raw, std::size_t offset) {
  std::array<std::uint8_t, N> out{};
  std::copy_n(raw.begin() + static_cast<std::ptrdiff_t>(offset), N, out.begin());
  return out;
}

std::string hex(std::uint64_t value) {
  Bytes big_endian;
  append_u64_be(big_endian, value);
  return concat("0x", hex_encode(big_endian));
}

std::uint32_t u32_at(ByteView raw, std::size_t offset) {
  return ByteReader(raw.subspan(offset)).u32_le();
}

std::uint64_t u64_at(ByteView raw, std::size_t offset) {
  return ByteReader(raw.subspan(offset)).u64_le();
}

struct Area {
  std::size_t offset, size;
};

std::vector<Area> reserved_areas(std::uint32_t version) {
  std::vector<Area> areas = {{0x04C, 4}, {0x1EB, 1}, {0x1EF, 1}, {0x208, 152}};
  areas.push_back(version >= 3 ? Area{0x18B, 21} : Area{0x188, 24});
  if (version < 5) areas.push_back({0x1F8, 16});
  return areas;
}

Status check_reserved(ByteView raw, std::uint32_t version, Appraisal& appraisal) {
  std::string found = "zero";
  for (const Area& area : reserved_areas(version)) {
    if (!all_zero(raw.subspan(area.offset, area.size))) {
      found = concat("not zero at offset ", area.offset,
                     ": damaged, or of a firmware that is not known");
    }
  }
  return appraisal.require(found == "zero",
                           {Stage::kFormat, "snp_reserved_not_zero",
                            concat("reserved bytes of the SNP report: ", found), "zero"});
}

Status check_header(ByteView raw, Appraisal& appraisal) {
  APM_CHECK_OK(appraisal.require(
      raw.size() == kReportSize,
      {Stage::kFormat, "snp_report_size", concat("an SNP report of ", raw.size(), " bytes"),
       concat(kReportSize, " bytes")}));
  const std::uint32_t version = u32_at(raw, 0x000);
  APM_CHECK_OK(appraisal.require(
      version == 2 || version == 3 || version == 5,
      {Stage::kFormat, "snp_report_version", concat("SNP report version ", version), "2, 3 or 5"}));
  const std::uint32_t algorithm = u32_at(raw, 0x034);
  APM_CHECK_OK(appraisal.require(
      algorithm == 1, {Stage::kAlgorithm, "snp_signature_algorithm",
                       concat("signature algorithm ", algorithm), "1, ECDSA P-384 with SHA-384"}));
  APM_CHECK_OK(
      appraisal.require(u32_at(raw, 0x048) >> 5 == 0,
                        {Stage::kFormat, "snp_key_info_reserved",
                         concat("KEY_INFO ", hex(u32_at(raw, 0x048))), "reserved bits zero"}));
  const std::uint64_t policy = u64_at(raw, 0x008);
  APM_CHECK_OK(appraisal.require(
      (policy >> 17 & 1) == 1,
      {Stage::kFormat, "snp_policy_reserved", concat("guest policy ", hex(policy)), "bit 17 one"}));
  const std::uint32_t vmpl = u32_at(raw, 0x030);
  APM_CHECK_OK(appraisal.require(
      vmpl <= 3 || vmpl == kVmplHost,
      {Stage::kFormat, "snp_vmpl_range", concat("VMPL ", vmpl), "0 to 3, or the host's"}));
  return check_reserved(raw, version, appraisal);
}

// One little-endian half of the signature, as 48 big-endian bytes.
Bytes signature_half(ByteView half) {
  Bytes out = to_bytes(half.first(kP384Bytes));
  std::reverse(out.begin(), out.end());
  return out;
}

// R and S: 72 bytes each of which 48 count, then nothing.
Status read_signature(ByteView raw, Report& report, Appraisal& appraisal) {
  const ByteView r = raw.first(kHalfWidth);
  const ByteView s = raw.subspan(kHalfWidth, kHalfWidth);
  const bool narrow = all_zero(r.subspan(kP384Bytes)) && all_zero(s.subspan(kP384Bytes)) &&
                      all_zero(raw.subspan(2 * kHalfWidth));
  APM_CHECK_OK(appraisal.require(
      narrow, {Stage::kFormat, "snp_signature_format", narrow ? "zero" : "not zero",
               "zero bytes around the 48 bytes of R and of S"}));
  report.r = signature_half(r);
  report.s = signature_half(s);
  return {};
}

void read_identity(ByteView raw, Report& report) {
  report.guest_svn = u32_at(raw, 0x004);
  report.policy.raw = u64_at(raw, 0x008);
  report.family_id = to_bytes(raw.subspan(0x010, 16));
  report.image_id = to_bytes(raw.subspan(0x020, 16));
  report.vmpl = u32_at(raw, 0x030);
  report.key_info.raw = u32_at(raw, 0x048);
  report.report_data = array_at<64>(raw, 0x050);
  report.measurement = to_bytes(raw.subspan(0x090, 48));
  report.host_data = to_bytes(raw.subspan(0x0C0, 32));
  report.id_key_digest = to_bytes(raw.subspan(0x0E0, 48));
  report.author_key_digest = to_bytes(raw.subspan(0x110, 48));
  report.report_id = to_bytes(raw.subspan(0x140, 32));
  report.report_id_ma = to_bytes(raw.subspan(0x160, 32));
}

void read_platform(ByteView raw, Report& report) {
  report.current_tcb = array_at<8>(raw, 0x038);
  report.platform_info = u64_at(raw, 0x040);
  report.reported_tcb = array_at<8>(raw, 0x180);
  if (report.version >= 3) report.cpuid = Cpuid{raw[0x188], raw[0x189], raw[0x18A]};
  report.chip_id = array_at<64>(raw, 0x1A0);
  report.committed_tcb = array_at<8>(raw, 0x1E0);
  report.current_firmware = {raw[0x1EA], raw[0x1E9], raw[0x1E8]};
  report.committed_firmware = {raw[0x1EE], raw[0x1ED], raw[0x1EC]};
  report.launch_tcb = array_at<8>(raw, 0x1F0);
  report.launch_mitigations = u64_at(raw, 0x1F8);
  report.current_mitigations = u64_at(raw, 0x200);
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

std::string to_text(const Tcb& tcb) {
  return concat("bootloader ", unsigned{tcb.bootloader}, ", tee ", unsigned{tcb.tee}, ", snp ",
                unsigned{tcb.snp}, ", microcode ", unsigned{tcb.microcode}, ", fmc ",
                unsigned{tcb.fmc});
}

std::string to_text(const FirmwareVersion& version) {
  return concat(unsigned{version.major}, ".", unsigned{version.minor}, ".",
                unsigned{version.build});
}

bool Report::chip_id_masked() const { return key_info.mask_chip_key() || all_zero(chip_id); }

Result<Report> parse_report(ByteView raw, Appraisal& appraisal) {
  APM_CHECK_OK(check_header(raw, appraisal));
  Report report;
  report.version = u32_at(raw, 0x000);
  read_identity(raw, report);
  read_platform(raw, report);
  report.signed_bytes = to_bytes(raw.first(kSignedSize));
  APM_CHECK_OK(read_signature(raw.subspan(kSignedSize), report, appraisal));
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
