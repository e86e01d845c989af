#include "boot/config.h"

#include "base/file.h"
#include "base/text.h"
#include "boot/limits.h"
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
  return {};
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
  } else if (config.storage.type != "inmem") {
    return error_at(item.at, concat("storage \"", config.storage.type,
                                    "\" is not known: this version has sqlite, postgresql and "
                                    "inmem"));
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
  if (production && config.listener.tls_disable) {
    return refuse("a production store refuses tls_disable");
  }
  return {};
}

}  // namespace

Result<Config> parse_config(std::string_view text) {
  APM_TRY(const Body body, hclconfig::parse(text));
  Config config;
  Stanza top(body, "", config);
  APM_CHECK_OK(top.text("api_addr", config.api_addr));
  APM_CHECK_OK(top.flag("disable_mlock", config.disable_mlock));
  APM_CHECK_OK(read_kind(top, config));
  for (const Item* item : body.all("listener")) APM_CHECK_OK(read_listener(*item, config));
  for (const Item* item : body.all("storage")) APM_CHECK_OK(read_storage(*item, config));
  for (const Item* item : body.all("audit")) APM_CHECK_OK(read_audit(*item, config));
  for (const Item* item : body.all("maa")) APM_CHECK_OK(read_maa(*item, config));
  if (const Item* item = body.find("test")) APM_CHECK_OK(read_test(*item, config));
  for (const char* key : {"listener", "storage", "audit", "maa", "test"})
    static_cast<void>(top.take(key));
  if (body.all("listener").size() > 1 || body.all("storage").size() > 1) {
    return Error(Code::kInvalidArgument, "config",
                 "one listener and one storage stanza are supported");
  }
  top.warn_of_the_rest();
  APM_CHECK_OK(check(config));
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
    return error_at(item.at, concat("\"", item.key,
                                    "\" does not belong into a migration's "
                                    "configuration"));
  }
  return out;
}

Result<MigrationConfig> read_migration_config(const std::string& path) {
  APM_TRY(const Bytes text, read_file(path, kConfigBytesMax));
  auto config = parse_migration_config(as_text(text));
  if (!config.ok()) return config.error().within(path);
  return config;
}

Status apply_environment(Config& config, const Lookup& lookup) {
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

}  // namespace apm::boot
