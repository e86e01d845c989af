// TPMS_ATTEST is consumed exactly: what is accepted begins with TPM_GENERATED_VALUE, and neither a
// byte more nor a byte less is accepted. PCR indexes ascend.

#include "attestation/tpm/attest.h"

#include <algorithm>

#include "property.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using apm::fuzz::require;
  namespace tpm = apm::attestation::tpm;
  const apm::ByteView raw(data, size);
  static_cast<void>(tpm::rsassa_from_tpmt(raw));
  const auto attest = tpm::parse_attest(raw);
  if (!attest.ok()) return 0;
  constexpr std::uint8_t kMagic[] = {0xff, 'T', 'C', 'G'};
  require(std::ranges::equal(raw.first(4), kMagic), "magic");
  for (const tpm::PcrSelection& selection : attest->selections) {
    require(std::ranges::is_sorted(selection.indexes), "PCR indexes ascend");
  }
  require(!tpm::parse_attest(raw.first(size - 1)).ok(), "a byte less");
  apm::Bytes longer = apm::to_bytes(raw);
  longer.push_back(0);
  require(!tpm::parse_attest(longer).ok(), "a byte more");
  return 0;
}
