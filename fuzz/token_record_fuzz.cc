// A token record that is read is written and read to the same again.

#include "expiry/token_record.h"

#include "property.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using apm::fuzz::require;
  const auto entry = apm::expiry::read_record(apm::ByteView(data, size));
  if (!entry.ok()) return 0;
  const apm::Bytes written = apm::expiry::write_record(*entry);
  const auto again = apm::expiry::read_record(written);
  require(again.ok(), "a record that we wrote is refused");
  require(apm::expiry::write_record(*again) == written, "reading loses something");
  require(again->id == entry->id && again->policies == entry->policies, "id or policies");
  require(again->expires_unix_s == entry->expires_unix_s && again->revoked == entry->revoked &&
              again->limited == entry->limited && again->uses_left == entry->uses_left,
          "what ends the token");
  return 0;
}
