#include "azure/key_vault.h"

#include <algorithm>
#include <array>

#include "azure/answer.h"
#include "azure/limits.h"
#include "azure/vault_error.h"
#include "base/text.h"

namespace apm::azure {
namespace {

constexpr std::string_view kSecretVersion = "api-version=7.4";
constexpr std::string_view kReleaseVersion = "api-version=7.3";
constexpr const char* kNotAVault = ". Check that the address is a Key Vault's";

bool valid_name(std::string_view name) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
  };
  return !name.empty() && name.size() <= 127 && std::all_of(name.begin(), name.end(), plain);
}

Error bad_name(std::string_view what) {
  return {Code::kInvalidArgument, "key_vault_request",
          concat("a Key Vault ", what, " is 1 to 127 letters, digits and hyphens")};
}

bool vault_host(std::string_view host) {
  constexpr std::array<std::string_view, 6> kSuffixes = {
      ".vault.azure.net",         ".managedhsm.azure.net",         ".vault.azure.cn",
      ".vault.usgovcloudapi.net", ".managedhsm.usgovcloudapi.net", ".managedhsm.azure.cn"};
  return std::any_of(kSuffixes.begin(), kSuffixes.end(), [&](std::string_view suffix) {
    return host.size() > suffix.size() && host.ends_with(suffix);
  });
}

// "https://vault.azure.net" for name.vault.azure.net: the resource is the host less its first
// label.
std::string resource_of(const std::string& host) {
  const std::size_t dot = host.find('.');
  if (!vault_host(host) || dot == std::string::npos) return kVaultResource;
  return "https://" + host.substr(dot + 1);
}

// The last segment of ".../secrets/name/version".
std::string last_segment(const std::string& id) { return id.substr(id.rfind('/') + 1); }

}  // namespace

bool KeyUrl::managed_hsm() const { return host.find(".managedhsm.") != std::string::npos; }

Result<KeyUrl> parse_key_url(const std::string& text) {
  const Error bad(Code::kInvalidArgument, "key_url",
                  concat("the key URL \"", text.substr(0, kQuotedTextMax), "\" is not of the form ",
                         "https://NAME.vault.azure.net/keys/KEY[/VERSION]"));
  const auto url = net::parse_url(text);
  if (!url.ok() || url->scheme != "https" || url->port != 443 || !vault_host(url->host)) return bad;
  std::string_view target = url->target;
  while (target.ends_with('/')) target.remove_suffix(1);
  const auto parts = split(target, '/');  // "", "keys", name[, version]
  if (parts.size() < 3 || parts.size() > 4 || parts[1] != "keys" || !valid_name(parts[2])) {
    return bad;
  }
  if (parts.size() == 4 && !valid_name(parts[3])) return bad;
  return KeyUrl{url->host, std::string(parts[2]),
                parts.size() == 4 ? std::string(parts[3]) : std::string()};
}

struct KeyVaultClient::Call {
  std::string method;
  std::string url;
  std::string body;
  std::string what;
  bool release = false;
};

Result<KeyVaultClient> KeyVaultClient::create(net::HttpClient& http, const std::string& vault_url,
                                              TokenSource tokens) {
  APM_TRY(const net::Url url, net::parse_url(vault_url));
  const bool test_http =
      url.scheme == "http" && http.config().only_loopback && net::is_loopback(url.host);
  if ((url.scheme != "https" && !test_http) || url.target != "/") {
    return Error(Code::kInvalidArgument, "key_vault_request",
                 concat("the vault address ", vault_url,
                        " must be https://NAME.vault.azure.net without a path"));
  }
  std::string base = vault_url;
  while (base.ends_with('/')) base.pop_back();
  return KeyVaultClient(http, std::move(base), resource_of(url.host), std::move(tokens));
}

Result<std::string> KeyVaultClient::send(const Call& call, const Deadline& deadline) {
  const Deadline own = deadline.at_most(kVaultDeadline);
  APM_TRY(const std::string token, tokens_(resource_, own));
  net::Request request;
  request.method = call.method;
  request.url = call.url;
  request.headers = {{"Authorization", "Bearer " + token}, {"Accept", "application/json"}};
  if (!call.body.empty()) request.headers.emplace_back("Content-Type", "application/json");
  request.body = call.body;
  request.attempt_timeout = kVaultAttemptTimeout;
  request.retry = {.attempts_max = kVaultAttempts,
                   .base_delay = Milliseconds(1000),
                   .delay_max = Milliseconds(30'000),
                   .more_statuses = {}};
  // A second set_secret makes a second version: harmless, the newest counts and both hold the same.
  request.idempotent = true;
  request.response_bytes_max = kAnswerBytesMax;
  request.what = call.what;
  APM_TRY(net::Response response, http_->send(request, own));
  if (response.status != 200) {
    return vault_error(call.what, response.status, read_azure_error(response.body), call.release);
  }
  return std::move(response.body);
}

Result<Secret> KeyVaultClient::get_secret(const std::string& name, const Deadline& deadline,
                                          const std::string& version) {
  if (!valid_name(name)) return bad_name("secret name");
  if (!version.empty() && !valid_name(version)) return bad_name("secret version");
  const std::string what = concat("Key Vault: get secret ", name);
  std::string url = concat(base_, "/secrets/", name);
  if (!version.empty()) url += "/" + version;
  APM_TRY(const std::string body,
          send({.method = "GET", .url = concat(url, "?", kSecretVersion), .body = {}, .what = what},
               deadline));
  APM_TRY(const json::Value answer, read_answer(what, "key_vault_answer", body));
  const std::string* value = answer.string_at("value");
  const std::string* id = answer.string_at("id");
  if (value == nullptr || id == nullptr || last_segment(*id).empty()) {
    return Error(Code::kUnavailable, "key_vault_answer",
                 what + ": the answer lacks value or id" + kNotAVault);
  }
  if (!version.empty() && last_segment(*id) != version) {
    return Error(Code::kUnavailable, "key_vault_answer",
                 concat(what, ": asked for version ", version, " and got another"));
  }
  return Secret{*value, last_segment(*id)};
}

Result<std::string> KeyVaultClient::set_secret(const std::string& name, const std::string& value,
                                               const Deadline& deadline,
                                               std::int64_t expires_unix_s) {
  if (!valid_name(name)) return bad_name("secret name");
  if (value.size() > kSecretValueBytesMax) {
    return Error(Code::kTooLarge, "key_vault_request",
                 concat("Key Vault holds at most ", kSecretValueBytesMax, " bytes in a secret"));
  }
  json::Object secret{{"value", json::Value(value)}};
  if (expires_unix_s != 0) secret.set("attributes", json::Object{{"exp", expires_unix_s}});
  const std::string what = concat("Key Vault: set secret ", name);
  APM_TRY(const std::string body,
          send({.method = "PUT",
                .url = concat(base_, "/secrets/", name, "?", kSecretVersion),
                .body = json::write(std::move(secret)),
                .what = what},
               deadline));
  APM_TRY(const json::Value answer, read_answer(what, "key_vault_answer", body));
  const std::string* id = answer.string_at("id");
  if (id == nullptr || last_segment(*id).empty()) {
    return Error(Code::kUnavailable, "key_vault_answer",
                 what + ": the answer lacks the id" + kNotAVault);
  }
  return last_segment(*id);
}

Result<std::vector<SecretVersion>> KeyVaultClient::list_versions(const std::string& name,
                                                                 const Deadline& deadline) {
  if (!valid_name(name)) return bad_name("secret name");
  const std::string what = concat("Key Vault: list versions of ", name);
  std::vector<SecretVersion> versions;
  std::string url = concat(base_, "/secrets/", name, "/versions?", kSecretVersion);
  for (std::size_t page = 0; !url.empty(); ++page) {
    if (page == kVersionPagesMax) {
      return Error(Code::kTooLarge, "key_vault_answer",
                   what + ": more pages than the limit. Purge old versions");
    }
    const auto body = send({.method = "GET", .url = url, .body = {}, .what = what}, deadline);
    if (!body.ok() && body.error().code == Code::kNotFound && page == 0) return versions;
    if (!body.ok()) return body.error();
    APM_TRY(const json::Value answer, read_answer(what, "key_vault_answer", *body));
    const json::Value* list = answer.at("value");
    if (list == nullptr || list->as_array() == nullptr) {
      return Error(Code::kUnavailable, "key_vault_answer",
                   what + ": the answer lacks the list" + kNotAVault);
    }
    for (const json::Value& item : *list->as_array()) {
      APM_TRY(const std::string id, json::require_string(item, "id"));
      SecretVersion version{last_segment(id), 0, true};
      if (const json::Value* attributes = item.at("attributes")) {
        const json::Value* created = attributes->at("created");
        const json::Value* enabled = attributes->at("enabled");
        if (created != nullptr) version.created_s = created->as_int().value_or(0);
        if (enabled != nullptr && enabled->as_bool() != nullptr)
          version.enabled = *enabled->as_bool();
      }
      versions.push_back(std::move(version));
    }
    const std::string* next = answer.string_at("nextLink");
    url = next == nullptr ? "" : *next;
    // The bearer token goes to our vault alone, whatever a page says.
    if (!url.empty() && !url.starts_with(base_ + "/")) {
      return Error(Code::kUnavailable, "key_vault_answer",
                   what + ": the next page is said to be on another host");
    }
  }
  std::stable_sort(
      versions.begin(), versions.end(),
      [](const SecretVersion& a, const SecretVersion& b) { return a.created_s < b.created_s; });
  return versions;
}

Result<std::string> KeyVaultClient::release_key(const ReleaseRequest& request,
                                                const Deadline& deadline) {
  const std::string what = concat("Key Vault: release key ", request.key.name);
  std::string url = concat(base_, "/keys/", request.key.name);
  if (!request.key.version.empty()) url += "/" + request.key.version;
  json::Object body{{"target", json::Value(request.target)},
                    {"nonce", json::Value(request.nonce)},
                    {"enc", json::Value(request.enc)}};
  APM_TRY(const std::string text, send({.method = "POST",
                                        .url = concat(url, "/release?", kReleaseVersion),
                                        .body = json::write(std::move(body)),
                                        .what = what,
                                        .release = true},
                                       deadline));
  APM_TRY(const json::Value answer, read_answer(what, "key_vault_answer", text));
  const std::string* value = answer.string_at("value");
  if (value == nullptr || value->empty()) {
    return Error(Code::kUnavailable, "key_vault_answer",
                 what + ": the answer holds no value" + kNotAVault);
  }
  return *value;
}

}  // namespace apm::azure
