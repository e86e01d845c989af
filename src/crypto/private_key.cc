// The private half of keys.h.

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/text.h"
#include "crypto/limits.h"
#include "crypto/native_key.h"

namespace apm::crypto {
namespace {

using Pkcs8 = std::unique_ptr<PKCS8_PRIV_KEY_INFO, FreeWith<PKCS8_PRIV_KEY_INFO_free>>;

Error malformed(std::string text) {
  ERR_clear_error();
  return Error(Code::kInvalidArgument, "key_malformed", std::move(text));
}

Error wrong_kind(std::string_view what) {
  return Error(Code::kInvalidArgument, "key_kind", concat("this private key cannot do ", what));
}

// Without this, OpenSSL would ask a person at the terminal for the password of an encrypted key.
int no_password(char*, int, int, void*) { return -1; }

Result<Bytes> sign_with(EVP_PKEY* key, Hash hash, std::optional<RsaPadding> padding,
                        ByteView message) {
  const MdContext context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* inner = nullptr;  // belongs to context
  std::size_t size = 0;
  if (context == nullptr ||
      EVP_DigestSignInit(context.get(), &inner, native_digest(hash), nullptr, key) != 1 ||
      (padding && !set_signature_padding(inner, *padding, hash)) ||
      EVP_DigestSign(context.get(), nullptr, &size, message.data(), message.size()) != 1) {
    return openssl_error("preparing a signature");
  }
  Bytes out(size);
  if (EVP_DigestSign(context.get(), out.data(), &size, message.data(), message.size()) != 1) {
    return openssl_error("signing");
  }
  out.resize(size);
  return out;
}

Result<SecretBytes> padded_secret(const BIGNUM* number, std::size_t width) {
  SecretBytes out = SecretBytes::zeros(width);
  if (BN_bn2binpad(number, out.mutable_view().data(), static_cast<int>(width)) !=
      static_cast<int>(width)) {
    return openssl_error("reading a private number");
  }
  return out;
}

}  // namespace

Result<PrivateKey> PrivateKey::from_pkcs8_der(ByteView der) {
  if (der.size() > kKeyBytesMax) return malformed("the private key is too long");
  const std::uint8_t* at = der.data();
  const Pkcs8 info(d2i_PKCS8_PRIV_KEY_INFO(nullptr, &at, static_cast<long>(der.size())));
  if (info == nullptr || at != der.data() + der.size()) {
    return malformed("the bytes are not one unencrypted PKCS#8 private key in DER");
  }
  EvpPkey key(EVP_PKCS82PKEY(info.get()));
  if (key == nullptr)
    return malformed("the PKCS#8 structure holds no private key that is readable");
  return PrivateKey(std::move(key));
}

Result<PrivateKey> PrivateKey::from_pem(ByteView pem) {
  if (pem.size() > kKeyBytesMax) return malformed("the private key is too long");
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  if (bio == nullptr) return openssl_error("reading a private key");
  EvpPkey key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr));
  if (key == nullptr) {
    return malformed(
        "the text holds no PEM private key that is readable; it must not be encrypted");
  }
  return PrivateKey(std::move(key));
}

Result<PrivateKey> PrivateKey::generate_rsa(int bits) {
  const auto size = static_cast<std::size_t>(bits);
  if (bits < 0 || size < kRsaGenerateBitsMin || size > kRsaGenerateBitsMax) {
    return malformed(concat("RSA keys are made with ", kRsaGenerateBitsMin, " to ",
                            kRsaGenerateBitsMax, " bits"));
  }
  EvpPkey key(EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", size));
  if (key == nullptr) return openssl_error("making an RSA key");
  return PrivateKey(std::move(key));
}

Result<PrivateKey> PrivateKey::generate_ec(Curve curve) {
  EvpPkey key(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", native_curve_name(curve)));
  if (key == nullptr) return openssl_error("making an elliptic-curve key");
  return PrivateKey(std::move(key));
}

KeyType PrivateKey::type() const { return native_type(key_.get()); }

// By way of the encoding, so that the result holds nothing private.
Result<PublicKey> PrivateKey::public_key() const {
  std::uint8_t* raw = nullptr;
  const int size = i2d_PUBKEY(key_.get(), &raw);
  if (size <= 0) return openssl_error("taking the public half of a key");
  const Bytes der(raw, raw + size);
  OPENSSL_free(raw);
  return PublicKey::from_spki_der(der);
}

Result<SecretBytes> PrivateKey::pkcs8_der() const {
  const Pkcs8 info(EVP_PKEY2PKCS8(key_.get()));
  const int size = info == nullptr ? -1 : i2d_PKCS8_PRIV_KEY_INFO(info.get(), nullptr);
  if (size <= 0) return openssl_error("encoding a private key");
  SecretBytes out = SecretBytes::zeros(static_cast<std::size_t>(size));
  std::uint8_t* at = out.mutable_view().data();
  if (i2d_PKCS8_PRIV_KEY_INFO(info.get(), &at) != size)
    return openssl_error("encoding a private key");
  return out;
}

// Fixed width (the modulus' or the order's), so that the derived key does not depend on leading
// zeros.
Result<SecretBytes> PrivateKey::private_number() const {
  if (type() == KeyType::kRsa) {
    const Number d = key_number(key_.get(), OSSL_PKEY_PARAM_RSA_D);
    if (d == nullptr) return openssl_error("reading the private exponent");
    return padded_secret(d.get(), static_cast<std::size_t>(EVP_PKEY_get_size(key_.get())));
  }
  const std::optional<Curve> curve = native_curve(key_.get());
  if (!curve) return wrong_kind("a derivation: it is neither RSA nor on a NIST curve");
  const Number scalar = key_number(key_.get(), OSSL_PKEY_PARAM_PRIV_KEY);
  if (scalar == nullptr) return openssl_error("reading the private scalar");
  return padded_secret(scalar.get(), order_size(*curve));
}

Result<Bytes> PrivateKey::sign_rsa_pkcs1(Hash hash, ByteView message) const {
  if (type() != KeyType::kRsa) return wrong_kind("an RSA signature");
  return sign_with(key_.get(), hash, RsaPadding::kPkcs1, message);
}

Result<Bytes> PrivateKey::sign_rsa_pss(Hash hash, ByteView message) const {
  if (type() != KeyType::kRsa) return wrong_kind("an RSA signature");
  return sign_with(key_.get(), hash, RsaPadding::kPss, message);
}

Result<PrivateKey::EcSignature> PrivateKey::sign_ecdsa(Hash hash, ByteView message) const {
  const std::optional<Curve> curve = native_curve(key_.get());
  if (!curve) return wrong_kind("an ECDSA signature");
  APM_TRY(const Bytes der, sign_with(key_.get(), hash, std::nullopt, message));
  const std::uint8_t* at = der.data();
  const EcdsaSig pair(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
  if (pair == nullptr) return openssl_error("reading an own ECDSA signature");
  const std::size_t width = order_size(*curve);
  EcSignature out{.r = Bytes(width), .s = Bytes(width)};
  const int n = static_cast<int>(width);
  if (BN_bn2binpad(ECDSA_SIG_get0_r(pair.get()), out.r.data(), n) != n ||
      BN_bn2binpad(ECDSA_SIG_get0_s(pair.get()), out.s.data(), n) != n) {
    return openssl_error("reading an own ECDSA signature");
  }
  return out;
}

Result<SecretBytes> PrivateKey::decrypt_oaep(Hash hash, Hash mgf1, ByteView ciphertext,
                                             ByteView label) const {
  if (type() != KeyType::kRsa) return wrong_kind("RSA decryption");
  const KeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, key_.get(), nullptr));
  if (context == nullptr || EVP_PKEY_decrypt_init(context.get()) != 1 ||
      !set_oaep(context.get(), hash, mgf1, label)) {
    return openssl_error("preparing RSA-OAEP decryption");
  }
  std::size_t size = static_cast<std::size_t>(EVP_PKEY_get_size(key_.get()));
  SecretBytes out = SecretBytes::zeros(size);
  if (EVP_PKEY_decrypt(context.get(), out.mutable_view().data(), &size, ciphertext.data(),
                       ciphertext.size()) != 1) {
    ERR_clear_error();
    return Error(Code::kRefused, "oaep_decrypt", "the ciphertext does not open with this key");
  }
  return SecretBytes::copy_of(out.view().first(size));
}

}  // namespace apm::crypto
