#include "sim/hardware.h"

#include <array>
#include <ctime>
#include <future>
#include <utility>

#include "base/encoding.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "crypto/random.h"
#include "crypto/x509_build.h"
#include "sim/files.h"
#include "sim/identity.h"
#include "sim/limits.h"

namespace apm::sim {
namespace {

constexpr int kAmdKeyBits = 4096;  // of ARK and ASK, as AMD's
constexpr const char* kAmdOid = "1.3.6.1.4.1.3704.1.";

// The two long keys take seconds each: they are made at the same time.
Status make_long_keys(const std::string& dir) {
  const auto make = [&dir](const char* file) {
    return std::async(std::launch::async, [path = dir + "/" + file]() -> Status {
      const auto key = load_or_make_key(path, {kAmdKeyBits, {}});
      return key.ok() ? Status() : Status(key.error());
    });
  };
  std::array<std::future<Status>, 2> made{make("ark.key"), make("ask.key")};
  for (std::future<Status>& one : made) APM_CHECK_OK(one.get());
  return {};
}

crypto::CertificateSpec amd_spec(const std::string& common_name, bool is_ca) {
  crypto::CertificateSpec spec = spec_of(common_name, 7 * 365, is_ca);
  spec.organization = "Advanced Micro Devices (simulated)";
  spec.pss_sha384 = true;
  return spec;
}

Bytes der_integer(unsigned value) {
  Bytes out{0x02, 0x01};
  if (value >= 0x80) out = {0x02, 0x02, 0x00};
  out.push_back(static_cast<std::uint8_t>(value));
  return out;
}

crypto::CertificateSpec vcek_spec(const Bytes& chip_id, const ChipTcb& tcb) {
  crypto::CertificateSpec spec = amd_spec("SEV-VCEK", false);
  const auto add = [&](const char* arc, Bytes value) {
    spec.extensions.emplace_back(std::string(kAmdOid) + arc, std::move(value));
  };
  const std::string product = "Milan-B0";
  Bytes name{0x16, static_cast<std::uint8_t>(product.size())};
  append(name, product);
  add("1", der_integer(0));
  add("2", std::move(name));
  add("3.1", der_integer(tcb.bootloader));
  add("3.2", der_integer(tcb.tee));
  add("3.3", der_integer(tcb.snp));
  for (const char* spare : {"3.4", "3.5", "3.6", "3.7"}) add(spare, der_integer(0));
  add("3.8", der_integer(tcb.microcode));
  add("4", chip_id);
  return spec;
}

Result<Bytes> load_or_make_chip_id(const std::string& path) {
  if (file_exists(path)) return read_file(path, kFileBytesMax);
  Bytes id = crypto::random_bytes(64);
  APM_CHECK_OK(write_private_file(path, id));
  return id;
}

crypto::CertificateSpec tls_spec(const Settings& settings) {
  crypto::CertificateSpec spec = spec_of("vault.azure.net", 365, false);
  spec.dns_names = {"vault.azure.net", "*.vault.azure.net", "*.vaultcore.azure.net",
                    settings.maa_host, settings.login_host, "management.azure.com",
                    "localhost",       "IP:127.0.0.1"};
  spec.server_auth = true;
  return spec;
}

}  // namespace

Result<Hardware> Hardware::open(const Settings& settings) {
  const std::string dir = settings.dir + "/hardware";
  APM_CHECK_OK(make_directory(settings.dir));
  APM_CHECK_OK(make_directory(dir));
  APM_TRY(const FileLock lock, FileLock::take(dir + "/lock"));
  static_cast<void>(lock);
  ChipTcb tcb;
  APM_TRY(Bytes chip_id, load_or_make_chip_id(dir + "/chip_id"));
  APM_CHECK_OK(make_long_keys(dir));
  APM_TRY(Identity ark, load_or_make(dir, {"ark", amd_spec("ARK-Milan", true), {kAmdKeyBits, {}}}));
  APM_TRY(Identity ask,
          load_or_make(dir, {"ask", amd_spec("SEV-Milan", true), {kAmdKeyBits, {}}, &ark}));
  APM_TRY(Identity vcek,
          load_or_make(dir, {"vcek", vcek_spec(chip_id, tcb), {0, crypto::Curve::kP384}, &ask}));
  APM_TRY(Identity vtpm_ca,
          load_or_make(dir, {"vtpm-ca", spec_of("Global Virtual TPM CA - 01", 3650, true)}));
  APM_TRY(Identity ca, load_or_make(dir, {"ca", spec_of("Simulated Cloud Root CA", 3650, true)}));
  APM_TRY(
      Identity intermediate,
      load_or_make(dir, {"intermediate", spec_of("Simulated Cloud TLS CA", 3650, true), {}, &ca}));
  APM_TRY(Identity tls, load_or_make(dir, {"tls", tls_spec(settings), {}, &intermediate}));
  APM_TRY(Identity maa, load_or_make(dir, {"maa", spec_of(settings.maa_url(), 365, false)}));
  APM_TRY(Identity entra,
          load_or_make(dir, {"entra", spec_of("accounts.accesscontrol", 365, false)}));
  APM_TRY(Identity server_ca,
          load_or_make(dir, {"server-ca", spec_of("Policy Manager Test CA", 3650, true)}));
  APM_TRY(IntelHardware intel, IntelHardware::open(settings.dir, dir));
  APM_CHECK_OK(write_private_file(settings.dir + "/ca.pem", as_bytes(ca.certificate.pem())));
  APM_CHECK_OK(write_private_file(settings.dir + "/amd-root.pem", as_bytes(ark.certificate.pem())));
  APM_CHECK_OK(
      write_private_file(settings.dir + "/server-ca.pem", as_bytes(server_ca.certificate.pem())));
  return Hardware{dir,
                  std::move(chip_id),
                  tcb,
                  std::move(ark),
                  std::move(ask),
                  std::move(vcek),
                  std::move(vtpm_ca),
                  std::move(ca),
                  std::move(intermediate),
                  std::move(tls),
                  std::move(maa),
                  std::move(entra),
                  std::move(server_ca),
                  std::move(intel)};
}

Result<Identity> Hardware::signer(const std::string& name) const {
  APM_TRY(const FileLock lock, FileLock::take(dir + "/lock"));
  static_cast<void>(lock);
  const std::string id = hex_encode(crypto::sha256(as_bytes(name))).substr(0, 16);
  return load_or_make(dir, {"signer-" + id, spec_of("Boot signer " + id, 3650, false)});
}

Result<Identity> Hardware::stranger(const std::string& common_name,
                                    const std::vector<std::string>& dns_names) {
  APM_TRY(crypto::PrivateKey key, crypto::PrivateKey::generate_rsa(2048));
  APM_TRY(const crypto::PublicKey public_key, key.public_key());
  crypto::CertificateSpec spec = spec_of(common_name, 30, false);
  spec.dns_names = dns_names;
  APM_TRY(crypto::Certificate certificate,
          crypto::build_certificate(spec, public_key, nullptr, key));
  return Identity{std::move(key), std::move(certificate)};
}

std::string Hardware::amd_chain_pem() const {
  return ask.certificate.pem() + ark.certificate.pem();
}

}  // namespace apm::sim
