#include "boot/environment.h"

#include <vector>

#include "base/encoding.h"
#include "base/text.h"

namespace apm::boot {
namespace {

// Collects values and complaints; each reader names its variable once.
class Reader {
 public:
  explicit Reader(const Lookup& lookup) : lookup_(lookup) {}

  std::string required(const std::string& name, std::string_view meaning) {
    const auto value = lookup_(name);
    if (value && !value->empty()) return *value;
    complain(concat(name, " is not set: it must hold ", meaning));
    return "";
  }
  std::optional<std::string> optional(const std::string& name) {
    auto value = lookup_(name);
    if (value && value->empty()) value.reset();
    return value;
  }
  void complain(std::string fault) { faults_.push_back(std::move(fault)); }

  [[nodiscard]] Status verdict() const {
    if (faults_.empty()) return {};
    std::string text = concat("the environment has ", faults_.size(),
                              faults_.size() == 1 ? " fault:" : " faults:");
    for (const std::string& fault : faults_) text += "\n  - " + fault;
    return Error(Code::kInvalidArgument, "environment", std::move(text));
  }

 private:
  const Lookup& lookup_;
  std::vector<std::string> faults_;
};

void check_https(Reader& reader, const std::string& name, const std::string& url) {
  if (!url.empty() && !url.starts_with("https://")) {
    reader.complain(concat(name, " must be an https:// URL"));
  }
}

bool is_host_text(std::string_view text) {
  return text.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-") ==
         std::string_view::npos;
}

void read_port(Reader& reader, Environment& env) {
  const auto text = reader.optional("APM_PORT");
  if (!text) return;
  const auto port = parse_u64(*text);
  if (!port || *port == 0 || *port > 65535) {
    reader.complain("APM_PORT must be a port number, 1 to 65535");
    return;
  }
  env.port = static_cast<std::uint16_t>(*port);
}

void read_token_ttl(Reader& reader, Environment& env) {
  const auto text = reader.optional("APM_ROOT_TOKEN_TTL");
  if (!text) return;
  if (*text == "never") {
    env.root_token_ttl_s.reset();
    return;
  }
  const auto ttl = parse_duration_s(*text);
  if (!ttl || *ttl == 0) {
    reader.complain("APM_ROOT_TOKEN_TTL must be a duration such as 72h, or the word never");
    return;
  }
  env.root_token_ttl_s = ttl;
}

void read_replaced_store(Reader& reader, Environment& env) {
  env.replaced_store_id = reader.optional("APM_REPLACE_STORE_ID").value_or("");
  const auto raw = hex_decode(env.replaced_store_id);
  if (!env.replaced_store_id.empty() && (!raw.ok() || raw->size() != 16)) {
    reader.complain("APM_REPLACE_STORE_ID must be a store id: 32 hexadecimal digits");
  }
}

void read_admin_key(Reader& reader, Environment& env) {
  const auto text = reader.optional("APM_ADMIN_PUBLIC_KEY");
  if (!text) return;
  auto key = parse_admin_key(*text);
  if (key.ok()) {
    env.admin_key = std::move(*key);
  } else {
    reader.complain("APM_ADMIN_PUBLIC_KEY: " + key.error().message);
  }
}

}  // namespace

std::string Environment::vault_host() const {
  return key_vault.find('.') == std::string::npos ? key_vault + ".vault.azure.net" : key_vault;
}

Result<Environment> read_environment(const Lookup& lookup) {
  Reader reader(lookup);
  Environment env;
  env.hostname = reader.required("APM_HOSTNAME", "the server's host name");
  env.storage_account = reader.required("APM_SA_NAME", "the storage account's name");
  env.key_vault = reader.required("APM_KEYVAULT_NAME", "the key vault's name");
  env.master_key_url = reader.required("APM_MK_ID", "the master key's URL");
  env.maa_url = reader.required("MAA_ENDPOINT", "the attestation provider's URL");
  read_port(reader, env);
  check_https(reader, "APM_MK_ID", env.master_key_url);
  check_https(reader, "MAA_ENDPOINT", env.maa_url);
  for (const auto& [name, value] :
       {std::pair<const char*, const std::string&>{"APM_HOSTNAME", env.hostname},
        {"APM_SA_NAME", env.storage_account},
        {"APM_KEYVAULT_NAME", env.key_vault}}) {
    if (!is_host_text(value)) reader.complain(concat(name, " has characters no such name has"));
  }
  read_token_ttl(reader, env);
  read_replaced_store(reader, env);
  read_admin_key(reader, env);
  env.epid_api_key = reader.optional("EPID_API_KEY");
  env.dcap_api_key = reader.optional("DCAP_API_KEY");
  env.identity_client_id = reader.optional("IMDS_CLIENT_ID").value_or("");
  APM_CHECK_OK(reader.verdict());
  return env;
}

}  // namespace apm::boot
