#pragma once

// The server's configuration file, in HCL or JSON as Vault's is. Unknown keys are warned of, not
// refused. What is not the vendors' or Azure's stands in the `test` stanza and makes the store a
// test store; a production store refuses that stanza. Reference: docs/operations/configuration.md.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "barrier/barrier.h"
#include "base/result.h"
#include "boot/azure_storage.h"
#include "boot/endorsements_config.h"
#include "boot/environment.h"
#include "storage/postgres_store.h"

namespace apm::boot {

struct ListenerConfig {
  std::string address = "127.0.0.1";
  std::uint16_t port = 8200;
  std::string tls_cert_file;
  std::string tls_key_file;
  bool tls_disable = false;
};

struct StorageConfig {
  std::string type;  // "sqlite", "postgresql", "azure" or "inmem"
  std::string path;  // of sqlite
  storage::PostgresConfig postgres;
  AzureStorageConfig azure;
};

struct AuditConfig {
  std::string name;
  std::string file_path;
};

// Everything that a test store may use instead of Azure and the vendors.
struct TestConfig {
  std::string ca_file;
  std::string connect_to;
  std::string imds_endpoint;
  std::string tpm_tcti;
  std::string event_log;
  // Roots that evidence may lead to beside the vendors' (trust.h).
  std::string amd_root_file;
  std::string intel_root_file;
  std::string aws_root_file;
};

// A provider of Azure Attestation whose tokens may log in (auth/apm/maa_provider.h).
struct MaaConfig {
  std::string url;
  std::vector<std::string> signing_certificates;  // SHA-256, hexadecimal
  std::string key_set_file;                       // its certificates count likewise
  std::vector<std::string> policy_hashes;
};

struct Config {
  std::string api_addr;
  bool disable_mlock = false;
  barrier::StoreKind kind = barrier::StoreKind::kProduction;
  ListenerConfig listener;
  StorageConfig storage;
  std::vector<AuditConfig> audit;
  std::optional<EndorsementsConfig> endorsements;  // nothing: no source is asked
  std::vector<MaaConfig> maa;
  std::optional<TestConfig> test;
  std::vector<std::string> warnings;
};

[[nodiscard]] Result<Config> parse_config(std::string_view text);
[[nodiscard]] Result<Config> read_config(const std::string& path);

// What `operator migrate` reads: storage_source "TYPE" and storage_destination "TYPE", each as a
// server's storage stanza; store_kind and the test stanza are of both. Of each Config, only
// storage, kind, test and warnings mean something.
struct MigrationConfig {
  Config source;
  Config destination;
};
[[nodiscard]] Result<MigrationConfig> parse_migration_config(std::string_view text);
[[nodiscard]] Result<MigrationConfig> read_migration_config(const std::string& path);

// What the environment says about the storage goes before the file: APM_PG_CONNECTION_URL, then
// Vault's VAULT_PG_CONNECTION_URL; Vault's AZURE_ACCOUNT_NAME, AZURE_ACCOUNT_KEY,
// AZURE_BLOB_CONTAINER and AZURE_ENVIRONMENT. kInvalidArgument "config" when PostgreSQL has no URL
// then, and as blob_store_config().
[[nodiscard]] Status apply_environment(Config& config, const Lookup& lookup);
// In a migration the file goes before the environment: two stores are named, and a variable can
// only mean one, or both.
[[nodiscard]] Status apply_environment(MigrationConfig& config, const Lookup& lookup);

}  // namespace apm::boot
