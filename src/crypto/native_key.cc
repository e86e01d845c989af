#include "crypto/native_key.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/rsa.h>

#include <array>
#include <cstdlib>

namespace apm::crypto {

void EvpPkeyDeleter::operator()(evp_pkey_st* key) const { EVP_PKEY_free(key); }

KeyType native_type(const EVP_PKEY* key) {
  switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA: return KeyType::kRsa;
    case EVP_PKEY_EC: return KeyType::kEc;
    default: return KeyType::kOther;
  }
}

const char* native_curve_name(Curve curve) {
  switch (curve) {
    case Curve::kP256: return "prime256v1";
    case Curve::kP384: return "secp384r1";
    case Curve::kP521: return "secp521r1";
  }
  std::abort();
}

std::size_t order_size(Curve curve) {
  switch (curve) {
    case Curve::kP256: return 32;
    case Curve::kP384: return 48;
    case Curve::kP521: return 66;
  }
  std::abort();
}

std::optional<Curve> native_curve(const EVP_PKEY* key) {
  std::array<char, 64> name{};
  std::size_t length = 0;
  if (native_type(key) != KeyType::kEc ||
      EVP_PKEY_get_group_name(key, name.data(), name.size(), &length) != 1) {
    return std::nullopt;
  }
  const std::string_view found(name.data(), length);
  for (const Curve curve : {Curve::kP256, Curve::kP384, Curve::kP521}) {
    if (found == native_curve_name(curve)) return curve;
  }
  return std::nullopt;
}

Number key_number(const EVP_PKEY* key, const char* name) {
  BIGNUM* raw = nullptr;
  if (EVP_PKEY_get_bn_param(key, name, &raw) != 1) return nullptr;
  return Number(raw);
}

bool set_signature_padding(EVP_PKEY_CTX* context, RsaPadding padding, Hash hash) {
  if (padding == RsaPadding::kPkcs1) {
    return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1;
  }
  return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
         EVP_PKEY_CTX_set_rsa_mgf1_md(context, native_digest(hash)) == 1 &&
         EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1;
}

bool set_oaep(EVP_PKEY_CTX* context, Hash hash, Hash mgf1, ByteView label) {
  if (EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) != 1 ||
      EVP_PKEY_CTX_set_rsa_oaep_md(context, native_digest(hash)) != 1 ||
      EVP_PKEY_CTX_set_rsa_mgf1_md(context, native_digest(mgf1)) != 1) {
    return false;
  }
  if (label.empty()) return true;
  void* copy = OPENSSL_memdup(label.data(), label.size());  // the context takes it over on success
  if (copy != nullptr &&
      EVP_PKEY_CTX_set0_rsa_oaep_label(context, copy, static_cast<int>(label.size())) == 1) {
    return true;
  }
  OPENSSL_free(copy);
  return false;
}

}  // namespace apm::crypto
