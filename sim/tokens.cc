#include "sim/tokens.h"

#include "crypto/jws.h"
#include "crypto/random.h"

namespace apm::sim {

Result<std::string> make_access_token(const Settings& settings, const Hardware& hardware,
                                      const std::string& resource, std::int64_t now_s,
                                      std::int64_t lifetime_s) {
  const json::Object header{{"typ", "JWT"}, {"alg", "RS256"}, {"kid", "sim-entra"}};
  const json::Object payload{{"aud", resource},
                             {"iss", "https://sts.windows.net/" + settings.tenant + "/"},
                             {"iat", now_s},
                             {"nbf", now_s},
                             {"exp", now_s + lifetime_s},
                             {"appid", settings.client_id},
                             {"oid", settings.object_id},
                             {"tid", settings.tenant},
                             {"uti", crypto::random_base62(22)},
                             {"ver", "1.0"}};
  return crypto::sign_rs256(header, payload, hardware.entra.key);
}

Result<AccessClaims> check_access_token(const Settings& settings, const Hardware& hardware,
                                        const std::string& token, const std::string& resource,
                                        std::int64_t now_s) {
  const auto refused = [](const char* why, const char* text) {
    return Error(Code::kRefused, why, text);
  };
  auto jws = crypto::parse_jws(token);
  APM_TRY(const crypto::PublicKey key, hardware.entra.key.public_key());
  if (!jws.ok() || !crypto::verify_rs256(*jws, key).ok()) {
    return refused("token_invalid", "AKV10032: Invalid issuer or signature.");
  }
  const auto text = [&](const char* name) {
    const std::string* found = jws->payload.string_at(name);
    return found == nullptr ? std::string() : *found;
  };
  const json::Value* exp = jws->payload.at("exp");
  if (text("iss") != "https://sts.windows.net/" + settings.tenant + "/") {
    return refused("token_invalid", "AKV10032: Invalid issuer.");
  }
  if (exp == nullptr || exp->as_int().value_or(0) <= now_s) {
    return refused("token_expired", "AKV10000: The token is expired.");
  }
  std::string audience = text("aud");
  while (audience.ends_with('/')) audience.pop_back();
  if (audience != resource) return refused("token_audience", "AKV10022: Invalid audience.");
  return AccessClaims{text("appid"), text("oid")};
}

}  // namespace apm::sim
