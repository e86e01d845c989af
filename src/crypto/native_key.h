#pragma once

// What the public and the private half of keys.h share. Only sources of crypto/ include this.

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>

#include <memory>

#include "crypto/keys.h"
#include "crypto/native.h"

namespace apm::crypto {

using Number = std::unique_ptr<BIGNUM, FreeWith<BN_clear_free>>;
using EcdsaSig = std::unique_ptr<ECDSA_SIG, FreeWith<ECDSA_SIG_free>>;

enum class RsaPadding { kPkcs1, kPss };

[[nodiscard]] KeyType native_type(const EVP_PKEY* key);
[[nodiscard]] std::optional<Curve> native_curve(const EVP_PKEY* key);
[[nodiscard]] std::size_t order_size(Curve curve);  // bytes of the group's order
[[nodiscard]] const char* native_curve_name(Curve curve);

// One big number of a key; nullptr when the key has none of that name.
[[nodiscard]] Number key_number(const EVP_PKEY* key, const char* name);

// Padding of a signature context: for PSS the same hash in MGF1, and a salt as long as the digest.
[[nodiscard]] bool set_signature_padding(EVP_PKEY_CTX* context, RsaPadding padding, Hash hash);
[[nodiscard]] bool set_oaep(EVP_PKEY_CTX* context, Hash hash, Hash mgf1, ByteView label);

}  // namespace apm::crypto
