// Certificates that are read from PEM are the same when read from their own DER and PEM, and DER is
// consumed exactly.

#include "crypto/x509.h"
#include "property.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using apm::crypto::Certificate;
  using apm::fuzz::require;
  static_cast<void>(Certificate::from_der(apm::ByteView(data, size)));
  const auto chain = Certificate::list_from_pem(apm::fuzz::text_of(data, size));
  if (!chain.ok()) return 0;
  for (const Certificate& certificate : *chain) {
    apm::Bytes der = certificate.der();
    const auto from_der = Certificate::from_der(der);
    require(from_der.ok() && from_der->der() == der, "DER");
    const auto from_pem = Certificate::from_pem(certificate.pem());
    require(from_pem.ok() && from_pem->der() == der, "PEM");
    static_cast<void>(certificate.public_key());
    static_cast<void>(certificate.dns_names());
    static_cast<void>(certificate.subject_common_name());
    der.push_back(0);
    require(!Certificate::from_der(der).ok(), "a byte more");
  }
  return 0;
}
