// Replaying a log is PCR = SHA-256(PCR || digest), computed here once more; an event's data counts
// only when it hashes to its digest.

#include "attestation/tpm/event_log.h"

#include "crypto/digest.h"
#include "property.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using apm::fuzz::require;
  namespace tpm = apm::attestation::tpm;
  static_cast<void>(tpm::parse_uefi_variable(apm::ByteView(data, size)));
  const auto log = tpm::parse_event_log(apm::ByteView(data, size));
  if (!log.ok()) return 0;
  for (unsigned pcr = 0; pcr < 16; ++pcr) {
    apm::Bytes value(32, 0);
    if (pcr == 0) value[31] = log->startup_locality;
    for (const tpm::Event& event : log->events) {
      require(event.sha256.size() == 32, "a digest's size");
      if (event.pcr != pcr) continue;
      apm::append(value, event.sha256);
      value = apm::crypto::sha256(value);
    }
    require(tpm::replay(*log, pcr) == value, "replay");
  }
  for (const tpm::Event& event : log->events) {
    require(event.data_matches() == (apm::crypto::sha256(event.data) == event.sha256), "data");
  }
  return 0;
}
