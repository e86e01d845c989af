#include <openssl/evp.h>
#include <openssl/rsa.h>

#include <algorithm>
#include <memory>

#include "base/encoding.h"
#include "base/text.h"
#include "sim/akv.h"
#include "sim/release_policy.h"

namespace apm::sim {
namespace {

HttpResponse bad(const std::string& message) { return azure_error(400, "BadParameter", message); }

bool truth(const json::Value* value) {
  return value != nullptr && value->as_bool() != nullptr && *value->as_bool();
}

const StoredKeyVersion* find_version(const StoredKey& key, const std::string& version) {
  if (version.empty()) return key.versions.empty() ? nullptr : &key.versions.back();
  for (const StoredKeyVersion& v : key.versions) {
    if (v.version == version) return &v;
  }
  return nullptr;
}

// RSA1_5 decryption, which the product itself never does.
Result<Bytes> decrypt_pkcs1(const crypto::PrivateKey& key, ByteView in) {
  const std::unique_ptr<EVP_PKEY_CTX, void (*)(EVP_PKEY_CTX*)> context(
      EVP_PKEY_CTX_new(key.native(), nullptr), EVP_PKEY_CTX_free);
  std::size_t size = in.size();
  Bytes out(size);
  if (context == nullptr || EVP_PKEY_decrypt_init(context.get()) <= 0 ||
      EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_PADDING) <= 0 ||
      EVP_PKEY_decrypt(context.get(), out.data(), &size, in.data(), in.size()) <= 0) {
    return Error(Code::kRefused, "decrypt", "the value does not open");
  }
  out.resize(size);
  return out;
}

Result<Bytes> apply(const crypto::PrivateKey& key, const std::string& algorithm, bool encrypt,
                    ByteView in) {
  using crypto::Hash;
  const Hash hash = algorithm == "RSA-OAEP-256" ? Hash::kSha256 : Hash::kSha1;
  if (encrypt) {
    APM_TRY(const crypto::PublicKey public_key, key.public_key());
    if (algorithm == "RSA1_5") return public_key.encrypt_pkcs1(in);
    return public_key.encrypt_oaep(hash, hash, in);
  }
  if (algorithm == "RSA1_5") return decrypt_pkcs1(key, in);
  APM_TRY(const crypto::SecretBytes out, key.decrypt_oaep(hash, hash, in));
  return to_bytes(out.view());
}

struct NewKey {
  StoredKey key;
  int bits = 2048;
};

// The key that a create body asks for, without material; or the refusal.
std::optional<HttpResponse> read_create(const json::Value& body, NewKey& out) {
  const std::string* kty = body.string_at("kty");
  if (kty == nullptr || (*kty != "RSA" && *kty != "RSA-HSM")) return bad("kty: RSA or RSA-HSM");
  out.key.kty = *kty;
  if (const json::Value* size = body.at("key_size")) {
    out.bits = static_cast<int>(size->as_int().value_or(0));
  }
  if (out.bits != 2048 && out.bits != 3072 && out.bits != 4096) return bad("key_size");
  const json::Value* operations = body.at("key_ops");
  if (operations != nullptr && operations->as_array() != nullptr) {
    for (const json::Value& v : *operations->as_array()) {
      if (v.as_string() != nullptr) out.key.operations.push_back(*v.as_string());
    }
  } else {
    out.key.operations = {"encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey"};
  }
  out.key.exportable = truth(walk(body, {"attributes", "exportable"}));
  const json::Value* data = walk(body, {"release_policy", "data"});
  const bool has_policy = data != nullptr && data->as_string() != nullptr;
  if (out.key.exportable && !has_policy) {
    return bad("AKV.SKR.1004: Exportable keys must have release policy.");
  }
  if (!out.key.exportable && has_policy) {
    return bad("AKV.SKR.1005: Non-exportable keys must not have release policy.");
  }
  if (out.key.exportable && *kty != "RSA-HSM") {
    return bad("AKV.SKR.1006: Exportable software RSA keys are not supported.");
  }
  if (!has_policy) return std::nullopt;
  const auto raw = base64_decode_any(*data->as_string());
  const auto policy = raw.ok() ? normalise_policy(as_text(*raw)) : Result<std::string>(raw.error());
  if (!policy.ok()) return bad("Invalid release policy.");
  out.key.release_policy = *policy;
  out.key.immutable_policy = truth(walk(body, {"release_policy", "immutable"}));
  return std::nullopt;
}

}  // namespace

HttpResponse KeyVault::keys(const HttpRequest& request) {
  const auto& parts = request.segments;
  if (parts.size() == 1) {
    return transact([&](VaultData& data, HttpResponse& out) {
      json::Array items;
      for (const auto& [id, key] : data.keys) {
        if (key.deleted_ms != 0 || key.versions.empty()) continue;
        items.emplace_back(json::Object{{"kid", id_of("keys", key.name)},
                                        {"attributes", attributes(key.versions.back().enabled,
                                                                  key.versions.back().created_s)}});
      }
      out = page(request, items);
      return false;
    });
  }
  const std::string& name = parts[1];
  if (!good_object_name(name)) return bad("invalid key name");
  const std::string last = to_lower(parts.back());
  if (parts.size() == 3 && last == "create" && request.method == "POST") {
    return create_key(request, name);
  }
  const bool act = request.method == "POST" && parts.size() >= 3;
  const std::size_t version_parts = parts.size() - (act ? 1 : 0);
  if (version_parts > 3) return bad("invalid key path");
  if (act && last == "release" && throttled()) {
    return azure_error(429, "Throttled",
                       "Request was not processed because too many requests were received. "
                       "Reason: VaultRequestTypeLimitReached");
  }
  return transact([&](VaultData& data, HttpResponse& out) {
    const auto found = data.keys.find(to_lower(name));
    const StoredKeyVersion* version =
        found == data.keys.end() || found->second.deleted_ms != 0
            ? nullptr
            : find_version(found->second, version_parts == 3 ? parts[2] : "");
    if (version == nullptr) {
      out = not_found("keys", name);
    } else if (!version->enabled) {
      out = azure_error(403, "Forbidden", "Operation is not allowed on a disabled key.",
                        "KeyDisabled");
    } else if (act && last == "release") {
      out = release(request, found->second, *version);
    } else if (act) {
      out = use_key(request, last, found->second, *version);
    } else if (request.method == "GET") {
      const auto bundle = key_bundle(found->second, *version);
      out = bundle.ok() ? json_response(200, *bundle)
                        : azure_error(500, "InternalError", bundle.error().message);
    } else if (request.method == "DELETE" && parts.size() == 2) {
      auto bundle = key_bundle(found->second, *version);
      found->second.deleted_ms = now_ms();
      if (!bundle.ok()) bundle = json::Object{};
      add_deletion(*bundle, "keys", found->second.name, found->second.deleted_ms);
      out = json_response(200, *bundle);
      return true;
    } else {
      out = azure_error(405, "MethodNotAllowed", "not an operation on keys");
    }
    return false;
  });
}

HttpResponse KeyVault::create_key(const HttpRequest& request, const std::string& name) {
  const auto body = json::parse(request.body);
  if (!body.ok()) return bad("The body is no JSON.");
  NewKey wanted;
  if (auto refusal = read_create(*body, wanted)) return *refusal;
  if (throttled()) {
    return azure_error(429, "Throttled",
                       "Request was not processed because too many requests were received. "
                       "Reason: VaultRequestTypeLimitReached");
  }
  const auto made = crypto::PrivateKey::generate_rsa(wanted.bits);
  const auto der = made.ok() ? made->pkcs8_der() : Result<crypto::SecretBytes>(made.error());
  if (!der.ok()) return azure_error(500, "InternalError", der.error().message);
  return transact([&](VaultData& data, HttpResponse& out) {
    StoredKey& key = data.keys[to_lower(name)];
    if (key.deleted_ms != 0) {
      out = azure_error(409, "Conflict",
                        concat("Key ", name,
                               " is currently in a deleted but recoverable state, "
                               "and its name cannot be reused; in this state, the key can only be "
                               "recovered or purged."),
                        "ObjectIsDeletedButRecoverable");
      return false;
    }
    auto versions = std::move(key.versions);
    versions.push_back({new_version_id(), to_bytes(der->view()), true, clock_.unix_s()});
    key = wanted.key;
    key.name = name;
    key.versions = std::move(versions);
    const auto bundle = key_bundle(key, key.versions.back());
    out = bundle.ok() ? json_response(200, *bundle)
                      : azure_error(500, "InternalError", bundle.error().message);
    return true;
  });
}

Result<json::Object> KeyVault::key_bundle(const StoredKey& key,
                                          const StoredKeyVersion& version) const {
  APM_TRY(const crypto::PrivateKey material, crypto::PrivateKey::from_pkcs8_der(version.pkcs8));
  APM_TRY(const crypto::PublicKey public_key, material.public_key());
  APM_TRY(const Bytes modulus, public_key.rsa_modulus());
  json::Array operations;
  for (const std::string& operation : key.operations) operations.emplace_back(operation);
  const bool hsm = key.kty == "RSA-HSM";
  json::Object out{{"key", json::Object{{"kid", id_of("keys", key.name, version.version)},
                                        {"kty", key.kty},
                                        {"key_ops", std::move(operations)},
                                        {"n", base64url_encode(modulus)},
                                        {"e", hsm ? "AAEAAQ" : "AQAB"}}}};
  json::Object about = attributes(version.enabled, version.created_s);
  about.set("exportable", key.exportable);
  if (hsm) about.set("hsmPlatform", "2");
  out.set("attributes", std::move(about));
  if (!key.release_policy.empty()) {
    out.set("release_policy", json::Object{{"contentType", "application/json; charset=utf-8"},
                                           {"data", base64url_encode(as_bytes(key.release_policy))},
                                           {"immutable", key.immutable_policy}});
  }
  return out;
}

HttpResponse KeyVault::use_key(const HttpRequest& request, const std::string& operation,
                               const StoredKey& key, const StoredKeyVersion& version) const {
  const bool encrypt = operation == "encrypt" || operation == "wrapkey";
  if (!encrypt && operation != "decrypt" && operation != "unwrapkey") {
    return bad("the simulator does encrypt, decrypt, wrapkey, unwrapkey and release");
  }
  const bool allowed = std::ranges::any_of(
      key.operations, [&](const std::string& o) { return to_lower(o) == operation; });
  if (!allowed) {
    return azure_error(403, "Forbidden", concat("Operation ", operation, " is not allowed"),
                       "KeyOperationForbidden");
  }
  const auto body = json::parse(request.body);
  const std::string* algorithm = body.ok() ? body->string_at("alg") : nullptr;
  const std::string* value = body.ok() ? body->string_at("value") : nullptr;
  if (algorithm == nullptr || value == nullptr ||
      (*algorithm != "RSA1_5" && *algorithm != "RSA-OAEP" && *algorithm != "RSA-OAEP-256")) {
    return bad("alg: RSA1_5, RSA-OAEP or RSA-OAEP-256; value: base64url");
  }
  const auto in = base64_decode_any(*value);
  const auto material = crypto::PrivateKey::from_pkcs8_der(version.pkcs8);
  if (!in.ok() || !material.ok()) return bad("the value is no base64url");
  const auto result = apply(*material, *algorithm, encrypt, *in);
  if (!result.ok()) return bad(concat("the ", operation, " operation failed"));
  return json_response(200, json::Object{{"kid", id_of("keys", key.name, version.version)},
                                         {"value", base64url_encode(*result)}});
}

HttpResponse KeyVault::deleted_keys(const HttpRequest& request) {
  const auto& parts = request.segments;
  if (parts.size() < 2) return bad("name a deleted key");
  return transact([&](VaultData& data, HttpResponse& out) {
    const auto found = data.keys.find(to_lower(parts[1]));
    if (found == data.keys.end() || found->second.deleted_ms == 0 ||
        now_ms() - found->second.deleted_ms < settings_.delete_delay_ms) {
      out = azure_error(404, "KeyNotFound", concat("Deleted Key not found: ", parts[1]));
      return false;
    }
    auto bundle = key_bundle(found->second, found->second.versions.back());
    if (!bundle.ok()) bundle = json::Object{};
    if (request.method == "DELETE") {
      data.keys.erase(found);
      out.status = 204;
      return true;
    }
    const bool recover = parts.size() == 3 && request.method == "POST";
    if (recover) {
      found->second.deleted_ms = 0;
    } else {
      add_deletion(*bundle, "keys", found->second.name, found->second.deleted_ms);
    }
    out = json_response(200, *bundle);
    return recover;
  });
}

}  // namespace apm::sim
