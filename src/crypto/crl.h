#pragma once

// X.509 certificate revocation lists (RFC 5280, section 5): reading one, and asking it. Whose list
// it is and whether it is fresh are the caller's questions: `signed_by` checks the signature alone.
//
// A list is read strictly: one DER value and nothing behind it, version 2, both dates, every serial
// number once. Refused, because their meaning changes what "not on the list" says: delta lists,
// indirect lists and lists for some certificates only (RFC 5280, 5.2.4, 5.2.5), and any other
// critical extension. Times are unix seconds. A value; any thread may use a const one.
// Errors: kInvalidArgument "crl_malformed", "crl_too_large" or "crl_unsupported".

#include <memory>
#include <set>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/keys.h"
#include "crypto/x509.h"

struct X509_crl_st;

namespace apm::crypto {

struct CrlDeleter {
  void operator()(X509_crl_st* crl) const;
};

class Crl {
 public:
  [[nodiscard]] static Result<Crl> from_der(ByteView der);
  // Exactly one "X509 CRL" block, and no text around it but white space.
  [[nodiscard]] static Result<Crl> from_pem(std::string_view pem);
  [[nodiscard]] static Result<Crl> from_der_or_pem(ByteView raw);

  [[nodiscard]] std::string issuer_common_name() const;  // "" when absent
  // Whether the issuer of this list is, by its whole name, the subject of `authority`.
  [[nodiscard]] bool issued_by(const Certificate& authority) const;
  [[nodiscard]] bool signed_by(const PublicKey& issuer) const;  // signature only
  [[nodiscard]] std::int64_t this_update_s() const { return this_update_s_; }
  [[nodiscard]] std::int64_t next_update_s() const { return next_update_s_; }
  [[nodiscard]] std::size_t size() const { return serials_.size(); }
  // By serial number: big-endian, leading zeros do not count. A certificate of another issuer than
  // this list's is a question that it cannot answer: compare names first.
  [[nodiscard]] bool revoked(ByteView serial) const;
  [[nodiscard]] bool revoked(const Certificate& certificate) const;

 private:
  using Handle = std::unique_ptr<X509_crl_st, CrlDeleter>;
  explicit Crl(Handle crl) : crl_(std::move(crl)) {}
  [[nodiscard]] Status read_dates();
  [[nodiscard]] Status read_entries();

  Handle crl_;
  std::int64_t this_update_s_ = 0;
  std::int64_t next_update_s_ = 0;
  std::set<Bytes> serials_;
};

}  // namespace apm::crypto
