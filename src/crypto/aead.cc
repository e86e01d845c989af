#include "crypto/aead.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#include <climits>

#include "crypto/native.h"

namespace apm::crypto {
namespace {

Status check_sizes(const SecretBytes& key, ByteView nonce, ByteView aad, std::size_t text_size) {
  if (key.size() != kGcmKeySize || nonce.size() != kGcmNonceSize || aad.size() > INT_MAX ||
      text_size > INT_MAX) {
    return Error(Code::kInternal, "AES-256-GCM was given a key, nonce or text of a wrong size");
  }
  return {};
}

Result<std::size_t> open_into(const SecretBytes& key, ByteView nonce, ByteView aad, ByteView sealed,
                              MutableByteView out) {
  const CipherContext context(EVP_CIPHER_CTX_new());
  EVP_CIPHER_CTX* raw = context.get();
  const ByteView body = sealed.first(sealed.size() - kGcmTagSize);
  Bytes tag = to_bytes(sealed.last(kGcmTagSize));
  int n = 0;
  int total = 0;
  if (raw == nullptr ||
      EVP_DecryptInit_ex2(raw, EVP_aes_256_gcm(), key.view().data(), nonce.data(), nullptr) != 1 ||
      EVP_DecryptUpdate(raw, nullptr, &n, aad.data(), static_cast<int>(aad.size())) != 1) {
    return openssl_error("AES-256-GCM decryption");
  }
  if (!body.empty() &&
      EVP_DecryptUpdate(raw, out.data(), &total, body.data(), static_cast<int>(body.size())) != 1) {
    return openssl_error("AES-256-GCM decryption");
  }
  if (EVP_CIPHER_CTX_ctrl(raw, EVP_CTRL_GCM_SET_TAG, kGcmTagSize, tag.data()) != 1 ||
      EVP_DecryptFinal_ex(raw, out.data() + total, &n) != 1) {
    wipe(out);
    ERR_clear_error();
    return Error(Code::kCorrupt, "aead_tag", "the authentication tag does not match");
  }
  return static_cast<std::size_t>(total);
}

Status check_sealed(const SecretBytes& key, ByteView nonce, ByteView aad, ByteView sealed) {
  if (sealed.size() < kGcmTagSize)
    return Error(Code::kCorrupt, "aead_short", "ciphertext is too short");
  return check_sizes(key, nonce, aad, sealed.size());
}

// What is unwrapped is a secret, and the pool for secrets has a limit for one.
constexpr std::size_t kKwpTextMax = kSecretBytesMax - 16;

}  // namespace

Result<Bytes> gcm_seal(const SecretBytes& key, ByteView nonce, ByteView aad, ByteView plaintext) {
  APM_CHECK_OK(check_sizes(key, nonce, aad, plaintext.size()));
  const CipherContext context(EVP_CIPHER_CTX_new());
  EVP_CIPHER_CTX* raw = context.get();
  Bytes out(plaintext.size() + kGcmTagSize);
  int n = 0;
  int total = 0;
  if (raw == nullptr ||
      EVP_EncryptInit_ex2(raw, EVP_aes_256_gcm(), key.view().data(), nonce.data(), nullptr) != 1 ||
      EVP_EncryptUpdate(raw, nullptr, &n, aad.data(), static_cast<int>(aad.size())) != 1 ||
      (!plaintext.empty() && EVP_EncryptUpdate(raw, out.data(), &total, plaintext.data(),
                                               static_cast<int>(plaintext.size())) != 1) ||
      EVP_EncryptFinal_ex(raw, out.data() + total, &n) != 1 ||
      EVP_CIPHER_CTX_ctrl(raw, EVP_CTRL_GCM_GET_TAG, kGcmTagSize, out.data() + plaintext.size()) !=
          1) {
    return openssl_error("AES-256-GCM encryption");
  }
  return out;
}

Result<Bytes> gcm_open(const SecretBytes& key, ByteView nonce, ByteView aad, ByteView sealed) {
  APM_CHECK_OK(check_sealed(key, nonce, aad, sealed));
  Bytes out(sealed.size() - kGcmTagSize);
  APM_CHECK_OK(open_into(key, nonce, aad, sealed, out));
  return out;
}

Result<SecretBytes> gcm_open_secret(const SecretBytes& key, ByteView nonce, ByteView aad,
                                    ByteView sealed) {
  APM_CHECK_OK(check_sealed(key, nonce, aad, sealed));
  if (sealed.size() - kGcmTagSize > kSecretBytesMax) {
    return Error(Code::kTooLarge, "secret_too_large",
                 "the sealed key is longer than a secret may be");
  }
  SecretBytes out = SecretBytes::zeros(sealed.size() - kGcmTagSize);
  APM_CHECK_OK(open_into(key, nonce, aad, sealed, out.mutable_view()));
  return out;
}

Result<Bytes> kwp_wrap(const SecretBytes& key, ByteView plaintext) {
  if (key.size() != 32 || plaintext.empty() || plaintext.size() > kKwpTextMax) {
    return Error(Code::kInternal, "key wrap was given a key or text of a wrong size");
  }
  const CipherContext context(EVP_CIPHER_CTX_new());
  EVP_CIPHER_CTX* raw = context.get();
  Bytes out(plaintext.size() + 16);
  int n = 0;
  int last = 0;
  EVP_CIPHER_CTX_set_flags(raw, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
  if (EVP_EncryptInit_ex2(raw, EVP_aes_256_wrap_pad(), key.view().data(), nullptr, nullptr) != 1 ||
      EVP_EncryptUpdate(raw, out.data(), &n, plaintext.data(),
                        static_cast<int>(plaintext.size())) != 1 ||
      EVP_EncryptFinal_ex(raw, out.data() + n, &last) != 1) {
    return openssl_error("AES key wrap");
  }
  out.resize(static_cast<std::size_t>(n) + static_cast<std::size_t>(last));
  return out;
}

Result<SecretBytes> kwp_unwrap(const SecretBytes& key, ByteView wrapped) {
  if (key.size() != 32 || wrapped.size() < 16 || wrapped.size() % 8 != 0 ||
      wrapped.size() > kKwpTextMax) {
    return Error(Code::kCorrupt, "key_wrap",
                 "the wrapped key or its wrapping key has a wrong size");
  }
  const CipherContext context(EVP_CIPHER_CTX_new());
  EVP_CIPHER_CTX* raw = context.get();
  SecretBytes out = SecretBytes::zeros(wrapped.size() + 8);
  int n = 0;
  int last = 0;
  EVP_CIPHER_CTX_set_flags(raw, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
  if (EVP_DecryptInit_ex2(raw, EVP_aes_256_wrap_pad(), key.view().data(), nullptr, nullptr) != 1 ||
      EVP_DecryptUpdate(raw, out.mutable_view().data(), &n, wrapped.data(),
                        static_cast<int>(wrapped.size())) != 1 ||
      EVP_DecryptFinal_ex(raw, out.mutable_view().data() + n, &last) != 1) {
    ERR_clear_error();
    return Error(Code::kCorrupt, "key_wrap", "the wrapped key fails its check");
  }
  return SecretBytes::copy_of(
      out.view().first(static_cast<std::size_t>(n) + static_cast<std::size_t>(last)));
}

}  // namespace apm::crypto
