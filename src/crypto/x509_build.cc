#include "crypto/x509_build.h"

#include <openssl/pkcs12.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "base/text.h"
#include "crypto/native.h"
#include "crypto/random.h"

namespace apm::crypto {
namespace {

using Handle = std::unique_ptr<X509, X509Deleter>;
using Extension = std::unique_ptr<X509_EXTENSION, FreeWith<X509_EXTENSION_free>>;

Status set_names(X509* certificate, const CertificateSpec& spec, const Certificate* issuer) {
  X509_NAME* name = X509_get_subject_name(certificate);
  const auto add = [name](const char* field, const std::string& text) {
    return text.empty() ||
           X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8, as_bytes(text).data(),
                                      static_cast<int>(text.size()), -1, 0) == 1;
  };
  const X509_NAME* from = issuer == nullptr ? name : X509_get_subject_name(issuer->native());
  if (!add("O", spec.organization) || !add("CN", spec.common_name) ||
      X509_set_issuer_name(certificate, from) != 1) {
    return openssl_error("naming a certificate");
  }
  return {};
}

Status set_validity(X509* certificate, const CertificateSpec& spec) {
  const std::unique_ptr<ASN1_INTEGER, FreeWith<ASN1_INTEGER_free>> serial(ASN1_INTEGER_new());
  Bytes random = random_bytes(8);
  random[0] = static_cast<std::uint8_t>((random[0] & 0x7f) | 0x40);
  std::uint64_t number = 0;
  for (const std::uint8_t byte : random) number = number << 8 | byte;
  if (ASN1_INTEGER_set_uint64(serial.get(), number) != 1 ||
      X509_set_serialNumber(certificate, serial.get()) != 1 ||
      X509_set_version(certificate, 2) != 1 ||
      ASN1_TIME_set(X509_getm_notBefore(certificate), spec.not_before_s) == nullptr ||
      ASN1_TIME_set(X509_getm_notAfter(certificate), spec.not_after_s) == nullptr) {
    return openssl_error("dating a certificate");
  }
  return {};
}

Status add_text_extension(X509* certificate, X509* issuer, int nid, const std::string& text) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509V3_set_ctx_nodb(&context);
  const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, nid, text.c_str()));
  if (extension == nullptr || X509_add_ext(certificate, extension.get(), -1) != 1) {
    return openssl_error("extending a certificate");
  }
  return {};
}

Status add_raw_extension(X509* certificate, const std::string& oid, const Bytes& content) {
  const std::unique_ptr<ASN1_OBJECT, FreeWith<ASN1_OBJECT_free>> object(
      OBJ_txt2obj(oid.c_str(), 1));
  const std::unique_ptr<ASN1_OCTET_STRING, FreeWith<ASN1_OCTET_STRING_free>> data(
      ASN1_OCTET_STRING_new());
  if (object == nullptr ||
      ASN1_OCTET_STRING_set(data.get(), content.data(), static_cast<int>(content.size())) != 1) {
    return openssl_error("extending a certificate");
  }
  const Extension extension(X509_EXTENSION_create_by_OBJ(nullptr, object.get(), 0, data.get()));
  if (extension == nullptr || X509_add_ext(certificate, extension.get(), -1) != 1) {
    return openssl_error("extending a certificate");
  }
  return {};
}

std::string alternative_names(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) {
    out += (out.empty() ? "" : ",") + (name.starts_with("IP:") ? name : "DNS:" + name);
  }
  return out;
}

Status add_extensions(X509* certificate, const CertificateSpec& spec, const Certificate* issuer) {
  X509* above = issuer == nullptr ? certificate : issuer->native();
  std::string basic = spec.is_ca ? "critical,CA:TRUE" : "critical,CA:FALSE";
  if (spec.is_ca && spec.path_length >= 0) basic += concat(",pathlen:", spec.path_length);
  APM_CHECK_OK(add_text_extension(certificate, above, NID_basic_constraints, basic));
  if (spec.key_usage != "none") {
    const std::string usual =
        spec.is_ca ? "keyCertSign,cRLSign" : "digitalSignature,keyEncipherment";
    APM_CHECK_OK(
        add_text_extension(certificate, above, NID_key_usage,
                           "critical," + (spec.key_usage.empty() ? usual : spec.key_usage)));
  }
  if (spec.server_auth) {
    APM_CHECK_OK(add_text_extension(certificate, above, NID_ext_key_usage, "serverAuth"));
  }
  if (!spec.dns_names.empty()) {
    APM_CHECK_OK(add_text_extension(certificate, above, NID_subject_alt_name,
                                    alternative_names(spec.dns_names)));
  }
  if (spec.add_key_identifiers) {
    APM_CHECK_OK(add_text_extension(certificate, above, NID_subject_key_identifier, "hash"));
    APM_CHECK_OK(add_text_extension(certificate, above, NID_authority_key_identifier, "keyid"));
  }
  for (const auto& [oid, content] : spec.extensions) {
    APM_CHECK_OK(add_raw_extension(certificate, oid, content));
  }
  return {};
}

Status sign(X509* certificate, const CertificateSpec& spec, const PrivateKey& key) {
  const MdContext context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* inner = nullptr;
  const EVP_MD* digest = native_digest(spec.pss_sha384 ? Hash::kSha384 : Hash::kSha256);
  if (EVP_DigestSignInit(context.get(), &inner, digest, nullptr, key.native()) != 1) {
    return openssl_error("signing a certificate");
  }
  if (spec.pss_sha384 && (EVP_PKEY_CTX_set_rsa_padding(inner, RSA_PKCS1_PSS_PADDING) != 1 ||
                          EVP_PKEY_CTX_set_rsa_pss_saltlen(inner, RSA_PSS_SALTLEN_DIGEST) != 1)) {
    return openssl_error("signing a certificate");
  }
  if (X509_sign_ctx(certificate, context.get()) <= 0) return openssl_error("signing a certificate");
  return {};
}

}  // namespace

Result<Certificate> build_certificate(const CertificateSpec& spec, const PublicKey& subject_key,
                                      const Certificate* issuer, const PrivateKey& issuer_key) {
  Handle handle(X509_new());
  X509* raw = handle.get();
  if (raw == nullptr || X509_set_pubkey(raw, subject_key.native()) != 1) {
    return openssl_error("making a certificate");
  }
  APM_CHECK_OK(set_names(raw, spec, issuer));
  APM_CHECK_OK(set_validity(raw, spec));
  APM_CHECK_OK(add_extensions(raw, spec, issuer));
  APM_CHECK_OK(sign(raw, spec, issuer_key));
  const Certificate made(std::move(handle));
  return Certificate::from_der(made.der());  // so that every cached field is of the signed form
}

Result<Bytes> build_pkcs12(const PrivateKey& key, const Certificate& leaf,
                           const std::vector<const Certificate*>& chain,
                           const SecretBytes& password) {
  STACK_OF(X509)* others = sk_X509_new_null();
  for (const Certificate* one : chain) sk_X509_push(others, one->native());
  const std::string word(password.text());
  const std::unique_ptr<PKCS12, FreeWith<PKCS12_free>> made(
      PKCS12_create(word.c_str(), "apm", key.native(), leaf.native(), others, NID_aes_256_cbc,
                    NID_aes_256_cbc, 0, 0, 0));
  sk_X509_free(others);
  unsigned char* raw = nullptr;
  const int size = made == nullptr ? -1 : i2d_PKCS12(made.get(), &raw);
  if (size <= 0) return openssl_error("making a PFX");
  Bytes out(raw, raw + size);
  OPENSSL_free(raw);
  return out;
}

}  // namespace apm::crypto
