#pragma once

// OpenSSL handles with their deleters. Only sources of crypto/ (and http/, for TLS) include this.

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

#include "base/error.h"
#include "crypto/digest.h"

namespace apm::crypto {

template <auto Free>
struct FreeWith {
  template <class T>
  void operator()(T* handle) const {
    Free(handle);
  }
};

using MdContext = std::unique_ptr<EVP_MD_CTX, FreeWith<EVP_MD_CTX_free>>;
using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, FreeWith<EVP_CIPHER_CTX_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, FreeWith<EVP_PKEY_CTX_free>>;
using Bio = std::unique_ptr<BIO, FreeWith<BIO_free_all>>;

// What was written to a memory BIO.
[[nodiscard]] std::string text_of(BIO* bio);

// The commonName of a subject or issuer; "" when absent.
[[nodiscard]] std::string native_common_name(const X509_NAME* name);

[[nodiscard]] const EVP_MD* native_digest(Hash hash);

// kCrypto with what failed; OpenSSL's queue is emptied, and its newest entry is told.
[[nodiscard]] Error openssl_error(const std::string& what);

}  // namespace apm::crypto
