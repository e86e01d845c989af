#include <openssl/x509v3.h>

#include "crypto/crl.h"
#include "crypto/native.h"
#include "crypto/x509_build.h"

namespace apm::crypto {
namespace {

using Handle = std::unique_ptr<X509_CRL, CrlDeleter>;
using Time = std::unique_ptr<ASN1_TIME, FreeWith<ASN1_TIME_free>>;
using Integer = std::unique_ptr<ASN1_INTEGER, FreeWith<ASN1_INTEGER_free>>;
using Entry = std::unique_ptr<X509_REVOKED, FreeWith<X509_REVOKED_free>>;
using BigNumber = std::unique_ptr<BIGNUM, FreeWith<BN_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, FreeWith<X509_EXTENSION_free>>;

Status add_entry(X509_CRL* crl, const Bytes& serial, const ASN1_TIME* when) {
  const BigNumber number(BN_bin2bn(serial.data(), static_cast<int>(serial.size()), nullptr));
  const Integer as_integer(BN_to_ASN1_INTEGER(number.get(), nullptr));
  Entry entry(X509_REVOKED_new());
  ASN1_TIME* date = const_cast<ASN1_TIME*>(when);  // copied
  if (X509_REVOKED_set_serialNumber(entry.get(), as_integer.get()) != 1 ||
      X509_REVOKED_set_revocationDate(entry.get(), date) != 1 ||
      X509_CRL_add0_revoked(crl, entry.get()) != 1) {
    return openssl_error("adding to a revocation list");
  }
  static_cast<void>(entry.release());  // owned by the list now
  return {};
}

Status add_critical(X509_CRL* crl, const std::string& oid) {
  const std::unique_ptr<ASN1_OBJECT, FreeWith<ASN1_OBJECT_free>> object(
      OBJ_txt2obj(oid.c_str(), 1));
  const std::unique_ptr<ASN1_OCTET_STRING, FreeWith<ASN1_OCTET_STRING_free>> data(
      ASN1_OCTET_STRING_new());
  const Bytes null{0x05, 0x00};
  ASN1_OCTET_STRING_set(data.get(), null.data(), static_cast<int>(null.size()));
  const Extension extension(X509_EXTENSION_create_by_OBJ(nullptr, object.get(), 1, data.get()));
  if (extension == nullptr || X509_CRL_add_ext(crl, extension.get(), -1) != 1) {
    return openssl_error("extending a revocation list");
  }
  return {};
}

}  // namespace

Result<Bytes> build_crl(const CrlSpec& spec, const Certificate& issuer,
                        const PrivateKey& issuer_key) {
  const Handle crl(X509_CRL_new());
  const Time from(ASN1_TIME_set(nullptr, spec.this_update_s));
  const Time until(ASN1_TIME_set(nullptr, spec.next_update_s));
  if (X509_CRL_set_version(crl.get(), 1) != 1 ||
      X509_CRL_set_issuer_name(crl.get(), X509_get_subject_name(issuer.native())) != 1 ||
      X509_CRL_set1_lastUpdate(crl.get(), from.get()) != 1 ||
      X509_CRL_set1_nextUpdate(crl.get(), until.get()) != 1) {
    return openssl_error("making a revocation list");
  }
  for (const Bytes& serial : spec.serials) {
    APM_CHECK_OK(add_entry(crl.get(), serial, from.get()));
  }
  if (!spec.critical_extension.empty()) {
    APM_CHECK_OK(add_critical(crl.get(), spec.critical_extension));
  }
  if (X509_CRL_sign(crl.get(), issuer_key.native(), native_digest(Hash::kSha256)) <= 0) {
    return openssl_error("signing a revocation list");
  }
  unsigned char* raw = nullptr;
  const int size = i2d_X509_CRL(crl.get(), &raw);
  if (size <= 0) return openssl_error("encoding a revocation list");
  Bytes out(raw, raw + size);
  OPENSSL_free(raw);
  return out;
}

}  // namespace apm::crypto
