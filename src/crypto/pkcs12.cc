#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pkcs12.h>
#include <openssl/x509v3.h>

#include <algorithm>

#include "crypto/native.h"
#include "crypto/x509.h"

namespace apm::crypto {
namespace {

using Handle = std::unique_ptr<PKCS12, FreeWith<PKCS12_free>>;

void free_certificates(STACK_OF(X509) * stack) { sk_X509_pop_free(stack, X509_free); }
using Stack = std::unique_ptr<STACK_OF(X509), FreeWith<free_certificates>>;

Error malformed(const char* reason, const char* what) {
  ERR_clear_error();
  return Error(Code::kInvalidArgument, reason, what);
}

// The chain from the leaf's issuer upwards, without self-signed roots and without strays.
std::vector<Certificate> ordered(const Certificate& leaf, const Stack& others) {
  std::vector<Certificate> chain;
  X509* below = leaf.native();
  const int count = others == nullptr ? 0 : sk_X509_num(others.get());
  for (int step = 0; step < count; ++step) {
    X509* issuer = nullptr;
    for (int i = 0; i < count && issuer == nullptr; ++i) {
      X509* one = sk_X509_value(others.get(), i);
      if (X509_check_issued(one, below) == X509_V_OK) issuer = one;
    }
    if (issuer == nullptr || X509_check_issued(issuer, issuer) == X509_V_OK) break;
    X509_up_ref(issuer);
    chain.emplace_back(std::unique_ptr<x509_st, X509Deleter>(issuer));
    below = issuer;
  }
  return chain;
}

}  // namespace

Result<Pkcs12> open_pkcs12(ByteView der, const SecretBytes& password) {
  const unsigned char* at = der.data();
  const Handle handle(d2i_PKCS12(nullptr, &at, static_cast<long>(der.size())));
  if (handle == nullptr || at != der.data() + der.size()) {
    return malformed("pfx_malformed", "this is not a PFX (PKCS#12) file");
  }
  SecretBytes text = SecretBytes::zeros(password.size() + 1);  // OpenSSL wants a final NUL
  std::copy(password.view().begin(), password.view().end(), text.mutable_view().begin());
  const char* word = reinterpret_cast<const char*>(text.view().data());
  if (PKCS12_verify_mac(handle.get(), word, static_cast<int>(password.size())) != 1) {
    ERR_clear_error();
    return Error(Code::kRefused, "pfx_password", "the PFX does not open with this password");
  }
  EVP_PKEY* raw_key = nullptr;
  X509* raw_leaf = nullptr;
  STACK_OF(X509)* raw_others = nullptr;
  if (PKCS12_parse(handle.get(), word, &raw_key, &raw_leaf, &raw_others) != 1) {
    return malformed("pfx_malformed",
                     "the PFX uses an algorithm that is not supported; export it again with AES "
                     "(openssl pkcs12 -export -keypbe AES-256-CBC -certpbe AES-256-CBC)");
  }
  EvpPkey key(raw_key);
  std::unique_ptr<x509_st, X509Deleter> leaf(raw_leaf);
  const Stack others(raw_others);
  if (key == nullptr) return malformed("pfx_no_key", "the PFX holds no private key");
  if (leaf == nullptr)
    return malformed("pfx_no_certificate", "the PFX holds no certificate for its key");
  if (X509_check_private_key(leaf.get(), key.get()) != 1) {
    return malformed("pfx_key_mismatch",
                     "the PFX's private key does not belong to its certificate");
  }
  Certificate certificate(std::move(leaf));
  std::vector<Certificate> chain = ordered(certificate, others);
  return Pkcs12{PrivateKey(std::move(key)), std::move(certificate), std::move(chain)};
}

}  // namespace apm::crypto
