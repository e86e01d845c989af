#include "sim/intel.h"

#include <ctime>

#include "base/clock.h"
#include "base/encoding.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "sim/files.h"
#include "sim/limits.h"

namespace apm::sim {
namespace {

constexpr std::int64_t kCollateralDays = 30;
constexpr std::uint8_t kPlatformSvn = 5;  // of every SGX TCB component
constexpr unsigned kPceSvn = 11;
constexpr std::size_t kComponents = 16;
constexpr std::size_t kMacKeyBytes = 32;
const Bytes kFmspc = {0x90, 0xc0, 0x6f, 0, 0, 0};

// ---- The PCK certificate's SGX extension, in DER ----

Bytes der(std::uint8_t tag, ByteView content) {
  Bytes out{tag};
  if (content.size() >= 0x100) {
    out.push_back(0x82);
    out.push_back(static_cast<std::uint8_t>(content.size() >> 8));
  } else if (content.size() >= 0x80) {
    out.push_back(0x81);
  }
  out.push_back(static_cast<std::uint8_t>(content.size()));
  append(out, content);
  return out;
}

Bytes small_integer(std::uint8_t value) { return der(0x02, Bytes{value}); }

// SEQUENCE { OID 1.2.840.113741.1.13.1.<arcs>, value }
Bytes entry(ByteView arcs, ByteView value) {
  Bytes oid{0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01};
  append(oid, arcs);
  Bytes content = der(0x06, oid);
  append(content, value);
  return der(0x30, content);
}

Bytes sgx_extension() {
  Bytes tcb;
  for (std::uint8_t i = 1; i <= kComponents; ++i) {
    append(tcb, entry(Bytes{2, i}, small_integer(kPlatformSvn)));
  }
  append(tcb, entry(Bytes{2, 17}, small_integer(kPceSvn)));
  append(tcb, entry(Bytes{2, 18}, der(0x04, Bytes(16, kPlatformSvn))));  // CPUSVN
  Bytes out = entry(Bytes{1}, der(0x04, Bytes(16, 0x11)));               // PPID
  append(out, entry(Bytes{2}, der(0x30, tcb)));
  append(out, entry(Bytes{3}, der(0x04, Bytes{0, 0})));  // PCEID
  append(out, entry(Bytes{4}, der(0x04, kFmspc)));
  append(out, entry(Bytes{5}, Bytes{0x0a, 1, 1}));           // SGX type: scalable
  append(out, entry(Bytes{6}, der(0x04, Bytes(16, 0x22))));  // platform instance
  return der(0x30, out);
}

// ---- Certificates ----

crypto::CertificateSpec intel_spec(const std::string& name, int path_length) {
  crypto::CertificateSpec spec = spec_of(name, 7 * 365, path_length >= 0);
  spec.organization = "Intel Corporation (simulated)";
  spec.path_length = path_length;
  return spec;
}

Result<crypto::SecretBytes> load_or_make_mac_key(const std::string& path) {
  if (file_exists(path)) {
    APM_TRY(const Bytes kept, read_file(path, kFileBytesMax));
    return crypto::SecretBytes::copy_of(kept);
  }
  crypto::SecretBytes made = crypto::SecretBytes::random(kMacKeyBytes);
  APM_CHECK_OK(write_private_file(path, made.view()));
  return made;
}

// ---- Documents ----

json::Object dated(std::int64_t now_s, json::Object document) {
  document.set("issueDate", rfc3339(now_s - kDay));
  document.set("nextUpdate", rfc3339(now_s + kCollateralDays * kDay));
  document.set("tcbEvaluationDataNumber", 18);
  return document;
}

json::Array components(const Bytes& svns) {
  json::Array out;
  for (std::size_t i = 0; i < kComponents; ++i) {
    out.emplace_back(json::Object{{"svn", unsigned{i < svns.size() ? svns[i] : std::uint8_t{0}}}});
  }
  return out;
}

json::Value up_to_date(json::Object tcb) {
  return json::Object{
      {"tcb", std::move(tcb)}, {"tcbDate", "2026-01-01T00:00:00Z"}, {"tcbStatus", "UpToDate"}};
}

json::Object td_module() {
  return {{"mrsigner", std::string(96, '0')},
          {"attributes", "0000000000000000"},
          {"attributesMask", "FFFFFFFFFFFFFFFF"}};
}

std::string tcb_info(std::int64_t now_s) {
  json::Object identity = td_module();
  identity.set("id", concat("TDX_0", unsigned{kTdModuleVersion}));
  identity.set("tcbLevels",
               json::Array{up_to_date(json::Object{{"isvsvn", unsigned{kTdModuleSvn}}})});
  json::Object level{{"sgxtcbcomponents", components(Bytes(kComponents, kPlatformSvn))},
                     {"pcesvn", kPceSvn},
                     {"tdxtcbcomponents", components(Bytes{kTdModuleSvn, kTdModuleVersion})}};
  return json::write(dated(now_s, {{"id", "TDX"},
                                   {"version", 3},
                                   {"fmspc", hex_encode(kFmspc)},
                                   {"pceId", "0000"},
                                   {"tcbType", 0},
                                   {"tdxModule", td_module()},
                                   {"tdxModuleIdentities", json::Array{json::Value(identity)}},
                                   {"tcbLevels", json::Array{up_to_date(std::move(level))}}}));
}

std::string qe_identity(std::int64_t now_s) {
  return json::write(dated(
      now_s, {{"id", "TD_QE"},
              {"version", 2},
              {"miscselect", "00000000"},
              {"miscselectMask", "FFFFFFFF"},
              {"attributes", "11000000000000000000000000000000"},
              {"attributesMask", "FBFFFFFFFFFFFFFF0000000000000000"},
              {"mrsigner", hex_encode(Bytes(32, kQuotingEnclaveSigner))},
              {"isvprodid", 2},
              {"tcbLevels",
               json::Array{up_to_date(json::Object{{"isvsvn", unsigned{kQuotingEnclaveSvn}}})}}}));
}

Result<std::string> revoked_by(const Identity& issuer, std::int64_t now_s) {
  const crypto::CrlSpec spec{.this_update_s = now_s - kDay,
                             .next_update_s = now_s + kCollateralDays * kDay,
                             .serials = {},
                             .critical_extension = {}};
  APM_TRY(const Bytes list, crypto::build_crl(spec, issuer.certificate, issuer.key));
  return hex_encode(list);
}

}  // namespace

Result<Bytes> sign_p256(const crypto::PrivateKey& key, ByteView message) {
  APM_TRY(const crypto::PrivateKey::EcSignature signature,
          key.sign_ecdsa(crypto::Hash::kSha256, message));
  Bytes out = signature.r;
  append(out, signature.s);
  return out;
}

Result<std::string> intel_collateral(const IntelHardware& intel, std::int64_t now_s) {
  const std::string info = tcb_info(now_s);
  const std::string identity = qe_identity(now_s);
  const std::string chain = intel.tcb_signing.certificate.pem() + intel.root.certificate.pem();
  APM_TRY(const Bytes info_signature, sign_p256(intel.tcb_signing.key, as_bytes(info)));
  APM_TRY(const Bytes identity_signature, sign_p256(intel.tcb_signing.key, as_bytes(identity)));
  APM_TRY(const std::string pck_crl, revoked_by(intel.pck_ca, now_s));
  APM_TRY(const std::string root_crl, revoked_by(intel.root, now_s));
  return json::write(json::Object{{"tcb_info", info},
                                  {"tcb_info_signature", hex_encode(info_signature)},
                                  {"tcb_info_issuer_chain", chain},
                                  {"qe_identity", identity},
                                  {"qe_identity_signature", hex_encode(identity_signature)},
                                  {"qe_identity_issuer_chain", chain},
                                  {"pck_crl", pck_crl},
                                  {"root_ca_crl", root_crl}});
}

Result<IntelHardware> IntelHardware::open(const std::string& dir, const std::string& hardware_dir) {
  const KeyShape p256{0, crypto::Curve::kP256};
  APM_TRY(Identity root,
          load_or_make(hardware_dir, {"intel-root", intel_spec("Intel SGX Root CA", 1), p256}));
  APM_TRY(Identity ca,
          load_or_make(hardware_dir,
                       {"intel-pck-ca", intel_spec("Intel SGX PCK Platform CA", 0), p256, &root}));
  crypto::CertificateSpec platform = intel_spec("Intel SGX PCK Certificate", -1);
  platform.extensions.emplace_back("1.2.840.113741.1.13.1", sgx_extension());
  APM_TRY(Identity pck, load_or_make(hardware_dir, {"intel-pck", platform, p256, &ca}));
  APM_TRY(Identity tcb_signing,
          load_or_make(hardware_dir,
                       {"intel-tcb", intel_spec("Intel SGX TCB Signing", -1), p256, &root}));
  APM_TRY(crypto::PrivateKey quoting, load_or_make_key(hardware_dir + "/intel-quoting.key", p256));
  APM_TRY(crypto::SecretBytes mac_key, load_or_make_mac_key(hardware_dir + "/td-report.key"));
  IntelHardware out{std::move(root),        std::move(ca),      std::move(pck),
                    std::move(tcb_signing), std::move(quoting), std::move(mac_key)};
  APM_TRY(const std::string collateral,
          intel_collateral(out, static_cast<std::int64_t>(::time(nullptr))));
  APM_CHECK_OK(write_private_file(dir + "/intel-collateral.json", as_bytes(collateral)));
  APM_CHECK_OK(write_private_file(dir + "/intel-root.pem", as_bytes(out.root.certificate.pem())));
  return out;
}

std::string IntelHardware::chain_pem() const {
  return pck.certificate.pem() + pck_ca.certificate.pem() + root.certificate.pem();
}

}  // namespace apm::sim
