#include "sim/td_quote.h"

#include <algorithm>

#include "base/byte_reader.h"
#include "base/encoding.h"
#include "crypto/digest.h"

namespace apm::sim {
namespace {

// TDREPORT_STRUCT: the part that the MAC covers, TEE_TCB_INFO, TDINFO.
constexpr std::size_t kMacAt = 224;
constexpr std::size_t kMacBytes = 32;
constexpr std::size_t kTcbHashAt = 32, kInfoHashAt = 80, kReportDataAt = 128;
constexpr std::size_t kTcbInfoAt = 256, kTcbInfoBytes = 239;
constexpr std::size_t kTdInfoAt = 512, kTdInfoBytes = 512;
constexpr std::size_t kRegisterBytes = 48;
constexpr std::size_t kReportDataBytes = 64;
constexpr std::size_t kEnclaveReportBytes = 384;

void put(Bytes& out, std::size_t at, ByteView value) {
  std::ranges::copy(value, out.begin() + static_cast<std::ptrdiff_t>(at));
}

Bytes hash_of(ByteView bytes) { return crypto::digest(crypto::Hash::kSha384, bytes); }

Bytes mac_of(const IntelHardware& intel, ByteView td_report) {
  return crypto::hmac_sha256(intel.mac_key.view(), td_report.first(kMacAt));
}

Status check_td_report(const IntelHardware& intel, ByteView report) {
  const bool genuine = report.size() == kTdReportBytes &&
                       equal(report.subspan(kMacAt, kMacBytes), mac_of(intel, report)) &&
                       equal(report.subspan(kTcbHashAt, kRegisterBytes),
                             hash_of(report.subspan(kTcbInfoAt, kTcbInfoBytes))) &&
                       equal(report.subspan(kInfoHashAt, kRegisterBytes),
                             hash_of(report.subspan(kTdInfoAt, kTdInfoBytes)));
  if (genuine) return {};
  return Error(Code::kRefused, "td_report", "not a TDREPORT that this platform's CPU made");
}

// TEE_TCB_SVN to SEAMATTRIBUTES; TDATTRIBUTES to RTMR3; REPORTDATA.
Bytes quote_body(ByteView report) {
  Bytes out = to_bytes(report.subspan(kTcbInfoAt + 8, 16 + 48 + 48 + 8));
  append(out, report.subspan(kTdInfoAt, 8 + 8 + 8 * kRegisterBytes));
  append(out, report.subspan(kReportDataAt, kReportDataBytes));
  return out;
}

Bytes header() {
  Bytes out(48);
  out[0] = 4;  // version
  out[2] = 2;  // ECDSA P-256
  out[4] = 0x81;
  put(out, 12, *hex_decode("939a7233f79c4ca9940a0db3957f0607"));
  return out;
}

// The quoting enclave vouches for the key with which it signs, and the PCK for the enclave.
Result<Bytes> quoting_enclave(const IntelHardware& intel, ByteView attestation_key) {
  const Bytes authentication(32, 0x5a);
  Bytes out(kEnclaveReportBytes);
  out[48] = 0x15;  // ATTRIBUTES: INIT, MODE64, PROVISIONKEY
  put(out, 128, Bytes(32, kQuotingEnclaveSigner));
  out[256] = 2;  // ISVPRODID
  out[258] = kQuotingEnclaveSvn;
  put(out, 320, crypto::digest(crypto::Hash::kSha256, {attestation_key, authentication}));
  APM_TRY(const Bytes signature, sign_p256(intel.pck.key, out));
  append(out, signature);
  append_u16_le(out, static_cast<std::uint16_t>(authentication.size()));
  append(out, authentication);
  const std::string chain = intel.chain_pem();
  append_u16_le(out, 5);  // certification data: the PCK chain in PEM
  append_u32_le(out, static_cast<std::uint32_t>(chain.size()));
  append(out, chain);
  return out;
}

Result<Bytes> signature_data(const IntelHardware& intel, ByteView signed_part) {
  APM_TRY(Bytes out, sign_p256(intel.quoting, signed_part));
  APM_TRY(const crypto::PublicKey key, intel.quoting.public_key());
  const Bytes spki = key.spki_der();  // ends in 04, x, y
  const ByteView point = ByteView(spki).last(64);
  append(out, point);
  APM_TRY(const Bytes enclave, quoting_enclave(intel, point));
  append_u16_le(out, 6);  // certification data: the enclave's report
  append_u32_le(out, static_cast<std::uint32_t>(enclave.size()));
  append(out, enclave);
  return out;
}

}  // namespace

Result<Bytes> build_td_report(const IntelHardware& intel, ByteView report_data) {
  if (report_data.size() != kReportDataBytes) {
    return Error(Code::kInvalidArgument, "td_report", "report data has 64 bytes");
  }
  Bytes out(kTdReportBytes);
  out[0] = 0x81;  // TDX
  put(out, kReportDataAt, report_data);
  put(out, kTcbInfoAt + 8, Bytes{kTdModuleSvn, kTdModuleVersion});       // TEE_TCB_SVN
  put(out, kTcbInfoAt + 24, hash_of(as_bytes("simulated TDX module")));  // MRSEAM
  out[kTdInfoAt + 3] = 0x10;                                             // SEPT_VE_DISABLE
  put(out, kTdInfoAt + 8, Bytes{0xe7, 2, 6});                            // XFAM
  put(out, kTdInfoAt + 16, hash_of(as_bytes("simulated paravisor")));    // MRTD
  put(out, kTcbHashAt, hash_of(ByteView(out).subspan(kTcbInfoAt, kTcbInfoBytes)));
  put(out, kInfoHashAt, hash_of(ByteView(out).subspan(kTdInfoAt, kTdInfoBytes)));
  put(out, kMacAt, mac_of(intel, out));
  return out;
}

Result<Bytes> build_td_quote(const IntelHardware& intel, ByteView td_report) {
  APM_CHECK_OK(check_td_report(intel, td_report));
  Bytes out = header();
  append(out, quote_body(td_report));
  APM_TRY(const Bytes data, signature_data(intel, out));
  append_u32_le(out, static_cast<std::uint32_t>(data.size()));
  append(out, data);
  return out;
}

}  // namespace apm::sim
