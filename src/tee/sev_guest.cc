#include "tee/sev_guest.h"

#include <linux/sev-guest.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "attestation/limits.h"
#include "attestation/snp/endorsements.h"
#include "attestation/snp/report.h"
#include "base/byte_reader.h"
#include "base/encoding.h"
#include "base/text.h"
#include "tee/device_error.h"
#include "tee/limits.h"

namespace apm::tee {
namespace {

constexpr std::uint8_t kMessageVersion = 1;
// MSG_REPORT_RSP: status and size, then reserved bytes up to the report.
constexpr std::size_t kResponseHeadSize = 32;

std::uint64_t address_of(void* memory) { return reinterpret_cast<std::uintptr_t>(memory); }

std::string hex32(std::uint32_t number) {
  Bytes raw;
  append_u32_be(raw, number);
  return concat("0x", hex_encode(raw));
}

Error report_error(const std::string& path, std::string_view call, int error,
                   const snp_guest_request_ioctl& done) {
  // The driver deletes its key to the firmware (VMPCK) rather than use a message number twice.
  if (error == ENOTTY) {
    return device_error(path, call, error,
                        "the driver has no key to the firmware any more, or none for its "
                        "privilege level; only a restart of this guest makes a new one");
  }
  return device_error(
      path, call, error,
      concat("firmware error ", hex32(done.fw_error), ", VMM error ", hex32(done.vmm_error)));
}

bool throttled(int error, const snp_guest_request_ioctl& done) {
  return is_transient(error) || (error != 0 && done.vmm_error == SNP_GUEST_VMM_ERR_BUSY);
}

struct Call {
  std::string_view name;
  unsigned long number = 0;
};

// One request with retries as long as the host says that it is busy. The rest is the caller's.
int ask(DeviceFiles& files, const std::string& path, const Call& call,
        snp_guest_request_ioctl& message) {
  for (int attempt = 1;; ++attempt) {
    message.exitinfo2 = 0;
    const int error = files.request(path, call.number, &message);
    if (!throttled(error, message)) return error;
    if (attempt == kDeviceAttemptsMax) return EBUSY;
    files.wait(kDeviceRetryDelay);
  }
}

Result<Bytes> report_of(const snp_report_resp& response, const std::string& path) {
  const ByteView raw(response.data, sizeof response.data);
  ByteReader head(raw.first(kResponseHeadSize));
  const std::uint32_t status = head.u32_le();
  const std::uint32_t size = head.u32_le();
  if (status != 0) {
    return malformed_answer(path, concat("the firmware's answer has status ", hex32(status)));
  }
  if (size != attestation::snp::kReportSize) {
    return malformed_answer(
        path, concat("the report has ", size, " bytes, not ", attestation::snp::kReportSize));
  }
  return to_bytes(raw.subspan(kResponseHeadSize, size));
}

snp_report_req plain_request(const SnpReportRequest& request) {
  snp_report_req out{};
  std::ranges::copy(request.report_data, out.user_data);
  out.vmpl = request.vmpl;
  return out;
}

Result<SnpReport> get_plain(DeviceFiles& files, const SnpReportRequest& request,
                            const std::string& path) {
  constexpr Call kCall{"SNP_GET_REPORT", SNP_GET_REPORT};
  snp_report_req body = plain_request(request);
  snp_report_resp response{};
  snp_guest_request_ioctl message{};
  message.msg_version = kMessageVersion;
  message.req_data = address_of(&body);
  message.resp_data = address_of(&response);
  if (const int error = ask(files, path, kCall, message); error != 0) {
    return report_error(path, kCall.name, error, message);
  }
  APM_TRY(Bytes report, report_of(response, path));
  return SnpReport{std::move(report), {}};
}

// What says that the host's certificates cannot be had, while a report can: they do not fit into
// the largest buffer that the driver takes, or the driver does not know the request.
bool without_certificates(int error, const snp_guest_request_ioctl& done) {
  return error == EINVAL || (error != 0 && done.vmm_error == SNP_GUEST_VMM_ERR_INVALID_LEN);
}

}  // namespace

Bytes trim_certificate_table(ByteView buffer) {
  if (std::ranges::all_of(buffer, [](std::uint8_t b) { return b == 0; })) return {};
  const auto entries = attestation::snp::parse_certificate_table(buffer);
  if (!entries.ok()) return to_bytes(buffer);
  std::size_t end = 0;
  for (const auto& entry : *entries) {
    end = std::max(end,
                   static_cast<std::size_t>(entry.data.data() - buffer.data()) + entry.data.size());
  }
  return to_bytes(buffer.first(end));
}

Result<SnpReport> get_snp_report(DeviceFiles& files, const SnpReportRequest& request,
                                 const std::string& path) {
  constexpr Call kCall{"SNP_GET_EXT_REPORT", SNP_GET_EXT_REPORT};
  Bytes table(kSevCertificatesBytesMax);
  snp_ext_report_req body{};
  body.data = plain_request(request);
  body.certs_address = address_of(table.data());
  body.certs_len = static_cast<std::uint32_t>(table.size());
  snp_report_resp response{};
  snp_guest_request_ioctl message{};
  message.msg_version = kMessageVersion;
  message.req_data = address_of(&body);
  message.resp_data = address_of(&response);
  const int error = ask(files, path, kCall, message);
  if (without_certificates(error, message)) return get_plain(files, request, path);
  if (error != 0) return report_error(path, kCall.name, error, message);
  APM_TRY(Bytes report, report_of(response, path));
  return SnpReport{std::move(report), trim_certificate_table(table)};
}

}  // namespace apm::tee
