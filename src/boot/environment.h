#pragma once

// The image's environment: what a deployer sets, checked as a whole before anything is done. The
// names are the original image's; the optional ones are ours and documented in image/README.md.

#include <functional>
#include <optional>
#include <string>

#include "base/result.h"
#include "boot/admin_key.h"

namespace apm::boot {

struct Environment {
  std::string hostname;         // APM_HOSTNAME
  std::uint16_t port = 8200;    // APM_PORT
  std::string storage_account;  // APM_SA_NAME
  std::string key_vault;        // APM_KEYVAULT_NAME: the name, or a host name with dots
  std::string master_key_url;   // APM_MK_ID
  std::string maa_url;          // MAA_ENDPOINT

  std::optional<std::string> epid_api_key;                    // EPID_API_KEY
  std::optional<std::string> dcap_api_key;                    // DCAP_API_KEY
  std::optional<std::uint64_t> root_token_ttl_s = 72 * 3600;  // APM_ROOT_TOKEN_TTL; nothing: never
  std::string replaced_store_id;                              // APM_REPLACE_STORE_ID
  std::string identity_client_id;                             // IMDS_CLIENT_ID
  std::optional<AdminKey> admin_key;                          // APM_ADMIN_PUBLIC_KEY

  [[nodiscard]] std::string vault_host() const;  // "name.vault.azure.net"
};

using Lookup = std::function<std::optional<std::string>(const std::string&)>;

// Every fault in one error (kInvalidArgument "environment"), one line each.
[[nodiscard]] Result<Environment> read_environment(const Lookup& lookup);

}  // namespace apm::boot
