// What the strict reader accepts, the writers write so that it reads the same again; and reading
// does not depend on the form (compact or pretty).

#include "base/json.h"
#include "property.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using apm::fuzz::require;
  const auto value = apm::json::parse(apm::fuzz::text_of(data, size));
  if (!value.ok()) return 0;
  // Escaping and indentation may make the text longer than what came in.
  const apm::json::Limits wide{.bytes_max = std::size_t{64} << 20};
  const std::string compact = apm::json::write(*value);
  const auto again = apm::json::parse(compact, wide);
  require(again.ok() && *again == *value, "compact text reads differently");
  require(apm::json::write(*again) == compact, "writing is not stable");
  const auto pretty = apm::json::parse(apm::json::write_pretty(*value), wide);
  require(pretty.ok() && *pretty == *value, "pretty text reads differently");
  return 0;
}
