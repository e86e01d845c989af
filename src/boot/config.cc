#include "boot/config.h"

#include "base/file.h"
#include "base/text.h"
#include "boot/limits.h"
#include "ha/advert.h"
#include "hclconfig/hclconfig.h"

namespace apm::boot {
namespace {

using hclconfig::Body;
using hclconfig::error_at;
using hclconfig::Item;

constexpr const char* kPgUrlVariables[] = {"APM_PG_CONNECTION_URL", "VAULT_PG_CONNECTION_URL"};

// Reads the members of one stanza; what nobody asked for becomes a warning.
class Stanza {
 public:
  Stanza(const Body& body, std::string name, Config& config)
      : body_(body), name_(std::move(name)), config_(config) {}

  Status text(const char* key, std::string& out) {
    const Item* item = take(key);
    if (item == nullptr) return {};
    APM_TRY(out, hclconfig::string_of(*item));
    return {};
  }
  // The number's text, which a string may hold too, as in Vault's files.
  Status number(const char* key, std::string& out) {
    const Item* item = take(key);
    if (item == nullptr) return {};
    if (const hclconfig::Number* number = item->value.as_number()) {
      out = number->text;
      return {};
    }
    APM_TRY(out, hclconfig::string_of(*item));
    return {};
  }
  Status texts(const char* key, std::vector<std::string>& out) {
    const Item* item = take(key);
    if (item == nullptr) return {};
    APM_TRY(out, hclconfig::strings_of(*item));
    return {};
  }
  Status flag(const char* key, bool& out) {
    const Item* item = take(key);
    if (item == nullptr) return {};
    APM_TRY(out, hclconfig::bool_of(*item));
    return {};
  }
  const Item* take(const char* key) {
    known_.push_back(key);
    return body_.find(key);
  }
  void warn_of_the_rest() {
    for (const Item& item : body_.items) {
      bool known = false;
      for (const std::string& key : known_) known = known || key == item.key;
      if (!known) {
        config_.warnings.push_back(concat("unknown key \"", item.key, "\"",
                                          name_.empty() ? "" : " in ", name_, " at ",
                                          hclconfig::describe(item.at)));
      }
    }
  }

 private:
  const Body& body_;
  std::string name_;
  Config& config_;
  std::vector<std::string> known_;
};

Result<const Body*> block(const Item& item) {
  const Body* body = item.value.as_object();
  if (body == nullptr) return error_at(item.at, concat("\"", item.key, "\" must be a block"));
  return body;
}

Status read_address(const std::string& text, const Item& where, ListenerConfig& out) {
  const std::size_t colon = text.rfind(':');
  const auto port = colon == std::string::npos ? std::nullopt : parse_u64(text.substr(colon + 1));
  if (!port || *port > 65535) return error_at(where.at, "\"address\" must be HOST:PORT");
  out.address = text.substr(0, colon);
  if (out.address.starts_with('[') && out.address.ends_with(']')) {
    out.address = out.address.substr(1, out.address.size() - 2);
  }
  out.port = static_cast<std::uint16_t>(*port);
  return {};
}

Status read_listener(const Item& item, Config& config) {
  if (item.labels != std::vector<std::string>{"tcp"}) {
    return error_at(item.at, "a listener is written listener \"tcp\" { ... }");
  }
  APM_TRY(const Body* body, block(item));
  Stanza stanza(*body, "listener \"tcp\"", config);
  std::string address;
  APM_CHECK_OK(stanza.text("address", address));
  APM_CHECK_OK(stanza.text("tls_cert_file", config.listener.tls_cert_file));
  APM_CHECK_OK(stanza.text("tls_key_file", config.listener.tls_key_file));
  APM_CHECK_OK(stanza.flag("tls_disable", config.listener.tls_disable));
  stanza.warn_of_the_rest();
  return address.empty() ? Status() : read_address(address, item, config.listener);
}

Status read_lease_duration(const std::string& text, const Item& item,
                           storage::PostgresConfig& out) {
  constexpr auto kMin = static_cast<std::uint64_t>(storage::kPgLeaseDurationMin.count());
  constexpr auto kMax = static_cast<std::uint64_t>(storage::kPgLeaseDurationMax.count());
  const std::optional<std::uint64_t> seconds = parse_duration_s(text);
  if (!seconds || *seconds < kMin || *seconds > kMax) {
    return error_at(item.at, concat("\"lease_duration\" must be ", kMin, "s to ", kMax, "s"));
  }
  out.lease_ttl = std::chrono::seconds(*seconds);
  return {};
}

// The URL's string is zeroed with the heap that held it (ADR 3).
Status read_postgres(Stanza& stanza, const Item& item, storage::PostgresConfig& out) {
  std::string url;
  APM_CHECK_OK(stanza.text("connection_url", url));
  out.connection_url = crypto::SecretBytes::copy_of(url);
  APM_CHECK_OK(stanza.text("table", out.table));
  std::string parallel = std::to_string(out.max_parallel);
  APM_CHECK_OK(stanza.number("max_parallel", parallel));
  const std::optional<std::uint64_t> number = parse_u64(parallel);
  if (!number || *number < 1 || *number > storage::kPgConnectionsMax) {
    return error_at(item.at, concat("\"max_parallel\" must be 1 to ", storage::kPgConnectionsMax));
  }
  out.max_parallel = *number;
  std::string lease;
  APM_CHECK_OK(stanza.text("lease_duration", lease));
  return lease.empty() ? Status() : read_lease_duration(lease, item, out);
}

Status read_azure(Stanza& stanza, AzureStorageConfig& out) {
  std::string key;
  APM_CHECK_OK(stanza.text("accountName", out.account));
  APM_CHECK_OK(stanza.text("accountKey", key));
  out.account_key = crypto::SecretBytes::copy_of(key);
  APM_CHECK_OK(stanza.text("container", out.container));
  APM_CHECK_OK(stanza.text("environment", out.environment));
  APM_CHECK_OK(stanza.text("blob_endpoint", out.blob_endpoint));
  return stanza.text("identity_client_id", out.identity_client_id);
}

Status read_storage(const Item& item, Config& config) {
  if (item.labels.size() != 1)
    return error_at(item.at, concat(item.key, " is written ", item.key, " \"TYPE\" { ... }"));
  config.storage.type = item.labels[0];
  APM_TRY(const Body* body, block(item));
  Stanza stanza(*body, concat(item.key, " \"", config.storage.type, "\""), config);
  if (config.storage.type == "sqlite") {
    APM_CHECK_OK(stanza.text("path", config.storage.path));
    if (config.storage.path.empty()) return error_at(item.at, "storage \"sqlite\" needs a path");
  } else if (config.storage.type == "postgresql") {
    APM_CHECK_OK(read_postgres(stanza, item, config.storage.postgres));
  } else if (config.storage.type == "azure") {
    APM_CHECK_OK(read_azure(stanza, config.storage.azure));
  } else if (config.storage.type != "inmem") {
    return error_at(item.at, concat("storage \"", config.storage.type,
                                    "\" is not known: this version has sqlite, postgresql, "
                                    "azure and inmem"));
  }
  stanza.warn_of_the_rest();
  return {};
}

Status read_audit(const Item& item, Config& config) {
  if (item.labels.empty() || item.labels.size() > 2 || item.labels[0] != "file") {
    return error_at(item.at, "an audit device is written audit \"file\" \"NAME\" { ... }");
  }
  APM_TRY(const Body* body, block(item));
  AuditConfig device{item.labels.back(), ""};
  Stanza stanza(*body, "audit", config);
  APM_CHECK_OK(stanza.text("file_path", device.file_path));
  stanza.warn_of_the_rest();
  if (device.file_path.empty()) return error_at(item.at, "an audit file needs a file_path");
  config.audit.push_back(std::move(device));
  return {};
}

Status read_maa(const Item& item, Config& config) {
  if (item.labels.size() != 1) {
    return error_at(item.at, "a provider of Azure Attestation is written maa \"URL\" { ... }");
  }
  for (const MaaConfig& other : config.maa) {
    if (other.url == item.labels[0]) {
      return error_at(item.at, concat("maa \"", other.url, "\" is there twice"));
    }
  }
  APM_TRY(const Body* body, block(item));
  MaaConfig maa;
  maa.url = item.labels[0];
  Stanza stanza(*body, concat("maa \"", maa.url, "\""), config);
  APM_CHECK_OK(stanza.texts("signing_certificates", maa.signing_certificates));
  APM_CHECK_OK(stanza.text("key_set_file", maa.key_set_file));
  APM_CHECK_OK(stanza.texts("policy_hashes", maa.policy_hashes));
  stanza.warn_of_the_rest();
  config.maa.push_back(std::move(maa));
  return {};
}

Status read_test(const Item& item, Config& config) {
  APM_TRY(const Body* body, block(item));
  TestConfig test;
  Stanza stanza(*body, "test", config);
  APM_CHECK_OK(stanza.text("ca_file", test.ca_file));
  APM_CHECK_OK(stanza.text("connect_to", test.connect_to));
  APM_CHECK_OK(stanza.text("imds_endpoint", test.imds_endpoint));
  APM_CHECK_OK(stanza.text("tpm_tcti", test.tpm_tcti));
  APM_CHECK_OK(stanza.text("event_log", test.event_log));
  APM_CHECK_OK(stanza.text("amd_root_file", test.amd_root_file));
  APM_CHECK_OK(stanza.text("intel_root_file", test.intel_root_file));
  APM_CHECK_OK(stanza.text("aws_root_file", test.aws_root_file));
  stanza.warn_of_the_rest();
  config.test = std::move(test);
  return {};
}

Status read_endorsements_stanza(const Item& item, Config& config) {
  APM_TRY(const Body* body, block(item));
  EndorsementsText text;
  Stanza stanza(*body, "endorsements", config);
  APM_CHECK_OK(stanza.text("amd_kds", text.amd_kds));
  APM_CHECK_OK(stanza.text("intel_pcs", text.intel_pcs));
  APM_CHECK_OK(stanza.text("intel_root_crl", text.intel_root_crl));
  APM_CHECK_OK(stanza.text("ca_file", text.ca_file));
  APM_CHECK_OK(stanza.text("deadline", text.deadline));
  APM_CHECK_OK(stanza.number("waiting_max", text.waiting_max));
  APM_CHECK_OK(stanza.number("fetches_per_minute_max", text.fetches_per_minute_max));
  APM_CHECK_OK(stanza.number("fetches_per_address_max", text.fetches_per_address_max));
  APM_CHECK_OK(stanza.number("documents_max", text.documents_max));
  APM_CHECK_OK(stanza.number("failures_max", text.failures_max));
  stanza.warn_of_the_rest();
  const bool test = config.kind == barrier::StoreKind::kTest;
  auto read = read_endorsements(text, test ? PlainHttp::kLoopback : PlainHttp::kRefused);
  if (!read.ok()) return error_at(item.at, read.error().message);
  config.endorsements = std::move(*read);
  return {};
}

Status read_kind(Stanza& stanza, Config& config) {
  std::string word = "production";
  APM_CHECK_OK(stanza.text("store_kind", word));
  if (word != "production" && word != "test") {
    return Error(Code::kInvalidArgument, "config", "store_kind must be \"production\" or \"test\"");
  }
  config.kind = word == "test" ? barrier::StoreKind::kTest : barrier::StoreKind::kProduction;
  return {};
}

Status check(const Config& config) {
  const auto refuse = [](std::string text) {
    return Error(Code::kInvalidArgument, "config", std::move(text));
  };
  const bool production = config.kind == barrier::StoreKind::kProduction;
  if (config.storage.type.empty()) return refuse("the configuration has no storage stanza");
  if (production && config.test) {
    return refuse(
        "a production store refuses the test stanza: its trust anchors and transports are "
        "not the vendors'. Say store_kind = \"test\" for a store that may never hold real secrets");
  }
  if (!config.api_addr.empty() && !ha::is_api_address(config.api_addr)) {
    return refuse(concat("api_addr \"", config.api_addr,
                         "\" is no address that clients can be sent to: write it as "
                         "https://HOST:PORT, without a path"));
  }
  if (production && config.api_addr.starts_with("http://")) {
    return refuse(
        "a production store refuses an api_addr of http://: standbys send clients there "
        "with their tokens");
  }
  if (production && config.listener.tls_disable) {
    return refuse("a production store refuses tls_disable");
  }
  return {};
}

// Vault's names.
struct AzureVariables {
  std::string account;
  std::string container;
  std::string environment;
  crypto::SecretBytes key;
};

Result<AzureVariables> read_azure_variables(const Lookup& lookup) {
  AzureVariables out;
  out.account = lookup("AZURE_ACCOUNT_NAME").value_or("");
  out.container = lookup("AZURE_BLOB_CONTAINER").value_or("");
  out.environment = lookup("AZURE_ENVIRONMENT").value_or("");
  out.key = crypto::SecretBytes::copy_of(lookup("AZURE_ACCOUNT_KEY").value_or(""));
  // Of a cloud that is not among ours: to go on with another one would be a guess.
  if (lookup("AZURE_ARM_ENDPOINT").value_or("").empty()) return out;
  return Error(Code::kInvalidArgument, "config",
               "AZURE_ARM_ENDPOINT is not supported: unset it, and say environment, or "
               "blob_endpoint for another cloud, in the storage \"azure\" stanza");
}

// A variable goes before the file.
Status apply_azure(Config& config, const Lookup& lookup) {
  AzureStorageConfig& azure = config.storage.azure;
  APM_TRY(AzureVariables found, read_azure_variables(lookup));
  if (!found.account.empty()) azure.account = found.account;
  if (!found.container.empty()) azure.container = found.container;
  if (!found.environment.empty()) azure.environment = found.environment;
  if (!found.key.empty()) azure.account_key = std::move(found.key);
  APM_CHECK_OK(blob_store_config(config));
  return {};
}

// The file goes before a variable, which may serve both sides.
void complete_azure(AzureStorageConfig& side, const AzureVariables& found) {
  if (side.account.empty()) side.account = found.account;
  if (side.container.empty()) side.container = found.container;
  const bool unsaid = side.environment == AzureStorageConfig().environment;
  if (unsaid && !found.environment.empty()) side.environment = found.environment;
  if (side.account_key.empty()) side.account_key = found.key.clone();
}

Status check_two_containers(const Config& source, const Config& destination) {
  APM_TRY(const azure::BlobStoreConfig from, blob_store_config(source));
  APM_TRY(const azure::BlobStoreConfig to, blob_store_config(destination));
  if (from.endpoint != to.endpoint || from.container != to.container) return {};
  return Error(Code::kInvalidArgument, "config",
               "storage_source and storage_destination are one container: name two");
}

Status read_test_settings(const Body& body, MigrationConfig& out) {
  Stanza top(body, "", out.source);
  APM_CHECK_OK(read_kind(top, out.source));
  if (const Item* item = body.find("test")) APM_CHECK_OK(read_test(*item, out.source));
  out.destination.kind = out.source.kind;
  out.destination.test = out.source.test;
  if (out.source.kind == barrier::StoreKind::kTest || !out.source.test) return {};
  return Error(Code::kInvalidArgument, "config",
               "the test stanza is for the migration of a test store: say store_kind = \"test\"");
}

}  // namespace

Result<Config> parse_config(std::string_view text) {
  APM_TRY(const Body body, hclconfig::parse(text));
  Config config;
  Stanza top(body, "", config);
  APM_CHECK_OK(top.text("api_addr", config.api_addr));
  if (config.api_addr.ends_with('/')) config.api_addr.pop_back();
  APM_CHECK_OK(top.flag("disable_mlock", config.disable_mlock));
  APM_CHECK_OK(read_kind(top, config));
  for (const Item* item : body.all("listener")) APM_CHECK_OK(read_listener(*item, config));
  for (const Item* item : body.all("storage")) APM_CHECK_OK(read_storage(*item, config));
  for (const Item* item : body.all("audit")) APM_CHECK_OK(read_audit(*item, config));
  for (const Item* item : body.all("maa")) APM_CHECK_OK(read_maa(*item, config));
  if (const Item* item = body.find("test")) APM_CHECK_OK(read_test(*item, config));
  if (const Item* item = body.find("endorsements")) {
    APM_CHECK_OK(read_endorsements_stanza(*item, config));
  }
  for (const char* key : {"listener", "storage", "audit", "maa", "test", "endorsements"}) {
    static_cast<void>(top.take(key));
  }
  if (body.all("listener").size() > 1 || body.all("storage").size() > 1) {
    return Error(Code::kInvalidArgument, "config",
                 "one listener and one storage stanza are supported");
  }
  top.warn_of_the_rest();
  APM_CHECK_OK(check(config));
  const bool shared = config.storage.type == "postgresql" || config.storage.type == "azure";
  if (config.api_addr.empty() && shared) {
    config.warnings.emplace_back(
        "no api_addr: if another server uses this store too, it cannot tell clients where this one "
        "is");
  }
  return config;
}

Result<Config> read_config(const std::string& path) {
  APM_TRY(const Bytes text, read_file(path, kConfigBytesMax));
  auto config = parse_config(as_text(text));
  if (!config.ok()) return config.error().within(path);
  return config;
}

Result<MigrationConfig> parse_migration_config(std::string_view text) {
  APM_TRY(const Body body, hclconfig::parse(text));
  MigrationConfig out;
  for (const auto& [key, side] : {std::pair<const char*, Config*>{"storage_source", &out.source},
                                  {"storage_destination", &out.destination}}) {
    const std::vector<const Item*> items = body.all(key);
    if (items.size() != 1) {
      return Error(Code::kInvalidArgument, "config",
                   concat("a migration's configuration has exactly one storage_source and one "
                          "storage_destination stanza; this one has ",
                          items.size(), " ", key));
    }
    APM_CHECK_OK(read_storage(*items[0], *side));
    if (side->storage.type == "inmem") {
      return error_at(items[0]->at,
                      "a store in memory cannot be migrated: it ends with its server");
    }
  }
  // A file of another purpose, or a misspelt stanza: nothing is copied on a guess.
  for (const Item& item : body.items) {
    if (item.key == "storage_source" || item.key == "storage_destination") continue;
    if (item.key == "store_kind" || item.key == "test") continue;
    return error_at(item.at, concat("\"", item.key,
                                    "\" does not belong into a migration's "
                                    "configuration"));
  }
  APM_CHECK_OK(read_test_settings(body, out));
  return out;
}

Result<MigrationConfig> read_migration_config(const std::string& path) {
  APM_TRY(const Bytes text, read_file(path, kConfigBytesMax));
  auto config = parse_migration_config(as_text(text));
  if (!config.ok()) return config.error().within(path);
  return config;
}

Status apply_environment(Config& config, const Lookup& lookup) {
  if (config.storage.type == "azure") return apply_azure(config, lookup);
  if (config.storage.type != "postgresql") return {};
  for (const char* name : kPgUrlVariables) {
    const std::optional<std::string> url = lookup(name);
    if (!url || url->empty()) continue;
    config.storage.postgres.connection_url = crypto::SecretBytes::copy_of(*url);
    break;
  }
  if (!config.storage.postgres.connection_url.empty()) return {};
  return Error(Code::kInvalidArgument, "config",
               concat("storage \"postgresql\" needs a connection_url, in the file or as the "
                      "environment variable ",
                      kPgUrlVariables[0]));
}

Status apply_environment(MigrationConfig& config, const Lookup& lookup) {
  bool any_azure = false;
  for (Config* side : {&config.source, &config.destination}) {
    const StorageConfig& storage = side->storage;
    any_azure = any_azure || storage.type == "azure";
    if (storage.type == "postgresql" && storage.postgres.connection_url.empty()) {
      APM_CHECK_OK(apply_environment(*side, lookup));
    }
  }
  if (!any_azure) return {};
  APM_TRY(const AzureVariables found, read_azure_variables(lookup));
  for (Config* side : {&config.source, &config.destination}) {
    if (side->storage.type == "azure") complete_azure(side->storage.azure, found);
  }
  const bool both =
      config.source.storage.type == "azure" && config.destination.storage.type == "azure";
  return both ? check_two_containers(config.source, config.destination) : Status();
}

}  // namespace apm::boot
