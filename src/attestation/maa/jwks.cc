#include "attestation/maa/jwks.h"

#include "attestation/limits.h"
#include "base/encoding.h"
#include "base/json.h"
#include "base/text.h"

namespace apm::attestation::maa {
namespace {

constexpr const char* kQuoteOid = "1.3.6.1.4.1.311.105.1";

Error malformed(std::string_view why) {
  return Error(Code::kInvalidArgument, "maa_jwks_malformed",
               concat("the key set of the attestation provider is unusable: ", why,
                      ". Fetch it again from <issuer>/certs"));
}

Result<crypto::Certificate> first_certificate(const json::Value& key) {
  const json::Value* x5c = key.at("x5c");
  const json::Array* list = x5c == nullptr ? nullptr : x5c->as_array();
  if (list == nullptr || list->empty() || list->size() > kMaaJwksChainMax) {
    return malformed("an RSA key has no x5c, or too long a one");
  }
  const std::string* text = list->front().as_string();
  const auto der = base64_decode(text == nullptr ? std::string_view("?") : *text);
  if (!der.ok()) return malformed("x5c[0] is not base64");
  auto certificate = crypto::Certificate::from_der(*der);
  if (!certificate.ok()) return malformed("x5c[0] is not one DER certificate");
  return certificate;
}

// n and e may be absent; where they are, they must be the certificate's.
Status check_numbers(const json::Value& key, const crypto::Certificate& certificate) {
  if (key.at("n") == nullptr && key.at("e") == nullptr) return {};
  const std::string* n = key.string_at("n");
  const std::string* e = key.string_at("e");
  if (n == nullptr || e == nullptr) return malformed("a key has only one of n and e");
  APM_TRY(const Bytes modulus, base64url_decode(*n));
  APM_TRY(const Bytes exponent, base64url_decode(*e));
  const auto named = crypto::PublicKey::from_rsa(modulus, exponent);
  APM_TRY(const crypto::PublicKey certified, certificate.public_key());
  if (named.ok() && named->same_as(certified)) return {};
  return malformed("a key's n and e are not those of its certificate");
}

Status check_words(const json::Value& key) {
  for (const auto& [name, wanted] : {std::pair{"alg", "RS256"}, std::pair{"use", "sig"}}) {
    if (key.at(name) == nullptr) continue;
    const std::string* word = key.string_at(name);
    if (word == nullptr || *word != wanted) {
      return malformed(concat("a key's ", name, " is not ", wanted));
    }
  }
  return {};
}

Result<SigningKey> read_key(const json::Value& key) {
  const std::string* kid = key.string_at("kid");
  if (kid == nullptr || kid->empty()) return malformed("an RSA key has no kid");
  APM_CHECK_OK(check_words(key));
  APM_TRY(crypto::Certificate certificate, first_certificate(key));
  const Status numbers = check_numbers(key, certificate);
  if (!numbers.ok()) return malformed(numbers.error().message);
  return SigningKey{*kid, std::move(certificate)};
}

}  // namespace

Result<Jwks> Jwks::parse(std::string_view text) {
  const auto document =
      json::parse(text, {.bytes_max = kMaaJwksBytesMax, .depth_max = kMaaTokenDepthMax});
  if (!document.ok()) return malformed(document.error().message);
  const json::Value* keys = document->at("keys");
  const json::Array* list = keys == nullptr ? nullptr : keys->as_array();
  if (list == nullptr || list->size() > kMaaJwksKeysMax) {
    return malformed("it has no list of keys, or too long a one");
  }
  Jwks out;
  for (const json::Value& key : *list) {
    const std::string* type = key.string_at("kty");
    if (type == nullptr) return malformed("a key has no kty");
    if (*type != "RSA") continue;
    APM_TRY(SigningKey read, read_key(key));
    if (out.find(read.kid) != nullptr) return malformed("a kid occurs twice");
    out.keys_.push_back(std::move(read));
  }
  return out;
}

const SigningKey* Jwks::find(std::string_view kid) const {
  for (const SigningKey& key : keys_) {
    if (key.kid == kid) return &key;
  }
  return nullptr;
}

Bytes embedded_quote(const crypto::Certificate& certificate) {
  return certificate.extension(kQuoteOid).value_or(Bytes());
}

}  // namespace apm::attestation::maa
