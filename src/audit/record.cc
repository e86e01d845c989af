#include "audit/record.h"

#include "base/clock.h"
#include "base/encoding.h"
#include "crypto/digest.h"

namespace apm::audit {
namespace {

json::Object hashed_object(const crypto::SecretBytes& salt, const json::Object& object) {
  json::Object out = object;  // and not set(), which looks for the name each time
  for (auto& [name, value] : out) value = hashed(salt, value);
  return out;
}

json::Object auth_of(const crypto::SecretBytes& salt, const Record& record) {
  json::Object out;
  if (!record.client_token.empty()) out.set("client_token", hmac_text(salt, record.client_token));
  if (record.caller == nullptr || !record.caller->authenticated) return out;
  const logical::Caller& caller = *record.caller;
  json::Array policies;
  for (const std::string& name : caller.policies) policies.emplace_back(name);
  out.set("accessor", hmac_text(salt, caller.accessor));
  out.set("display_name", caller.display_name);
  out.set("policies", std::move(policies));
  out.set("token_type", caller.token_type);
  if (caller.identity) {
    out.set("enclave_id", caller.identity->enclave_id);
    out.set("signer_id", caller.identity->signer_id);
    out.set("trust_anchor", caller.identity->trust_anchor);
  }
  return out;
}

}  // namespace

std::string hmac_text(const crypto::SecretBytes& salt, std::string_view text) {
  return "hmac-sha256:" + hex_encode(crypto::hmac_sha256(salt.view(), as_bytes(text)));
}

json::Value hashed(const crypto::SecretBytes& salt, const json::Value& value) {
  if (const std::string* text = value.as_string()) return hmac_text(salt, *text);
  if (const json::Object* object = value.as_object()) return hashed_object(salt, *object);
  if (const json::Array* array = value.as_array()) {
    json::Array out;
    for (const json::Value& one : *array) out.push_back(hashed(salt, one));
    return out;
  }
  return value;
}

json::Object entry_of(const crypto::SecretBytes& salt, const Record& record) {
  json::Object request{{"id", record.request_id},
                       {"operation", record.operation},
                       {"path", record.path},
                       {"mount_type", record.mount_type},
                       {"remote_address", record.remote_address},
                       {"remote_port", record.remote_port}};
  if (!record.client_token.empty()) {
    request.set("client_token", hmac_text(salt, record.client_token));
  }
  if (record.data != nullptr) request.set("data", hashed_object(salt, *record.data));
  json::Object entry{{"type", record.type},
                     {"time", rfc3339_ns(record.time_ns)},
                     {"auth", auth_of(salt, record)},
                     {"request", std::move(request)}};
  if (record.type == "response") {
    json::Object response{{"status", record.status}};
    if (record.response_data != nullptr) {
      response.set("data", hashed_object(salt, *record.response_data));
    }
    if (!record.response_token.empty()) {
      response.set("auth", json::Object{{"client_token", hmac_text(salt, record.response_token)}});
    }
    entry.set("response", std::move(response));
  }
  if (!record.error.empty()) entry.set("error", record.error);
  return entry;
}

}  // namespace apm::audit
