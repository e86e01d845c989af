#include "crypto/x509.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <ctime>

#include "base/text.h"
#include "crypto/native.h"

namespace apm::crypto {
namespace {

using Handle = std::unique_ptr<X509, X509Deleter>;

Error bad_certificate(const char* what) {
  ERR_clear_error();
  return Error(Code::kInvalidArgument, "certificate_malformed", what);
}

int no_password(char*, int, int, void*) { return -1; }

std::int64_t unix_time(const ASN1_TIME* time) {
  std::tm parts{};
  return ASN1_TIME_to_tm(time, &parts) == 1 ? timegm(&parts) : 0;
}

}  // namespace

std::string native_common_name(const X509_NAME* name) {
  const int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
  if (at < 0) return "";
  unsigned char* raw = nullptr;
  const int size =
      ASN1_STRING_to_UTF8(&raw, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
  if (size < 0) return "";
  std::string out(reinterpret_cast<const char*>(raw), static_cast<std::size_t>(size));
  OPENSSL_free(raw);
  return out;
}

void X509Deleter::operator()(x509_st* certificate) const { X509_free(certificate); }

Result<Certificate> Certificate::from_der(ByteView der) {
  const unsigned char* at = der.data();
  Handle handle(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  if (handle == nullptr || at != der.data() + der.size())
    return bad_certificate("not one DER certificate");
  return Certificate(std::move(handle));
}

Result<Certificate> Certificate::from_pem(std::string_view pem) {
  APM_TRY(std::vector<Certificate> all, list_from_pem(pem));
  if (all.empty()) return bad_certificate("there is no PEM certificate");
  return std::move(all.front());
}

Result<std::vector<Certificate>> Certificate::list_from_pem(std::string_view pem) {
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  std::vector<Certificate> out;
  while (X509* raw = PEM_read_bio_X509(bio.get(), nullptr, no_password, nullptr)) {
    out.emplace_back(Handle(raw));
  }
  const unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  if (code != 0 && ERR_GET_REASON(code) != PEM_R_NO_START_LINE) {
    return bad_certificate("a PEM certificate is broken");
  }
  return out;
}

Certificate Certificate::clone() const {
  X509_up_ref(certificate_.get());
  return Certificate(Handle(certificate_.get()));
}

Bytes Certificate::der() const {
  unsigned char* raw = nullptr;
  const int size = i2d_X509(certificate_.get(), &raw);
  if (size <= 0) return {};
  Bytes out(raw, raw + size);
  OPENSSL_free(raw);
  return out;
}

std::string Certificate::pem() const {
  const Bio bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(bio.get(), certificate_.get());
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

Result<PublicKey> Certificate::public_key() const {
  EvpPkey key(X509_get_pubkey(certificate_.get()));
  if (key == nullptr) return bad_certificate("its public key is of a kind that we do not know");
  return PublicKey(std::move(key));
}

std::string Certificate::subject_common_name() const {
  return native_common_name(X509_get_subject_name(certificate_.get()));
}
std::string Certificate::issuer_common_name() const {
  return native_common_name(X509_get_issuer_name(certificate_.get()));
}
Bytes Certificate::serial() const {
  const ASN1_INTEGER* number = X509_get0_serialNumber(certificate_.get());
  ByteView raw(ASN1_STRING_get0_data(number), static_cast<std::size_t>(ASN1_STRING_length(number)));
  while (!raw.empty() && raw.front() == 0) raw = raw.subspan(1);
  return to_bytes(raw);
}
bool Certificate::is_authority() const {
  return X509_check_ca(certificate_.get()) ==
         1;  // 1: by basicConstraints, with keyCertSign allowed
}
bool Certificate::may_sign_data() const {
  const std::uint32_t usage = X509_get_key_usage(certificate_.get());
  return usage != UINT32_MAX && (usage & KU_DIGITAL_SIGNATURE) != 0;
}
std::int64_t Certificate::not_before_s() const {
  return unix_time(X509_get0_notBefore(certificate_.get()));
}
std::int64_t Certificate::not_after_s() const {
  return unix_time(X509_get0_notAfter(certificate_.get()));
}

std::vector<std::string> Certificate::dns_names() const {
  std::vector<std::string> out;
  const std::unique_ptr<GENERAL_NAMES, FreeWith<GENERAL_NAMES_free>> names(
      static_cast<GENERAL_NAMES*>(
          X509_get_ext_d2i(certificate_.get(), NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; i < (names == nullptr ? 0 : sk_GENERAL_NAME_num(names.get())); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_DNS) continue;
    out.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName)),
                     static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName)));
  }
  return out;
}

bool Certificate::matches_host(const std::string& host) const {
  return X509_check_host(certificate_.get(), host.c_str(), host.size(),
                         X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, nullptr) == 1;
}

std::optional<Bytes> Certificate::extension(const std::string& oid) const {
  const std::unique_ptr<ASN1_OBJECT, FreeWith<ASN1_OBJECT_free>> wanted(
      OBJ_txt2obj(oid.c_str(), 1));
  if (wanted == nullptr) return std::nullopt;
  const int at = X509_get_ext_by_OBJ(certificate_.get(), wanted.get(), -1);
  if (at < 0 || X509_get_ext_by_OBJ(certificate_.get(), wanted.get(), at) >= 0) return std::nullopt;
  const ASN1_OCTET_STRING* data = X509_EXTENSION_get_data(X509_get_ext(certificate_.get(), at));
  const unsigned char* raw = ASN1_STRING_get0_data(data);
  return Bytes(raw, raw + ASN1_STRING_length(data));
}

bool Certificate::signed_by(const PublicKey& issuer) const {
  const bool good = X509_verify(certificate_.get(), issuer.native()) == 1;
  ERR_clear_error();
  return good;
}

}  // namespace apm::crypto
