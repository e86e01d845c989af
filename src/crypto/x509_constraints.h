#pragma once

// What a certificate may be used for (RFC 5280, 4.2.1.3 and 4.2.1.9), for verifiers that check by
// hand what OpenSSL checks only in strict mode. A value; any thread.

#include <cstdint>
#include <optional>

#include "crypto/x509.h"

namespace apm::crypto {

struct Constraints {
  bool authority = false;                   // basicConstraints with CA:TRUE
  std::optional<std::int64_t> path_length;  // of an authority that limits it
  bool may_sign_certificates = false;       // keyUsage is present, with keyCertSign
  bool may_sign_data = false;               // keyUsage is present, with digitalSignature
};
// Absent and unreadable extensions allow nothing.
[[nodiscard]] Constraints constraints_of(const Certificate& certificate);

// Whether the issuer's name in `certificate` is, as a whole, the subject's name of `issuer`.
[[nodiscard]] bool names_as_issuer(const Certificate& certificate, const Certificate& issuer);

}  // namespace apm::crypto
