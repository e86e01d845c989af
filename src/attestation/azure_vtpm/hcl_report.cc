#include "attestation/azure_vtpm/hcl_report.h"

#include <algorithm>

#include "attestation/limits.h"
#include "attestation/snp/report.h"
#include "base/byte_reader.h"
#include "base/text.h"

namespace apm::attestation::azure_vtpm {
namespace {

constexpr std::uint32_t kSignature = 0x414c4348;  // "HCLA"
constexpr std::uint32_t kRequestAkCert = 2;
constexpr std::uint32_t kReportTypeSnp = 2;
constexpr std::uint32_t kReportTypeTdx = 4;
constexpr std::uint32_t kHashSha256 = 1;
constexpr std::size_t kHeaderSize = 32;
constexpr std::size_t kReservedSize = 12;
constexpr std::uint32_t kRequestHeaderSize = 20;
constexpr std::uint32_t kCapabilitiesSize = 4;
constexpr std::size_t kTdReportSize = 1024;

bool all_zero(ByteView bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t b) { return b == 0; });
}

Status format_rule(Appraisal& appraisal, bool holds, std::string reason, std::string_view found,
                   std::string wanted) {
  return appraisal.require(
      holds, {Stage::kFormat, std::move(reason), concat("HCL report: ", found), std::move(wanted)});
}

// 32 bytes: signature, version, size, request type, status, reserved.
struct Header {
  std::uint32_t signature = 0, version = 0, report_size = 0, request_type = 0, status = 0;
  bool reserved_zero = false;
};

Header read_header(ByteReader& reader) {
  Header header;
  header.signature = reader.u32_le();
  header.version = reader.u32_le();
  header.report_size = reader.u32_le();
  header.request_type = reader.u32_le();
  header.status = reader.u32_le();
  header.reserved_zero = all_zero(reader.take(kReservedSize));
  return header;
}

Status check_header(const Header& header, Appraisal& appraisal) {
  APM_CHECK_OK(format_rule(appraisal, header.signature == kSignature, "hcl_malformed",
                           "its first four bytes", "HCLA"));
  APM_CHECK_OK(format_rule(appraisal, header.version == 1 || header.version == 2, "hcl_malformed",
                           concat("version ", header.version), "1 or 2"));
  return format_rule(
      appraisal,
      header.request_type == kRequestAkCert && header.status == 0 && header.reserved_zero,
      "hcl_header",
      concat("request type ", header.request_type, ", status ", header.status, ", reserved bytes ",
             header.reserved_zero ? "zero" : "not zero"),
      "request type 2, status 0, reserved bytes zero");
}

struct RequestData {
  std::uint32_t size = 0, version = 0, report_type = 0, hash_type = 0, json_size = 0;
};

RequestData read_request_data(ByteReader& reader) {
  RequestData data;
  data.size = reader.u32_le();
  data.version = reader.u32_le();
  data.report_type = reader.u32_le();
  data.hash_type = reader.u32_le();
  data.json_size = reader.u32_le();
  return data;
}

Status check_request_data(const RequestData& data, const Header& header, Appraisal& appraisal) {
  APM_CHECK_OK(format_rule(appraisal, data.version == 1 || data.version == 2, "hcl_malformed",
                           concat("request version ", data.version), "1 or 2"));
  const std::uint32_t prefix = kRequestHeaderSize + (data.version >= 2 ? kCapabilitiesSize : 0);
  const bool agree = data.json_size <= kRuntimeClaimsBytesMax &&
                     data.size == prefix + data.json_size &&
                     header.report_size == kHeaderSize + snp::kReportSize + data.size;
  APM_CHECK_OK(
      format_rule(appraisal, agree, "hcl_malformed",
                  concat("sizes ", header.report_size, ", ", data.size, " and ", data.json_size),
                  "sizes of report, data and claims that agree with each other"));
  APM_CHECK_OK(format_rule(
      appraisal, data.report_type == kReportTypeSnp || data.report_type == kReportTypeTdx,
      "hcl_type", concat("report type ", data.report_type), "2 (SNP) or 4 (TDX)"));
  return appraisal.require(data.hash_type == kHashSha256,
                           {Stage::kAlgorithm, "hcl_hash_type",
                            concat("HCL report: hash type ", data.hash_type), "1 (SHA-256)"});
}

// SNP fills the field; a TDREPORT is shorter, and zeros follow it.
Status take_hardware(ByteView field, HclReport& hcl, Appraisal& appraisal) {
  hcl.hardware = hcl.report_type == kReportTypeTdx ? Hardware::kTdx : Hardware::kSnp;
  const std::size_t size = hcl.hardware == Hardware::kTdx ? kTdReportSize : field.size();
  hcl.hardware_report = to_bytes(field.first(size));
  const bool zero = all_zero(field.subspan(size));
  return format_rule(appraisal, zero, "hcl_trailing_bytes",
                     zero ? "nothing behind the hardware report" : "bytes behind the TDREPORT",
                     "zero bytes");
}

}  // namespace

Result<HclReport> parse_hcl_report(ByteView raw, Appraisal& appraisal) {
  const bool known_size = std::find(std::begin(kHclNvSizes), std::end(kHclNvSizes), raw.size()) !=
                          std::end(kHclNvSizes);
  APM_CHECK_OK(format_rule(appraisal, known_size, "hcl_size", concat(raw.size(), " bytes"),
                           "2048 or 2600 bytes, the whole NV index"));
  ByteReader reader(raw);
  const Header header = read_header(reader);
  APM_CHECK_OK(check_header(header, appraisal));
  const ByteView hardware = reader.take(snp::kReportSize);
  const RequestData data = read_request_data(reader);
  APM_CHECK_OK(check_request_data(data, header, appraisal));
  if (data.version >= 2) reader.skip(kCapabilitiesSize);
  HclReport hcl;
  hcl.version = header.version;
  hcl.request_type = header.request_type;
  hcl.request_version = data.version;
  hcl.report_type = data.report_type;
  hcl.hash_type = data.hash_type;
  hcl.claims_offset = raw.size() - reader.remaining();
  hcl.runtime_claims = to_bytes(reader.take(data.json_size));
  APM_CHECK_OK(format_rule(appraisal, reader.ok(), "hcl_malformed", concat(raw.size(), " bytes"),
                           "room for all of its claims"));
  APM_CHECK_OK(take_hardware(hardware, hcl, appraisal));
  const bool padded = all_zero(reader.take(reader.remaining()));
  APM_CHECK_OK(format_rule(appraisal, padded, "hcl_trailing_bytes",
                           padded ? "padding" : "bytes that are not zero behind the claims",
                           "zero bytes"));
  return hcl;
}

Bytes expected_report_data(const HclReport& hcl) {
  Bytes data = crypto::sha256(hcl.runtime_claims);
  data.resize(64, 0);
  return data;
}

Result<TdReport> parse_td_report(ByteView raw) {
  constexpr std::uint8_t kTypeTdx = 0x81;
  // REPORTTYPE and reserved; then two reserved areas, behind REPORTDATA and behind TEE_TCB_INFO.
  const bool known = raw.size() == kTdReportSize && raw[0] == kTypeTdx && raw[1] == 0 &&
                     raw[3] == 0 && all_zero(raw.subspan(4, 12)) && all_zero(raw.subspan(192, 32));
  if (!known) {
    return Error(Code::kRefused, "tdreport_malformed",
                 "the TDREPORT in the HCL report is of an unknown type, or its reserved bytes are "
                 "not zero");
  }
  TdReport report;
  report.report_data = to_bytes(raw.subspan(128, 64));
  report.attributes = to_bytes(raw.subspan(512, 8));
  report.mrtd = to_bytes(raw.subspan(528, 48));
  return report;
}

Result<Bytes> claimed_report_data(const HclReport& hcl) {
  if (hcl.hardware == Hardware::kSnp) {
    return to_bytes(ByteView(hcl.hardware_report).subspan(0x050, 64));
  }
  APM_TRY(TdReport report, parse_td_report(hcl.hardware_report));
  return std::move(report.report_data);
}

}  // namespace apm::attestation::azure_vtpm
