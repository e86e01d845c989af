#pragma once

// RSA and elliptic-curve keys and the exact operations that the product's protocols name.
// Padding and digest are always said by the caller, never taken from a message.
// Verification: success is ok(); every other outcome is an error (kRefused for a wrong signature).

#include <memory>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/digest.h"
#include "crypto/secret_bytes.h"

struct evp_pkey_st;  // OpenSSL's EVP_PKEY; only crypto/ and http/ look inside

namespace apm::crypto {

enum class KeyType { kRsa, kEc, kOther };
enum class Curve { kP256, kP384, kP521 };

struct EvpPkeyDeleter {
  void operator()(evp_pkey_st* key) const;
};
using EvpPkey = std::unique_ptr<evp_pkey_st, EvpPkeyDeleter>;

class PublicKey {
 public:
  [[nodiscard]] static Result<PublicKey> from_spki_der(ByteView der);
  [[nodiscard]] static Result<PublicKey> from_pem(std::string_view pem);  // "PUBLIC KEY"
  // Big-endian; leading zeros are accepted (Key Vault sends e as 00 01 00 01).
  [[nodiscard]] static Result<PublicKey> from_rsa(ByteView modulus, ByteView exponent);
  [[nodiscard]] static Result<PublicKey> from_ec_point(Curve curve, ByteView x, ByteView y);
  explicit PublicKey(EvpPkey key) : key_(std::move(key)) {}

  [[nodiscard]] KeyType type() const;
  [[nodiscard]] int bits() const;
  [[nodiscard]] std::optional<Curve> curve() const;
  [[nodiscard]] Bytes spki_der() const;
  [[nodiscard]] std::string spki_pem() const;
  [[nodiscard]] Result<Bytes> rsa_modulus() const;  // big-endian, no leading zeros
  [[nodiscard]] Result<Bytes> rsa_exponent() const;
  [[nodiscard]] bool same_as(const PublicKey& other) const;

  [[nodiscard]] Status verify_rsa_pkcs1(Hash hash, ByteView message, ByteView signature) const;
  [[nodiscard]] Status verify_rsa_pss(Hash hash, ByteView message, ByteView signature) const;
  // r and s big-endian, fixed width or with leading zeros.
  [[nodiscard]] Status verify_ecdsa(Hash hash, ByteView message, ByteView r, ByteView s) const;

  // RSA-OAEP; hash and MGF1 hash given; label may be empty.
  [[nodiscard]] Result<Bytes> encrypt_oaep(Hash hash, Hash mgf1, ByteView plaintext,
                                           ByteView label = {}) const;
  // RSAES-PKCS1-v1_5: only for speaking to a TPM or MAA that asks for it.
  [[nodiscard]] Result<Bytes> encrypt_pkcs1(ByteView plaintext) const;

  [[nodiscard]] evp_pkey_st* native() const { return key_.get(); }

 private:
  EvpPkey key_;
};

class PrivateKey {
 public:
  [[nodiscard]] static Result<PrivateKey> from_pkcs8_der(ByteView der);  // unencrypted
  [[nodiscard]] static Result<PrivateKey> from_pem(ByteView pem);        // PKCS#8 or traditional
  [[nodiscard]] static Result<PrivateKey> generate_rsa(int bits);
  [[nodiscard]] static Result<PrivateKey> generate_ec(Curve curve);
  explicit PrivateKey(EvpPkey key) : key_(std::move(key)) {}

  [[nodiscard]] Result<PublicKey> public_key() const;
  [[nodiscard]] Result<SecretBytes> pkcs8_der() const;
  [[nodiscard]] KeyType type() const;
  // The RSA private exponent, or the EC private scalar, as input of a key derivation.
  [[nodiscard]] Result<SecretBytes> private_number() const;

  [[nodiscard]] Result<Bytes> sign_rsa_pkcs1(Hash hash, ByteView message) const;
  [[nodiscard]] Result<Bytes> sign_rsa_pss(Hash hash,
                                           ByteView message) const;  // salt = digest size
  struct EcSignature {
    Bytes r, s;  // big-endian, as wide as the curve's order
  };
  [[nodiscard]] Result<EcSignature> sign_ecdsa(Hash hash, ByteView message) const;

  // kRefused when the ciphertext does not open; no more is said.
  [[nodiscard]] Result<SecretBytes> decrypt_oaep(Hash hash, Hash mgf1, ByteView ciphertext,
                                                 ByteView label = {}) const;

  [[nodiscard]] evp_pkey_st* native() const { return key_.get(); }

 private:
  EvpPkey key_;
};

}  // namespace apm::crypto
