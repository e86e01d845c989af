// The parts of an HCL report are parts of what was received, byte by byte; a cut one is refused.

#include "attestation/azure_vtpm/hcl_report.h"

#include <algorithm>

#include "property.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using apm::fuzz::require;
  namespace azure = apm::attestation::azure_vtpm;
  const apm::ByteView raw(data, size);
  static_cast<void>(azure::parse_runtime_claims(raw));
  const auto report = azure::parse_hcl_report(raw);
  if (!report.ok()) return 0;
  require(!std::ranges::search(raw, report->hardware_report).empty(), "the hardware report");
  require(
      report->runtime_claims.empty() || !std::ranges::search(raw, report->runtime_claims).empty(),
      "the runtime claims");
  const apm::Bytes expected = azure::expected_report_data(*report);
  require(expected.size() == 64, "REPORT_DATA has 64 bytes");
  require(std::all_of(expected.begin() + 32, expected.end(), [](auto b) { return b == 0; }),
          "the second half of REPORT_DATA");
  require(!azure::parse_hcl_report(raw.first(32)).ok(), "a header without content");
  return 0;
}
