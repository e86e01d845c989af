#pragma once

// X.509 certificates (RFC 5280): reading, path validation from pinned anchors, and PKCS#12 (RFC
// 7292) opening. Building certificates belongs to the simulator and to tests: crypto/x509_build.h.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/keys.h"

struct x509_st;

namespace apm::crypto {

struct X509Deleter {
  void operator()(x509_st* certificate) const;
};

class Certificate {
 public:
  [[nodiscard]] static Result<Certificate> from_der(ByteView der);  // refuses trailing bytes
  [[nodiscard]] static Result<Certificate> from_pem(std::string_view pem);  // the first one
  // Every CERTIFICATE block in order; empty text gives an empty list; a broken block is an error.
  [[nodiscard]] static Result<std::vector<Certificate>> list_from_pem(std::string_view pem);
  explicit Certificate(std::unique_ptr<x509_st, X509Deleter> c) : certificate_(std::move(c)) {}

  Certificate(Certificate&&) noexcept = default;
  Certificate& operator=(Certificate&&) noexcept = default;
  [[nodiscard]] Certificate clone() const;  // shares the parsed certificate

  [[nodiscard]] Bytes der() const;
  [[nodiscard]] std::string pem() const;
  [[nodiscard]] Result<PublicKey> public_key() const;
  [[nodiscard]] std::string subject_common_name() const;  // "" when absent
  [[nodiscard]] std::string issuer_common_name() const;
  [[nodiscard]] Bytes serial() const;  // big-endian, no leading zeros
  // basicConstraints; false when absent.
  [[nodiscard]] bool is_authority() const;
  // keyUsage: present, and with digitalSignature.
  [[nodiscard]] bool may_sign_data() const;
  [[nodiscard]] std::int64_t not_before_s() const;
  [[nodiscard]] std::int64_t not_after_s() const;
  [[nodiscard]] std::vector<std::string> dns_names() const;  // subjectAltName
  [[nodiscard]] bool matches_host(const std::string& host) const;
  // Raw value (content of the OCTET STRING) of the extension with this dotted OID.
  [[nodiscard]] std::optional<Bytes> extension(const std::string& oid) const;
  [[nodiscard]] bool signed_by(const PublicKey& issuer) const;  // signature only
  [[nodiscard]] x509_st* native() const { return certificate_.get(); }

 private:
  std::unique_ptr<x509_st, X509Deleter> certificate_;
};

struct PathInput {
  const Certificate* leaf = nullptr;
  std::vector<const Certificate*> intermediates;  // untrusted
  std::vector<const Certificate*> anchors;        // pinned
  std::int64_t at_unix_s = 0;
  int depth_max = 8;
};
// kRefused with reason "chain_untrusted", "chain_expired", "chain_not_yet_valid" or
// "chain_invalid".
[[nodiscard]] Status verify_path(const PathInput& input);

// The system's certificate store plus `extra_pem`, for chains that the public web issues.
[[nodiscard]] Status verify_path_system(const Certificate& leaf,
                                        const std::vector<const Certificate*>& intermediates,
                                        std::string_view extra_pem, bool use_system,
                                        std::int64_t at_unix_s);

struct Pkcs12 {
  PrivateKey key;
  Certificate leaf;
  std::vector<Certificate> chain;  // ordered from the leaf's issuer upwards, no self-signed root
};
// kRefused "pfx_password" for a wrong password; kInvalidArgument "pfx_malformed",
// "pfx_no_key", "pfx_no_certificate", "pfx_key_mismatch".
[[nodiscard]] Result<Pkcs12> open_pkcs12(ByteView der, const SecretBytes& password);

}  // namespace apm::crypto
