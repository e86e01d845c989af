#include "crypto/crl.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <ctime>

#include "base/encoding.h"
#include "base/text.h"
#include "crypto/limits.h"
#include "crypto/native.h"

namespace apm::crypto {
namespace {

constexpr std::string_view kPemBegin = "-----BEGIN X509 CRL-----";
constexpr std::string_view kPemEnd = "-----END X509 CRL-----";
constexpr long kVersion2 = 1;  // as encoded

Error malformed(std::string_view what) {
  ERR_clear_error();
  return Error(Code::kInvalidArgument, "crl_malformed", concat("the revocation list: ", what));
}

Bytes without_leading_zeros(ByteView number) {
  const auto first =
      std::find_if(number.begin(), number.end(), [](std::uint8_t b) { return b != 0; });
  return {first, number.end()};
}

Bytes serial_bytes(const ASN1_INTEGER* serial) {
  const ByteView raw(ASN1_STRING_get0_data(serial),
                     static_cast<std::size_t>(ASN1_STRING_length(serial)));
  return without_leading_zeros(raw);
}

Result<std::int64_t> unix_time(const ASN1_TIME* time) {
  std::tm parts{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) return malformed("a date");
  return std::int64_t{timegm(&parts)};
}

Status check_extensions(const X509_CRL* crl) {
  for (int i = 0; i < X509_CRL_get_ext_count(crl); ++i) {
    X509_EXTENSION* extension = X509_CRL_get_ext(crl, i);
    const int nid = OBJ_obj2nid(X509_EXTENSION_get_object(extension));
    if (nid == NID_delta_crl || nid == NID_issuing_distribution_point ||
        X509_EXTENSION_get_critical(extension) != 0) {
      return Error(Code::kInvalidArgument, "crl_unsupported",
                   "the revocation list is a partial one (delta, indirect, limited in scope) or "
                   "has an unknown critical extension; give the issuer's full list");
    }
  }
  return {};
}

}  // namespace

void CrlDeleter::operator()(X509_crl_st* crl) const { X509_CRL_free(crl); }

Result<Crl> Crl::from_der(ByteView der) {
  if (der.size() > kCrlBytesMax) {
    return Error(Code::kInvalidArgument, "crl_too_large",
                 concat("the revocation list has ", der.size(), " bytes; at most ", kCrlBytesMax,
                        " are read"));
  }
  const unsigned char* at = der.data();
  Crl list(Handle(d2i_X509_CRL(nullptr, &at, static_cast<long>(der.size()))));
  if (list.crl_ == nullptr || at != der.data() + der.size()) return malformed("not one DER value");
  if (X509_CRL_get_version(list.crl_.get()) != kVersion2) return malformed("it is not version 2");
  APM_CHECK_OK(check_extensions(list.crl_.get()));
  APM_CHECK_OK(list.read_dates());
  APM_CHECK_OK(list.read_entries());
  return list;
}

Result<Crl> Crl::from_pem(std::string_view pem) {
  std::string_view text = trim(pem);
  if (!text.starts_with(kPemBegin) || !text.ends_with(kPemEnd) ||
      text.size() < kPemBegin.size() + kPemEnd.size()) {
    return malformed("not one PEM block of type X509 CRL");
  }
  text.remove_prefix(kPemBegin.size());
  text.remove_suffix(kPemEnd.size());
  if (text.size() > 2 * kCrlBytesMax) return malformed("it is too large");
  std::string base64;
  for (const char c : text) {
    if (c != '\n' && c != '\r') base64.push_back(c);
  }
  const auto der = base64_decode(base64);
  if (!der.ok()) return malformed("its PEM block is not base64");
  return from_der(*der);
}

Result<Crl> Crl::from_der_or_pem(ByteView raw) {
  return trim(as_text(raw)).starts_with(kPemBegin) ? from_pem(as_text(raw)) : from_der(raw);
}

Status Crl::read_dates() {
  APM_TRY(this_update_s_, unix_time(X509_CRL_get0_lastUpdate(crl_.get())));
  APM_TRY(next_update_s_, unix_time(X509_CRL_get0_nextUpdate(crl_.get())));
  if (next_update_s_ < this_update_s_) return malformed("its next update is before this one");
  return {};
}

Status Crl::read_entries() {
  STACK_OF(X509_REVOKED)* entries = X509_CRL_get_REVOKED(crl_.get());
  for (int i = 0; i < (entries == nullptr ? 0 : sk_X509_REVOKED_num(entries)); ++i) {
    const X509_REVOKED* entry = sk_X509_REVOKED_value(entries, i);
    // An entry for another issuer's certificate (5.3.3) is critical, as is whatever we don't know.
    for (int j = 0; j < X509_REVOKED_get_ext_count(entry); ++j) {
      if (X509_EXTENSION_get_critical(X509_REVOKED_get_ext(entry, j)) != 0) {
        return Error(Code::kInvalidArgument, "crl_unsupported",
                     "an entry of the revocation list has a critical extension");
      }
    }
    if (!serials_.insert(serial_bytes(X509_REVOKED_get0_serialNumber(entry))).second) {
      return malformed("a serial number occurs twice");
    }
  }
  return {};
}

std::string Crl::issuer_common_name() const {
  return native_common_name(X509_CRL_get_issuer(crl_.get()));
}

bool Crl::issued_by(const Certificate& authority) const {
  return X509_NAME_cmp(X509_CRL_get_issuer(crl_.get()),
                       X509_get_subject_name(authority.native())) == 0;
}

bool Crl::signed_by(const PublicKey& issuer) const {
  const bool good = X509_CRL_verify(crl_.get(), issuer.native()) == 1;
  ERR_clear_error();
  return good;
}

bool Crl::revoked(ByteView serial) const {
  return serials_.contains(without_leading_zeros(serial));
}

bool Crl::revoked(const Certificate& certificate) const { return revoked(certificate.serial()); }

}  // namespace apm::crypto
