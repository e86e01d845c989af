#pragma once

// storage "azure": what the configuration says, and what a BlobStore is opened with.

#include <string>

#include "azure/blob_store.h"
#include "base/result.h"
#include "crypto/secret_bytes.h"

namespace apm::boot {

struct Config;

struct AzureStorageConfig {
  std::string account;              // accountName
  crypto::SecretBytes account_key;  // accountKey, base64; empty: managed identity. Never logged
  std::string container;
  std::string environment = "AzurePublicCloud";
  std::string blob_endpoint;       // instead of the environment's; empty: that one
  std::string identity_client_id;  // of a managed identity; empty: the machine's only one
};

// Azure as the configuration's `test` stanza has it, or as it is.
[[nodiscard]] azure::Transport transport_of(const Config& config);

// kInvalidArgument "config" for what is missing or malformed, and "blob_endpoint". Plain http is
// for a test store on loopback alone.
[[nodiscard]] Result<azure::BlobStoreConfig> blob_store_config(const Config& config);

}  // namespace apm::boot
