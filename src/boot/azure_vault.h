#pragma once

// Key Vault as custody sees it.

#include "azure/key_vault.h"
#include "boot/custody.h"

namespace apm::boot {

class AzureVault final : public SecretVault {
 public:
  AzureVault(azure::KeyVaultClient& client, std::string name, Deadline deadline)
      : client_(client), name_(std::move(name)), deadline_(deadline) {}
  [[nodiscard]] Result<std::optional<std::string>> get(const std::string& name,
                                                       const std::string& version) override;
  [[nodiscard]] Result<std::string> set(const std::string& name, const std::string& value) override;
  [[nodiscard]] Result<std::string> set_until(const std::string& name, const std::string& value,
                                              std::int64_t expires_unix_s) override;
  [[nodiscard]] Result<std::vector<Version>> versions(const std::string& name) override;
  [[nodiscard]] std::string name() const override { return name_; }

 private:
  azure::KeyVaultClient& client_;
  std::string name_;
  Deadline deadline_;
};

}  // namespace apm::boot
