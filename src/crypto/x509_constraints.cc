#include "crypto/x509_constraints.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "crypto/native.h"

namespace apm::crypto {
namespace {

using Basic = std::unique_ptr<BASIC_CONSTRAINTS, FreeWith<BASIC_CONSTRAINTS_free>>;
using Usage = std::unique_ptr<ASN1_BIT_STRING, FreeWith<ASN1_BIT_STRING_free>>;

constexpr int kDigitalSignatureBit = 0;
constexpr int kKeyCertSignBit = 5;

// nullptr when the extension is absent, occurs twice or does not parse.
void* extension_value(const Certificate& certificate, int nid) {
  void* value = X509_get_ext_d2i(certificate.native(), nid, nullptr, nullptr);
  ERR_clear_error();
  return value;
}

}  // namespace

Constraints constraints_of(const Certificate& certificate) {
  Constraints out;
  const Basic basic(
      static_cast<BASIC_CONSTRAINTS*>(extension_value(certificate, NID_basic_constraints)));
  if (basic != nullptr) {
    out.authority = basic->ca != 0;
    if (basic->pathlen != nullptr) out.path_length = ASN1_INTEGER_get(basic->pathlen);
  }
  const Usage usage(static_cast<ASN1_BIT_STRING*>(extension_value(certificate, NID_key_usage)));
  if (usage != nullptr) {
    out.may_sign_data = ASN1_BIT_STRING_get_bit(usage.get(), kDigitalSignatureBit) == 1;
    out.may_sign_certificates = ASN1_BIT_STRING_get_bit(usage.get(), kKeyCertSignBit) == 1;
  }
  return out;
}

bool names_as_issuer(const Certificate& certificate, const Certificate& issuer) {
  return X509_NAME_cmp(X509_get_issuer_name(certificate.native()),
                       X509_get_subject_name(issuer.native())) == 0;
}

}  // namespace apm::crypto
