#include "sim/hcl_report.h"

#include <algorithm>

#include "base/byte_reader.h"
#include "base/encoding.h"
#include "base/json.h"
#include "sim/limits.h"
#include "sim/td_quote.h"

namespace apm::sim {
namespace {

constexpr std::size_t kSignedBytes = 0x2A0;
constexpr std::size_t kHeaderBytes = 32;
constexpr std::size_t kRequestBytes = 20;

json::Object rsa_key(const char* kid, const char* operation, ByteView modulus) {
  return json::Object{{"kid", kid},
                      {"key_ops", json::Array{json::Value(operation)}},
                      {"kty", "RSA"},
                      {"e", "AQAB"},
                      {"n", base64url_encode(modulus)}};
}

std::uint64_t tcb_value(const ChipTcb& tcb) {
  return static_cast<std::uint64_t>(tcb.bootloader) | static_cast<std::uint64_t>(tcb.tee) << 8 |
         static_cast<std::uint64_t>(tcb.snp) << 48 |
         static_cast<std::uint64_t>(tcb.microcode) << 56;
}

void put(Bytes& out, std::size_t at, ByteView value) {
  std::ranges::copy(value, out.begin() + static_cast<std::ptrdiff_t>(at));
}

void put_u32(Bytes& out, std::size_t at, std::uint32_t value) {
  Bytes raw;
  append_u32_le(raw, value);
  put(out, at, raw);
}

void put_u64(Bytes& out, std::size_t at, std::uint64_t value) {
  Bytes raw;
  append_u64_le(raw, value);
  put(out, at, raw);
}

void put_reversed(Bytes& out, std::size_t at, Bytes big_endian) {
  std::ranges::reverse(big_endian);
  put(out, at, big_endian);
}

Bytes unsigned_report(const Hardware& hardware, ByteView report_data, ByteView report_id) {
  Bytes out(kSnpReportBytes, 0);
  const std::uint64_t tcb = tcb_value(hardware.tcb);
  put_u32(out, 0x000, 3);
  put_u32(out, 0x004, 10);       // guest SVN
  put_u64(out, 0x008, 0x3001f);  // policy: SMT allowed, debug off, no migration agent
  out[0x010] = 0x02;             // family id, image id: as Azure's
  out[0x011] = 0x21;
  out[0x012] = 0x20;
  out[0x020] = 0x02;
  put_u32(out, 0x034, 1);  // ECDSA P-384 with SHA-384
  put_u64(out, 0x038, tcb);
  put_u64(out, 0x040, 0x21);  // SMT, alias check complete
  put(out, 0x050, report_data);
  put(out, 0x090, crypto::digest(crypto::Hash::kSha384, as_bytes("simulated launch measurement")));
  put(out, 0x0E0, crypto::digest(crypto::Hash::kSha384, as_bytes("simulated id key")));
  put(out, 0x140, report_id);
  put(out, 0x160, Bytes(32, 0xff));
  put_u64(out, 0x180, tcb);
  out[0x188] = 0x19;  // CPUID family, model, stepping: Milan
  out[0x189] = 0x01;
  out[0x18A] = 0x01;
  put(out, 0x1A0, hardware.chip_id);
  put_u64(out, 0x1E0, tcb);
  put(out, 0x1E8, Bytes{29, 55, 1, 0, 29, 55, 1, 0});  // firmware 1.55.29
  put_u64(out, 0x1F0, tcb);
  return out;
}

}  // namespace

std::string runtime_json(const HclInput& input) {
  const json::Object root{
      {"keys", json::Array{json::Value(rsa_key("HCLAkPub", "sign", input.ak_modulus)),
                           json::Value(rsa_key("HCLEkPub", "encrypt", input.ek_modulus))}},
      {"vm-configuration", json::Object{{"console-enabled", true},
                                        {"secure-boot", input.secure_boot},
                                        {"tpm-enabled", true},
                                        {"vmUniqueId", input.vm_unique_id}}},
      {"user-data", hex_encode(input.user_data)}};
  return json::write(root);
}

Result<Bytes> build_snp_report(const Hardware& hardware, ByteView report_data, ByteView report_id) {
  if (report_data.size() != 64 || report_id.size() != 32) {
    return Error(Code::kInvalidArgument, "snp_report", "report data 64 bytes, report id 32");
  }
  Bytes out = unsigned_report(hardware, report_data, report_id);
  APM_TRY(const crypto::PrivateKey::EcSignature signature,
          hardware.vcek.key.sign_ecdsa(crypto::Hash::kSha384, ByteView(out).first(kSignedBytes)));
  put_reversed(out, kSignedBytes, signature.r);
  put_reversed(out, kSignedBytes + 72, signature.s);
  return out;
}

Result<Bytes> build_hcl_report(const Hardware& hardware, const HclInput& input) {
  const bool tdx = input.tee == Tee::kTdx;
  const std::string runtime = runtime_json(input);
  Bytes report_data = crypto::sha256(as_bytes(runtime));
  report_data.resize(64, 0);
  APM_TRY(Bytes report, tdx ? build_td_report(hardware.intel, report_data)
                            : build_snp_report(hardware, report_data, input.report_id));
  report.resize(kSnpReportBytes, 0);  // the field has the size of an SNP report
  const auto size = static_cast<std::uint32_t>(runtime.size());
  Bytes out;
  append(out, "HCLA");
  append_u32_le(out, tdx ? 2 : 1);  // as captured machines have them
  append_u32_le(out,
                static_cast<std::uint32_t>(kHeaderBytes + kSnpReportBytes + kRequestBytes) + size);
  append_u32_le(out, 2);  // request type: AK certificate
  append_u32_le(out, 0);  // status
  out.resize(kHeaderBytes, 0);
  append(out, report);
  append_u32_le(out, static_cast<std::uint32_t>(kRequestBytes) + size);
  append_u32_le(out, 1);            // request version
  append_u32_le(out, tdx ? 4 : 2);  // report type
  append_u32_le(out, 1);            // SHA-256
  append_u32_le(out, size);
  append(out, runtime);
  if (out.size() > kHclReportBytes) {
    return Error(Code::kTooLarge, "hcl_report", "the HCL report does not fit its NV index");
  }
  out.resize(kHclReportBytes, 0);
  return out;
}

Result<HclParts> split_hcl_report(ByteView report) {
  ByteReader reader(report);
  const ByteView magic = reader.take(4);
  reader.skip(kHeaderBytes - 4);
  HclParts out;
  out.snp_report = to_bytes(reader.take(kSnpReportBytes));
  reader.skip(kRequestBytes - 4);
  const ByteView runtime = reader.take(reader.u32_le());
  out.runtime = as_text(runtime);
  if (!reader.ok() || as_text(magic) != "HCLA") {
    return Error(Code::kCorrupt, "hcl_report", "not an HCL report");
  }
  return out;
}

}  // namespace apm::sim
