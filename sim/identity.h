#pragma once

// Keys with their certificates, kept in files and made when they are missing. The caller holds the
// directory's lock.

#include <optional>
#include <string>

#include "base/result.h"
#include "crypto/x509.h"
#include "crypto/x509_build.h"

namespace apm::sim {

inline constexpr std::int64_t kDay = 86'400;

struct Identity {
  crypto::PrivateKey key;
  crypto::Certificate certificate;
};

struct KeyShape {
  int rsa_bits = 2048;
  std::optional<crypto::Curve> curve;  // then no RSA
};

struct Recipe {
  std::string file;  // <file>.key and <file>.pem
  crypto::CertificateSpec spec;
  KeyShape key = {};
  const Identity* issuer = nullptr;  // nullptr: self-signed
};

[[nodiscard]] Result<crypto::PrivateKey> load_or_make_key(const std::string& path,
                                                          const KeyShape& shape);
[[nodiscard]] Result<Identity> load_or_make(const std::string& dir, const Recipe& recipe);
// Valid since yesterday.
[[nodiscard]] crypto::CertificateSpec spec_of(const std::string& common_name, std::int64_t days,
                                              bool is_ca);

}  // namespace apm::sim
