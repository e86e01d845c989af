#include "sim/akv.h"

#include <algorithm>
#include <cctype>

#include "base/encoding.h"
#include "base/text.h"
#include "crypto/random.h"
#include "sim/limits.h"
#include "sim/tokens.h"

namespace apm::sim {
namespace {

constexpr const char* kResource = "https://vault.azure.net";
constexpr std::int64_t kRecoverableDays = 7;

}  // namespace

bool good_object_name(std::string_view name) {
  return !name.empty() && name.size() <= 127 && std::ranges::all_of(name, [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-';
  });
}

std::string new_version_id() { return hex_encode(crypto::random_bytes(16)); }

HttpResponse KeyVault::handle(const HttpRequest& request) {
  HttpResponse out;
  const std::string authorization = request.header("authorization");
  const auto challenge = [&](const std::string& message) {
    HttpResponse r = azure_error(401, "Unauthorized", message);
    r.headers.emplace_back("WWW-Authenticate",
                           concat("Bearer authorization=\"https://", settings_.login_host, "/",
                                  settings_.tenant, "\", resource=\"", kResource, "\""));
    return r;
  };
  if (!authorization.starts_with("Bearer ")) {
    out = challenge("AKV10000: Request is missing a Bearer or PoP token.");
  } else if (const auto caller = check_access_token(settings_, hardware_, authorization.substr(7),
                                                    kResource, clock_.unix_s());
             !caller.ok()) {
    out = challenge(caller.error().message);
  } else if (request.parameter("api-version").empty()) {
    out = azure_error(400, "BadParameter", "api-version must be specified");
  } else {
    out = route(request);
  }
  out.headers.emplace_back("Cache-Control", "no-cache");
  out.headers.emplace_back("Pragma", "no-cache");
  out.headers.emplace_back("Expires", "-1");
  out.headers.emplace_back("x-ms-keyvault-region", "westeurope");
  if (const std::string id = request.header("x-ms-client-request-id"); !id.empty()) {
    out.headers.emplace_back("x-ms-client-request-id", id);
  }
  out.headers.emplace_back("x-ms-request-id", crypto::random_uuid());
  out.headers.emplace_back("x-ms-keyvault-service-version", "1.9.0.0");
  out.headers.emplace_back("x-ms-keyvault-network-info",
                           "conn_type=Ipv4;addr=127.0.0.1;act_addr_fam=InterNetwork;");
  out.headers.emplace_back("Strict-Transport-Security", "max-age=31536000;includeSubDomains");
  out.headers.emplace_back("X-Content-Type-Options", "nosniff");
  return out;
}

HttpResponse KeyVault::route(const HttpRequest& request) {
  const std::string kind = request.segments.empty() ? "" : to_lower(request.segments[0]);
  if (kind == "secrets") return secrets(request);
  if (kind == "deletedsecrets") return deleted_secrets(request);
  if (kind == "keys") return keys(request);
  if (kind == "deletedkeys") return deleted_keys(request);
  return azure_error(404, "NotFound", "No such path in the simulator");
}

bool KeyVault::throttled() {
  const MutexLock lock(throttle_mutex_);
  const std::int64_t now = now_ms();
  while (!create_calls_ms_.empty() && create_calls_ms_.front() <= now - kThrottleWindowMs) {
    create_calls_ms_.pop_front();
  }
  if (static_cast<std::int64_t>(create_calls_ms_.size()) >= settings_.create_class_limit) {
    return true;
  }
  create_calls_ms_.push_back(now);
  return false;
}

std::string KeyVault::id_of(std::string_view kind, std::string_view name,
                            std::string_view version) const {
  std::string out = concat(settings_.vault_url(), "/", kind, "/", name);
  if (!version.empty()) out += concat("/", version);
  return out;
}

json::Object KeyVault::attributes(bool enabled, std::int64_t created_s) const {
  return json::Object{{"enabled", enabled},
                      {"created", created_s},
                      {"updated", created_s},
                      {"recoveryLevel", "CustomizedRecoverable+Purgeable"},
                      {"recoverableDays", kRecoverableDays}};
}

HttpResponse KeyVault::page(const HttpRequest& request, const json::Array& all) const {
  const std::size_t from = parse_u64(request.parameter("$skiptoken")).value_or(0);
  const std::size_t wanted = parse_u64(request.parameter("maxresults")).value_or(kPageSize);
  if (wanted == 0 || wanted > kPageSize) {
    return azure_error(400, "BadParameter", "maxresults: 1 to 25");
  }
  json::Array items;
  for (std::size_t i = from; i < all.size() && items.size() < wanted; ++i) items.push_back(all[i]);
  const std::size_t next = from + items.size();
  json::Value link;
  if (next < all.size()) {
    link = concat(settings_.vault_url(), request.path,
                  "?api-version=", request.parameter("api-version"), "&$skiptoken=", next,
                  "&maxresults=", wanted);
  }
  return json_response(200, json::Object{{"value", std::move(items)}, {"nextLink", link}});
}

HttpResponse KeyVault::not_found(std::string_view kind, const std::string& name) const {
  const std::string type(kind == "secrets" ? "secret" : "key");
  return azure_error(404, kind == "secrets" ? "SecretNotFound" : "KeyNotFound",
                     concat("A ", type, " with (name/id) ", name,
                            " was not found in this key vault. If you "
                            "recently deleted this ",
                            type,
                            " you may be able to recover it using the correct "
                            "recovery command. For help resolving this issue, please see "
                            "https://go.microsoft.com/fwlink/?linkid=2125182"));
}

void KeyVault::add_deletion(json::Object& bundle, std::string_view kind, const std::string& name,
                            std::int64_t deleted_ms) const {
  bundle.set("recoveryId", id_of(concat("deleted", kind), name));
  bundle.set("deletedDate", deleted_ms / 1000);
  bundle.set("scheduledPurgeDate", deleted_ms / 1000 + kRecoverableDays * 86'400);
}

}  // namespace apm::sim
