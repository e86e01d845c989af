#include "attestation/azure_vtpm/hcl_report.h"

#include <algorithm>

#include "attestation/limits.h"
#include "attestation/snp/report.h"
#include "base/byte_reader.h"
#include "base/encoding.h"
#include "base/text.h"

namespace apm::attestation::azure_vtpm {
namespace {

constexpr std::uint32_t kSignature = 0x414c4348;  // "HCLA"
constexpr std::uint32_t kReportTypeSnp = 2;
constexpr std::uint32_t kHashSha256 = 1;
constexpr std::size_t kHeaderSize = 32;
constexpr std::uint32_t kRequestHeaderSize = 20;
constexpr int kAkBitsMin = 2048;
constexpr std::string_view kAkName = "HCLAkPub";

Error refused(std::string reason, std::string message) {
  return Error(Code::kRefused, std::move(reason), std::move(message));
}

Error malformed(std::string_view what) {
  return refused("hcl_malformed", concat("the HCL report: ", what));
}

Result<crypto::PublicKey> read_ak(const json::Value& key) {
  const std::string* type = key.string_at("kty");
  const std::string* n = key.string_at("n");
  const std::string* e = key.string_at("e");
  if (type == nullptr || *type != "RSA" || n == nullptr || e == nullptr) {
    return refused("runtime_claims_ak", "HCLAkPub in the runtime claims is not an RSA key");
  }
  APM_TRY(const Bytes modulus, base64url_decode(*n));
  APM_TRY(const Bytes exponent, base64url_decode(*e));
  APM_TRY(crypto::PublicKey ak, crypto::PublicKey::from_rsa(modulus, exponent));
  if (ak.bits() < kAkBitsMin || !equal(exponent, Bytes{1, 0, 1})) {
    return refused("runtime_claims_ak", "HCLAkPub must be RSA of at least 2048 bits with e 65537");
  }
  return ak;
}

}  // namespace

Result<HclReport> parse_hcl_report(ByteView raw) {
  if (raw.size() > kHclReportBytesMax) return malformed("it is too large");
  ByteReader reader(raw);
  HclReport hcl;
  if (reader.u32_le() != kSignature) return malformed("it does not begin with HCLA");
  hcl.version = reader.u32_le();
  if (hcl.version != 1 && hcl.version != 2) return malformed("its version is not 1 or 2");
  const std::uint32_t report_size = reader.u32_le();
  reader.skip(kHeaderSize - 12);  // request type, status, reserved: not measured, not used
  hcl.hardware_report = to_bytes(reader.take(snp::kReportSize));
  const std::uint32_t data_size = reader.u32_le();
  hcl.request_version = reader.u32_le();
  const std::uint32_t report_type = reader.u32_le();
  const std::uint32_t hash_type = reader.u32_le();
  const std::uint32_t json_size = reader.u32_le();
  if (hcl.request_version >= 2) reader.skip(4);  // capability bitmap
  const std::uint32_t prefix = kRequestHeaderSize + (hcl.request_version >= 2 ? 4U : 0U);
  if (!reader.ok() || hcl.request_version < 1 || hcl.request_version > 2 ||
      json_size > kRuntimeClaimsBytesMax || data_size != prefix + json_size ||
      report_size != kHeaderSize + snp::kReportSize + data_size) {
    return malformed("its sizes do not agree with each other");
  }
  if (report_type != kReportTypeSnp) {
    return refused("hcl_type", "the HCL report does not carry a SEV-SNP report");
  }
  if (hash_type != kHashSha256) {
    return refused("hcl_hash_type", "the HCL report's claims are not hashed with SHA-256");
  }
  hcl.runtime_claims = to_bytes(reader.take(json_size));
  if (!reader.ok()) return malformed("it is cut off");
  const ByteView rest = reader.take(reader.remaining());
  if (std::any_of(rest.begin(), rest.end(), [](std::uint8_t b) { return b != 0; })) {
    return refused("hcl_trailing_bytes", "bytes behind the HCL report's claims are not zero");
  }
  return hcl;
}

Bytes expected_report_data(const HclReport& hcl) {
  Bytes data = crypto::sha256(hcl.runtime_claims);
  data.resize(64, 0);
  return data;
}

Result<RuntimeClaims> parse_runtime_claims(ByteView exact_json) {
  const auto parsed = json::parse(exact_json);
  const json::Value* keys = parsed.ok() ? parsed->at("keys") : nullptr;
  const json::Array* list = keys == nullptr ? nullptr : keys->as_array();
  if (list == nullptr) {
    return refused("runtime_claims_malformed", "the runtime claims are not JSON with keys");
  }
  RuntimeClaims claims;
  for (const json::Value& key : *list) {
    const std::string* kid = key.string_at("kid");
    if (kid == nullptr || *kid != kAkName) continue;
    if (!claims.ak_spki_der.empty()) {
      return refused("runtime_claims_ak", "the runtime claims name two attestation keys");
    }
    const auto ak = read_ak(key);
    if (!ak.ok()) return refused("runtime_claims_ak", ak.error().message);
    claims.ak_spki_der = ak->spki_der();
  }
  if (claims.ak_spki_der.empty()) {
    return refused("runtime_claims_ak", "the runtime claims name no attestation key");
  }
  const json::Value* vm = parsed->at("vm-configuration");
  if (vm != nullptr && vm->as_object() != nullptr) claims.vm_configuration = *vm->as_object();
  const std::string* user_data = parsed->string_at("user-data");
  if (user_data != nullptr) claims.user_data_hex = to_lower(*user_data);
  return claims;
}

}  // namespace apm::attestation::azure_vtpm
