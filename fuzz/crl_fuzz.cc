// A revocation list is one DER value and nothing behind it, by whichever entrance; leading zeros of
// a serial number say nothing.

#include "crypto/crl.h"
#include "property.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using apm::crypto::Crl;
  using apm::fuzz::require;
  const apm::ByteView raw(data, size);
  const auto from_pem = Crl::from_pem(apm::fuzz::text_of(data, size));
  const auto either = Crl::from_der_or_pem(raw);
  const auto crl = Crl::from_der(raw);
  require(either.ok() == (crl.ok() || from_pem.ok()), "the entrances disagree");
  if (!crl.ok()) return 0;
  apm::Bytes more = apm::to_bytes(raw);
  more.push_back(0);
  require(!Crl::from_der(more).ok(), "a byte more");
  require(!Crl::from_der(raw.first(size - 1)).ok(), "a byte less");
  require(either->size() == crl->size(), "the entrances read other lists");
  static_cast<void>(crl->issuer_common_name());
  for (std::uint8_t serial = 0; serial < 16; ++serial) {
    const apm::Bytes plain = {serial};
    const apm::Bytes padded = {0, 0, serial};
    require(crl->revoked(plain) == crl->revoked(padded), "leading zeros count");
  }
  return 0;
}
