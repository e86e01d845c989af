#include "skr/guest_evidence.h"

#include "base/byte_reader.h"
#include "base/encoding.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "skr/limits.h"

namespace apm::skr {
namespace {

constexpr std::uint32_t kHclMagic = 0x414C4348;  // "HCLA", little endian
constexpr std::size_t kHclHeaderBytes = 32;
constexpr std::size_t kSnpReportBytes = 1184;
constexpr std::uint32_t kHclTypeSnp = 2;

json::Value b64(ByteView bytes) { return json::Value(base64_encode(bytes)); }
json::Value b64(std::string_view text) { return b64(as_bytes(text)); }

json::Value tpm_info(const GuestEvidence& evidence) {
  json::Array set;
  json::Array values;
  for (const auto& [index, digest] : evidence.pcrs) {
    set.emplace_back(index);
    values.emplace_back(json::Object{{"Index", json::Value(index)}, {"Digest", b64(digest)}});
  }
  return json::Object{{"AikCert", b64(evidence.ak_certificate)},
                      {"AikPub", b64(evidence.ak_public)},
                      {"PcrQuote", b64(evidence.quote.attest)},
                      {"PcrSignature", b64(evidence.quote.signature)},
                      {"PcrSet", json::Value(std::move(set))},
                      {"PCRs", json::Value(std::move(values))},
                      {"EncKeyPub", b64(evidence.key.public_area)},
                      {"EncKeyCertifyInfo", b64(evidence.certify.attest)},
                      {"EncKeyCertifyInfoSignature", b64(evidence.certify.signature)}};
}

json::Value isolation_info(const GuestEvidence& evidence, const azure::AmdCertification& amd) {
  const std::string proof =
      json::write(json::Object{{"SnpReport", json::Value(base64url_encode(evidence.snp_report))},
                               {"VcekCertChain", b64(amd.vcek_pem + amd.chain_pem)}});
  return json::Object{{"Type", json::Value("SevSnp")},
                      {"Evidence", json::Object{{"Proof", b64(proof)},
                                                {"RunTimeData", b64(evidence.runtime_json)}}}};
}

std::string os_release_value(std::string_view text, std::string_view name) {
  for (std::string_view line : split(text, '\n')) {
    if (!line.starts_with(name) || !line.substr(name.size()).starts_with('=')) continue;
    std::string_view value = trim(line.substr(name.size() + 1));
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
      value = value.substr(1, value.size() - 2);
    }
    return std::string(value);
  }
  return {};
}

}  // namespace

Result<HclParts> split_hcl_report(ByteView report) {
  const auto refuse = [](std::string_view why) {
    return Error(Code::kRefused, "hcl_report",
                 concat("the hardware report in the vTPM is unusable: ", why,
                        ". This must be an Azure confidential VM with AMD SEV-SNP"));
  };
  ByteReader reader(report);
  const std::uint32_t magic = reader.u32_le();
  const std::uint32_t version = reader.u32_le();
  reader.skip(kHclHeaderBytes - 8);
  const ByteView snp = reader.take(kSnpReportBytes);
  reader.skip(8);  // size and version of the request data
  const std::uint32_t type = reader.u32_le();
  const std::uint32_t hash = reader.u32_le();
  const std::uint32_t size = reader.u32_le();
  const ByteView runtime = reader.take(size);
  if (!reader.ok()) return refuse("it is cut short");
  if (magic != kHclMagic || version < 1 || version > 2) return refuse("it has another format");
  if (type != kHclTypeSnp) return refuse("it is not of type SEV-SNP");
  if (hash < 1 || hash > 3 || runtime.empty()) return refuse("it holds no runtime data");
  return HclParts{to_bytes(snp), to_bytes(runtime)};
}

Result<Bytes> trim_certificate(ByteView padded) {
  ByteReader reader(padded);
  const bool sequence = reader.u8() == 0x30 && reader.u8() == 0x82;
  const std::size_t size = std::size_t{4} + reader.u16_be();
  if (!sequence || size > padded.size()) {  // a cut one is shorter than its first four bytes
    return Error(Code::kRefused, "ak_certificate",
                 "the vTPM holds no certificate of its attestation key (NV 0x01C101D0). Azure "
                 "provisions it shortly after the VM's start: wait, or restart the VM");
  }
  return to_bytes(padded.first(size));
}

Result<GuestEvidence> collect_guest_evidence(tee::Tpm& tpm, const std::string& event_log_path,
                                             const GuestRequest& request) {
  GuestEvidence evidence;
  APM_TRY(const Bytes hcl, tpm.read_nv(tee::kAzureHclReportNv));
  APM_TRY(HclParts parts, split_hcl_report(hcl));
  evidence.snp_report = std::move(parts.snp_report);
  evidence.runtime_json = std::move(parts.runtime_json);
  APM_TRY(const Bytes padded, tpm.read_nv(tee::kAzureAkCertNv));
  APM_TRY(evidence.ak_certificate, trim_certificate(padded));
  APM_TRY(evidence.ak_public, tpm.read_public(tee::kAzureAkHandle));
  APM_TRY(evidence.pcrs, tpm.read_pcrs(request.pcrs));
  APM_TRY(evidence.key, tpm.make_pcr_bound_key(request.pcrs, request.unique));
  APM_TRY(evidence.certify, tpm.certify(evidence.key, request.unique, tee::kAzureAkHandle, {}));
  APM_TRY(evidence.quote, tpm.quote(request.pcrs, tee::kAzureAkHandle, {}));
  APM_TRY(evidence.event_log, tee::read_event_log(event_log_path));
  return evidence;
}

OsFacts read_os_facts(const std::string& os_release_path) {
  OsFacts facts;
  const auto file = read_file(os_release_path, 64 * 1024);
  if (!file.ok()) return facts;  // informative only: nothing is decided by it
  const std::string name = os_release_value(as_text(*file), "NAME");
  if (!name.empty()) facts.distro = name;
  const std::string version = os_release_value(as_text(*file), "VERSION_ID");
  const auto numbers = split(version, '.');
  facts.major = static_cast<std::int64_t>(parse_u64(numbers[0]).value_or(0));
  if (numbers.size() > 1) {
    facts.minor = static_cast<std::int64_t>(parse_u64(numbers[1]).value_or(0));
  }
  return facts;
}

std::string attestation_info(const GuestEvidence& evidence, const azure::AmdCertification& amd,
                             const OsFacts& os, const std::string& nonce) {
  return json::write(json::Object{{"AttestationProtocolVersion", json::Value("2.0")},
                                  {"OSType", b64("Linux")},
                                  {"OSDistro", b64(os.distro)},
                                  {"OSVersionMajor", json::Value(os.major)},
                                  {"OSVersionMinor", json::Value(os.minor)},
                                  {"OSBuild", b64("NotApplication")},
                                  {"TcgLogs", b64(evidence.event_log)},
                                  {"ClientPayload", json::Object{{"nonce", b64(nonce)}}},
                                  {"TpmInfo", tpm_info(evidence)},
                                  {"IsolationInfo", isolation_info(evidence, amd)}});
}

}  // namespace apm::skr
