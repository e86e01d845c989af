#include "auth/apm/maa_provider.h"

#include "base/encoding.h"
#include "base/text.h"

namespace apm::auth_apm {
namespace {

constexpr std::size_t kSha256Bytes = 32;

std::string certificate_fault(const std::string& text) {
  const auto hash = hex_decode(text);
  const bool good = hash.ok() && hash->size() == kSha256Bytes && text == to_lower(text);
  return good ? "" : "needs SHA-256 of certificates in lower-case hexadecimal";
}

}  // namespace

// `iss` is compared exactly, and the ones that MAA writes end in the host's name.
std::string issuer_fault(const std::string& url) {
  constexpr std::string_view kScheme = "https://";
  const bool host_alone = url.starts_with(kScheme) && url.size() > kScheme.size() &&
                          url.find_first_of("/?#@ ", kScheme.size()) == std::string::npos;
  return host_alone ? "" : "needs issuers of the form https://<host>, without a path";
}

std::string policy_hash_fault(const std::string& text) {
  const auto hash = base64url_decode(text);
  return hash.ok() && hash->size() == kSha256Bytes ? "" : "needs base64url of 32 bytes";
}

std::string fault_of(const MaaProvider& provider) {
  if (const std::string fault = issuer_fault(provider.url); !fault.empty()) return fault;
  if (provider.certificates.empty()) return "needs the certificate of a signing key";
  if (provider.policy_hashes.empty()) return "needs policy_hashes";
  for (const std::string& one : provider.certificates) {
    if (const std::string fault = certificate_fault(one); !fault.empty()) return fault;
  }
  for (const std::string& one : provider.policy_hashes) {
    if (const std::string fault = policy_hash_fault(one); !fault.empty()) {
      return concat("policy_hashes ", fault);
    }
  }
  return "";
}

}  // namespace apm::auth_apm
