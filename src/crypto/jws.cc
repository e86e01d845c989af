#include "crypto/jws.h"

#include "base/encoding.h"
#include "base/text.h"

namespace apm::crypto {
namespace {

constexpr int kRsaBitsLeast = 2048;

Result<json::Value> object_part(std::string_view part, const char* name) {
  APM_TRY(const Bytes raw, base64url_decode(part));
  APM_TRY(json::Value value, json::parse(raw, {.bytes_max = kJwsBytesMax}));
  if (value.as_object() == nullptr) {
    return Error(Code::kInvalidArgument, "jws_malformed",
                 concat("the JWS ", name, " is not an object"));
  }
  return value;
}

}  // namespace

Result<Jws> parse_jws(std::string_view compact) {
  if (compact.size() > kJwsBytesMax)
    return Error(Code::kTooLarge, "jws_too_large", "the JWS is too large");
  const auto parts = split(compact, '.');
  if (parts.size() != 3) {
    return Error(Code::kInvalidArgument, "jws_malformed", "a compact JWS has three parts");
  }
  Jws jws;
  APM_TRY(jws.header, object_part(parts[0], "header"));
  APM_TRY(jws.payload, object_part(parts[1], "payload"));
  APM_TRY(jws.signature, base64url_decode(parts[2]));
  jws.signing_input = std::string(compact.substr(0, parts[0].size() + 1 + parts[1].size()));
  return jws;
}

Status verify_rs256(const Jws& jws, const PublicKey& key) {
  const std::string* algorithm = jws.header.string_at("alg");
  if (algorithm == nullptr || *algorithm != "RS256") {
    return Error(Code::kRefused, "jws_algorithm", "the JWS is not signed with RS256");
  }
  if (jws.header.at("crit") != nullptr) {
    return Error(Code::kRefused, "jws_algorithm",
                 "the JWS demands extensions (crit) that we do not know");
  }
  if (key.type() != KeyType::kRsa || key.bits() < kRsaBitsLeast) {
    return Error(Code::kRefused, "jws_key", "the JWS key is not RSA of at least 2048 bits");
  }
  if (!key.verify_rsa_pkcs1(Hash::kSha256, as_bytes(jws.signing_input), jws.signature).ok()) {
    return Error(Code::kRefused, "jws_signature", "the JWS signature does not verify");
  }
  return {};
}

Result<std::string> sign_rs256(const json::Value& header, const json::Value& payload,
                               const PrivateKey& key) {
  std::string text = base64url_encode(as_bytes(json::write(header))) + "." +
                     base64url_encode(as_bytes(json::write(payload)));
  APM_TRY(const Bytes signature, key.sign_rsa_pkcs1(Hash::kSha256, as_bytes(text)));
  return text + "." + base64url_encode(signature);
}

}  // namespace apm::crypto
