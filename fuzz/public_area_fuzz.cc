// TPMT_PUBLIC is consumed exactly, and its name is the hash of exactly what was received.

#include "attestation/tpm/public_area.h"

#include "crypto/digest.h"
#include "property.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using apm::fuzz::require;
  namespace tpm = apm::attestation::tpm;
  const apm::ByteView raw(data, size);
  static_cast<void>(tpm::check_login_key(raw, {}));
  const auto area = tpm::parse_public_area(raw);
  if (!area.ok()) return 0;
  require(area->modulus.size() * 8 == area->key_bits && area->exponent != 0, "the key");
  apm::Bytes name{0x00, 0x0b};
  apm::append(name, apm::crypto::sha256(raw));
  require(tpm::object_name(raw) == name, "the name");
  require(!tpm::parse_public_area(raw.first(size - 1)).ok(), "a byte less");
  apm::Bytes longer = apm::to_bytes(raw);
  longer.push_back(0);
  require(!tpm::parse_public_area(longer).ok(), "a byte more");
  return 0;
}
