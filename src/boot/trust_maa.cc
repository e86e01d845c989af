#include "boot/trust_maa.h"

#include "attestation/limits.h"
#include "attestation/maa/jwks.h"
#include "base/encoding.h"
#include "base/file.h"
#include "base/text.h"
#include "crypto/digest.h"

namespace apm::boot {
namespace {

Status add_key_set(const std::string& path, std::set<std::string>& certificates) {
  if (path.empty()) return {};
  APM_TRY(const Bytes text, read_file(path, attestation::kMaaJwksBytesMax));
  const auto keys = attestation::maa::Jwks::parse(as_text(text));
  if (!keys.ok()) return keys.error().within(path);
  for (const attestation::maa::SigningKey& key : keys->all()) {
    certificates.insert(hex_encode(crypto::sha256(key.certificate.der())));
  }
  return {};
}

Result<auth_apm::MaaProvider> provider_of(const MaaConfig& maa) {
  auth_apm::MaaProvider out;
  out.url = maa.url;
  out.policy_hashes = {maa.policy_hashes.begin(), maa.policy_hashes.end()};
  for (const std::string& one : maa.signing_certificates) out.certificates.insert(to_lower(one));
  APM_CHECK_OK(add_key_set(maa.key_set_file, out.certificates));
  const std::string fault = auth_apm::fault_of(out);
  if (fault.empty()) return out;
  return Error(Code::kInvalidArgument, "config",
               concat("maa \"", maa.url, "\" ", fault,
                      ": url, signing_certificates or key_set_file, and policy_hashes say whose "
                      "tokens log in (docs/operations/configuration.md)"));
}

}  // namespace

Result<auth_apm::MaaProviders> load_maa_providers(const std::vector<MaaConfig>& maa, Log& log) {
  auth_apm::MaaProviders out;
  for (const MaaConfig& one : maa) {
    APM_TRY(auth_apm::MaaProvider provider, provider_of(one));
    log.warn("trust", "TOKENS OF AZURE ATTESTATION MAY LOG IN: THE PROVIDER SAYS WHO IS WHO",
             {{"provider", provider.url},
              {"certificates", std::to_string(provider.certificates.size())},
              {"policies", std::to_string(provider.policy_hashes.size())}});
    out.push_back(std::move(provider));
  }
  return out;
}

}  // namespace apm::boot
