#include "boot/azure_vault.h"

namespace apm::boot {

Result<std::optional<std::string>> AzureVault::get(const std::string& name,
                                                   const std::string& version) {
  auto secret = client_.get_secret(name, deadline_, version);
  if (secret.ok()) return std::optional<std::string>(std::move(secret->value));
  if (secret.error().code == Code::kNotFound) return std::optional<std::string>();
  return secret.error();
}

Result<std::string> AzureVault::set(const std::string& name, const std::string& value) {
  return client_.set_secret(name, value, deadline_);
}

Result<std::string> AzureVault::set_until(const std::string& name, const std::string& value,
                                          std::int64_t expires_unix_s) {
  return client_.set_secret(name, value, deadline_, expires_unix_s);
}

Result<std::vector<SecretVault::Version>> AzureVault::versions(const std::string& name) {
  APM_TRY(const std::vector<azure::SecretVersion> listed, client_.list_versions(name, deadline_));
  std::vector<Version> out;
  out.reserve(listed.size());
  for (const azure::SecretVersion& one : listed) out.push_back({one.version, one.created_s});
  return out;
}

}  // namespace apm::boot
