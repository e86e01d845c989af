#include "sim/identity.h"

#include <ctime>

#include "base/file.h"
#include "sim/files.h"
#include "sim/limits.h"

namespace apm::sim {

Result<crypto::PrivateKey> load_or_make_key(const std::string& path, const KeyShape& shape) {
  if (file_exists(path)) {
    APM_TRY(const Bytes der, read_file(path, kFileBytesMax));
    return crypto::PrivateKey::from_pkcs8_der(der);
  }
  APM_TRY(crypto::PrivateKey key, shape.curve ? crypto::PrivateKey::generate_ec(*shape.curve)
                                              : crypto::PrivateKey::generate_rsa(shape.rsa_bits));
  APM_TRY(const crypto::SecretBytes der, key.pkcs8_der());
  APM_CHECK_OK(write_private_file(path, der.view()));
  return key;
}

Result<Identity> load_or_make(const std::string& dir, const Recipe& recipe) {
  const std::string pem_path = dir + "/" + recipe.file + ".pem";
  APM_TRY(crypto::PrivateKey key, load_or_make_key(dir + "/" + recipe.file + ".key", recipe.key));
  if (file_exists(pem_path)) {
    APM_TRY(const Bytes pem, read_file(pem_path, kFileBytesMax));
    APM_TRY(crypto::Certificate certificate, crypto::Certificate::from_pem(as_text(pem)));
    return Identity{std::move(key), std::move(certificate)};
  }
  APM_TRY(const crypto::PublicKey public_key, key.public_key());
  const bool own = recipe.issuer == nullptr;
  APM_TRY(crypto::Certificate certificate,
          crypto::build_certificate(recipe.spec, public_key,
                                    own ? nullptr : &recipe.issuer->certificate,
                                    own ? key : recipe.issuer->key));
  APM_CHECK_OK(write_private_file(pem_path, as_bytes(certificate.pem())));
  return Identity{std::move(key), std::move(certificate)};
}

crypto::CertificateSpec spec_of(const std::string& common_name, std::int64_t days, bool is_ca) {
  crypto::CertificateSpec spec;
  spec.common_name = common_name;
  spec.not_before_s = static_cast<std::int64_t>(::time(nullptr)) - kDay;
  spec.not_after_s = spec.not_before_s + days * kDay;
  spec.is_ca = is_ca;
  return spec;
}

}  // namespace apm::sim
