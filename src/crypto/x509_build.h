#pragma once

// Making certificates, revocation lists and PFX files: for the simulator, for tests and for nothing
// that serves.

#include <string>
#include <utility>
#include <vector>

#include "crypto/x509.h"

namespace apm::crypto {

struct CertificateSpec {
  std::string common_name;
  std::string organization;            // may be empty
  std::vector<std::string> dns_names;  // subjectAltName; IP addresses as "IP:127.0.0.1"
  std::int64_t not_before_s = 0;
  std::int64_t not_after_s = 0;
  bool is_ca = false;
  int path_length = -1;             // -1: none
  std::string key_usage = "";       // in OpenSSL's words; "none": no extension; empty: by is_ca
  bool server_auth = false;         // extendedKeyUsage
  bool pss_sha384 = false;          // sign with RSASSA-PSS/SHA-384, as AMD does; else SHA-256
  bool add_key_identifiers = true;  // subject and authority key identifier
  // Raw extensions: dotted OID and the content of the OCTET STRING.
  std::vector<std::pair<std::string, Bytes>> extensions;
};

// `issuer` nullptr: self-signed with `issuer_key`, which then belongs to `subject_key`.
[[nodiscard]] Result<Certificate> build_certificate(const CertificateSpec& spec,
                                                    const PublicKey& subject_key,
                                                    const Certificate* issuer,
                                                    const PrivateKey& issuer_key);

struct CrlSpec {
  std::int64_t this_update_s = 0;
  std::int64_t next_update_s = 0;
  std::vector<Bytes> serials;           // big-endian
  std::string critical_extension = "";  // dotted OID of one more extension; empty: none
};
// DER.
[[nodiscard]] Result<Bytes> build_crl(const CrlSpec& spec, const Certificate& issuer,
                                      const PrivateKey& issuer_key);

[[nodiscard]] Result<Bytes> build_pkcs12(const PrivateKey& key, const Certificate& leaf,
                                         const std::vector<const Certificate*>& chain,
                                         const SecretBytes& password);

}  // namespace apm::crypto
