// A compact JWS that is read is exactly its three parts: no second spelling of one token. Nobody
// signed it, so it does not verify.

#include "crypto/jws.h"

#include "base/encoding.h"
#include "property.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using apm::fuzz::require;
  static const auto key = apm::crypto::PrivateKey::generate_rsa(2048);
  const std::string_view text = apm::fuzz::text_of(data, size);
  const auto jws = apm::crypto::parse_jws(text);
  if (!jws.ok()) return 0;
  require(jws->header.as_object() != nullptr && jws->payload.as_object() != nullptr, "objects");
  require(jws->signing_input + "." + apm::base64url_encode(jws->signature) == text, "spelling");
  const auto public_key = key->public_key();
  require(public_key.ok() && !apm::crypto::verify_rs256(*jws, *public_key).ok(), "a forgery");
  return 0;
}
