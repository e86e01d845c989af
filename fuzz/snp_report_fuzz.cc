// A report that is read has its fields where AMD's table (56860, ATTESTATION_REPORT) puts them, and
// what is signed is what was received.

#include "attestation/snp/report.h"

#include <algorithm>

#include "property.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using apm::fuzz::require;
  namespace snp = apm::attestation::snp;
  const apm::ByteView raw(data, size);
  const auto report = snp::parse_report(raw);
  require(!report.ok() || size == snp::kReportSize, "another size");
  if (!report.ok()) return 0;
  const auto at = [&raw](const auto& field, std::size_t offset) {
    return std::ranges::equal(field, raw.subspan(offset, field.size()));
  };
  require(at(report->signed_bytes, 0) && report->signed_bytes.size() == snp::kSignedSize, "signed");
  require(at(report->report_data, 0x50), "REPORT_DATA");
  require(at(report->measurement, 0x90) && report->measurement.size() == 48, "MEASUREMENT");
  require(at(report->host_data, 0xC0) && report->host_data.size() == 32, "HOST_DATA");
  require(at(report->id_key_digest, 0xE0) && at(report->author_key_digest, 0x110), "key digests");
  require(at(report->reported_tcb, 0x180) && at(report->chip_id, 0x1A0), "TCB or CHIP_ID");
  const auto reversed = [&raw](const apm::Bytes& number, std::size_t offset) {
    return std::equal(number.rbegin(), number.rend(), raw.begin() + static_cast<long>(offset));
  };
  require(reversed(report->r, 0x2A0) && reversed(report->s, 0x2A0 + 72), "signature");
  require(!snp::parse_report(raw.first(size - 1)).ok(), "a cut report");
  return 0;
}
