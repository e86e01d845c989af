#include "base/text.h"
#include "sim/akv.h"
#include "sim/limits.h"

namespace apm::sim {

HttpResponse KeyVault::secrets(const HttpRequest& request) {
  const auto& parts = request.segments;
  if (parts.size() == 1) {
    if (request.method == "GET") return list_secrets(request, "");
    return azure_error(405, "MethodNotAllowed", "GET only");
  }
  const std::string& name = parts[1];
  if (!good_object_name(name)) return azure_error(400, "BadParameter", "invalid secret name");
  if (parts.size() == 2 && request.method == "PUT") return set_secret(request, name);
  if (parts.size() == 2 && request.method == "DELETE") return delete_secret(name);
  if (request.method != "GET" || parts.size() > 3) {
    return azure_error(405, "MethodNotAllowed", "not an operation on secrets");
  }
  if (parts.size() == 3 && to_lower(parts[2]) == "versions") return list_secrets(request, name);
  return get_secret(request, name, parts.size() == 3 ? parts[2] : "");
}

json::Object KeyVault::secret_bundle(const StoredSecret& secret, const StoredSecretVersion& version,
                                     bool with_value) const {
  json::Object out;
  if (with_value) out.set("value", version.value);
  out.set("id", id_of("secrets", secret.name, version.version));
  json::Object about = attributes(version.enabled, version.created_s);
  if (version.expires_s != 0) about.set("exp", version.expires_s);
  out.set("attributes", std::move(about));
  if (!version.content_type.empty()) out.set("contentType", version.content_type);
  if (!version.tags.is_null()) out.set("tags", version.tags);
  return out;
}

HttpResponse KeyVault::set_secret(const HttpRequest& request, const std::string& name) {
  const auto body = json::parse(request.body);
  const std::string* value = body.ok() ? body->string_at("value") : nullptr;
  if (value == nullptr) return azure_error(400, "BadParameter", "The secret value is missing.");
  if (value->size() > kSecretValueBytesMax) {
    return azure_error(400, "BadParameter", "The secret value is longer than 25 KB.");
  }
  StoredSecretVersion version;
  version.version = new_version_id();
  version.value = *value;
  version.created_s = clock_.unix_s();
  if (const std::string* type = body->string_at("contentType")) version.content_type = *type;
  if (const json::Value* tags = body->at("tags"); tags != nullptr && tags->as_object() != nullptr) {
    version.tags = *tags;
  }
  if (const json::Value* on = walk(*body, {"attributes", "enabled"});
      on != nullptr && on->as_bool() != nullptr) {
    version.enabled = *on->as_bool();
  }
  // Like the service, a value past its exp is still given out: the attribute informs.
  if (const json::Value* exp = walk(*body, {"attributes", "exp"}); exp != nullptr) {
    version.expires_s = exp->as_int().value_or(0);
    if (version.expires_s <= 0) return azure_error(400, "BadParameter", "exp is no Unix time.");
  }
  return transact([&](VaultData& data, HttpResponse& out) {
    StoredSecret& secret = data.secrets[to_lower(name)];
    if (secret.deleted_ms != 0) {
      const bool going = now_ms() - secret.deleted_ms < settings_.delete_delay_ms;
      out = going ? azure_error(409, "Conflict",
                                concat("Secret ", name, " is currently being deleted."),
                                "ObjectIsBeingDeleted")
                  : azure_error(409, "Conflict",
                                concat("Secret ", name,
                                       " is currently in a deleted but "
                                       "recoverable state, and its name cannot be reused; in this "
                                       "state, the secret can only be recovered or purged."),
                                "ObjectIsDeletedButRecoverable");
      return false;
    }
    if (secret.name.empty()) secret.name = name;
    secret.versions.push_back(version);
    out = json_response(200, secret_bundle(secret, version, true));
    return true;
  });
}

HttpResponse KeyVault::get_secret(const HttpRequest& request, const std::string& name,
                                  const std::string& version) {
  return transact([&](VaultData& data, HttpResponse& out) {
    out = not_found("secrets", version.empty() ? name : name + "/" + version);
    const auto found = data.secrets.find(to_lower(name));
    if (found == data.secrets.end() || found->second.deleted_ms != 0) return false;
    for (auto v = found->second.versions.rbegin(); v != found->second.versions.rend(); ++v) {
      if (!version.empty() && v->version != version) continue;
      StoredSecretVersion shown = *v;
      if (request.fault == "tamper") change_in_the_middle(shown.value);
      out = v->enabled ? json_response(200, secret_bundle(found->second, shown, true))
                       : azure_error(403, "Forbidden",
                                     "Operation get is not allowed on a disabled secret.",
                                     "SecretDisabled");
      return false;
    }
    return false;
  });
}

HttpResponse KeyVault::list_secrets(const HttpRequest& request, const std::string& name) {
  return transact([&](VaultData& data, HttpResponse& out) {
    json::Array items;
    for (const auto& [id, secret] : data.secrets) {
      if (secret.deleted_ms != 0 || secret.versions.empty()) continue;
      if (name.empty()) {
        json::Object item = secret_bundle(secret, secret.versions.back(), false);
        item.set("id", id_of("secrets", secret.name));
        items.emplace_back(std::move(item));
      } else if (id == to_lower(name)) {
        for (const StoredSecretVersion& v : secret.versions) {
          items.emplace_back(secret_bundle(secret, v, false));
        }
      }
    }
    out = page(request, items);
    return false;
  });
}

HttpResponse KeyVault::delete_secret(const std::string& name) {
  return transact([&](VaultData& data, HttpResponse& out) {
    const auto found = data.secrets.find(to_lower(name));
    if (found == data.secrets.end() || found->second.deleted_ms != 0) {
      out = not_found("secrets", name);
      return false;
    }
    StoredSecret& secret = found->second;
    secret.deleted_ms = now_ms();
    json::Object bundle = secret_bundle(secret, secret.versions.back(), false);
    add_deletion(bundle, "secrets", secret.name, secret.deleted_ms);
    out = json_response(200, bundle);
    return true;
  });
}

HttpResponse KeyVault::deleted_secrets(const HttpRequest& request) {
  const auto& parts = request.segments;
  return transact([&](VaultData& data, HttpResponse& out) {
    const auto settled = [&](const StoredSecret& s) {
      return s.deleted_ms != 0 && now_ms() - s.deleted_ms >= settings_.delete_delay_ms;
    };
    const auto bundle_of = [&](const StoredSecret& s) {
      json::Object bundle = secret_bundle(s, s.versions.back(), false);
      add_deletion(bundle, "secrets", s.name, s.deleted_ms);
      return bundle;
    };
    if (parts.size() == 1) {
      json::Array items;
      for (const auto& [id, secret] : data.secrets) {
        if (settled(secret)) items.emplace_back(bundle_of(secret));
      }
      out = page(request, items);
      return false;
    }
    const auto found = data.secrets.find(to_lower(parts[1]));
    if (found == data.secrets.end() || !settled(found->second)) {
      out = azure_error(404, "SecretNotFound", concat("Deleted Secret not found: ", parts[1]));
      return false;
    }
    if (parts.size() == 3 && to_lower(parts[2]) == "recover" && request.method == "POST") {
      found->second.deleted_ms = 0;
      out = json_response(200, secret_bundle(found->second, found->second.versions.back(), false));
      return true;
    }
    if (parts.size() == 2 && request.method == "DELETE") {
      data.secrets.erase(found);
      out = HttpResponse{};
      out.status = 204;
      return true;
    }
    out = parts.size() == 2 && request.method == "GET"
              ? json_response(200, bundle_of(found->second))
              : azure_error(405, "MethodNotAllowed", "not an operation on deleted secrets");
    return false;
  });
}

}  // namespace apm::sim
