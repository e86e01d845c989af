#pragma once

// The signing keys of a Microsoft Azure Attestation provider: its JWK Set (RFC 7517), which names
// keys by certificate (x5c) and not by n and e. It is fetched from the pinned issuer and kept by
// the caller; a token never says where keys come from.
//
// Keys that are not RSA are left out, because no token that we accept is signed by them. An RSA key
// without a usable x5c[0], a repeated kid, or n and e that are not the certificate's make the whole
// set unusable. x5c[1..] is not read: the trust is in the set's origin.
// A value; any thread may use a const one. Errors: kInvalidArgument "maa_jwks_malformed".

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "crypto/x509.h"

namespace apm::attestation::maa {

struct SigningKey {
  std::string kid;  // compared as it is: it may hold '/', '+' and '='
  crypto::Certificate certificate;
};

class Jwks {
 public:
  [[nodiscard]] static Result<Jwks> parse(std::string_view json);
  [[nodiscard]] const SigningKey* find(std::string_view kid) const;  // nullptr when absent
  [[nodiscard]] std::size_t size() const { return keys_.size(); }
  [[nodiscard]] const std::vector<SigningKey>& all() const { return keys_; }

 private:
  std::vector<SigningKey> keys_;
};

// The SGX quote that an enclave-held key's self-signed certificate carries (1.3.6.1.4.1.311.105.1),
// as it is; empty when there is none. Its verification is not part of accepting a token.
[[nodiscard]] Bytes embedded_quote(const crypto::Certificate& certificate);

}  // namespace apm::attestation::maa
