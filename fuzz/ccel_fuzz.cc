// A TD's event log that is accepted, written again, has the same events; it explains the registers
// that it replays to, and no others.

#include "attestation/tdx/ccel.h"
#include "base/byte_reader.h"
#include "property.h"

namespace {

using apm::Bytes;
using apm::ByteView;
namespace tdx = apm::attestation::tdx;

constexpr std::uint32_t kNoAction = 3;
constexpr std::uint16_t kSha384 = 0x000c;

Bytes write_again(const tdx::Ccel& log) {
  Bytes spec = apm::to_bytes(std::string_view("Spec ID Event03\0", 16));
  apm::append_u32_le(spec, 0);
  apm::append_u32_le(spec, 0x02000200);
  apm::append_u32_le(spec, 1);
  apm::append_u16_le(spec, kSha384);
  apm::append_u16_le(spec, 48);
  spec.push_back(0);
  Bytes out;
  apm::append_u32_le(out, 0);
  apm::append_u32_le(out, kNoAction);
  out.resize(out.size() + 20);
  apm::append_u32_le(out, static_cast<std::uint32_t>(spec.size()));
  apm::append(out, ByteView(spec));
  for (const tdx::CcEvent& event : log.events) {
    apm::append_u32_le(out, event.rtmr + 1);
    apm::append_u32_le(out, event.type);
    apm::append_u32_le(out, 1);
    apm::append_u16_le(out, kSha384);
    apm::append(out, ByteView(event.digest));
    apm::append_u32_le(out, static_cast<std::uint32_t>(event.data.size()));
    apm::append(out, ByteView(event.data));
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using apm::fuzz::require;
  const auto log = tdx::parse_ccel(ByteView(data, size));
  if (!log.ok()) return 0;
  for (const tdx::CcEvent& event : log->events) {
    require(event.rtmr < 4 && event.type != kNoAction, "an event that extends nothing");
  }
  const auto again = tdx::parse_ccel(write_again(*log));
  require(again.ok() && again->events.size() == log->events.size(), "the log, written again");
  tdx::TdReport report;
  report.rtmr = tdx::replay(*log);
  require(tdx::replay(*again) == report.rtmr, "another replay");
  require(tdx::check_ccel(*log, report, {0, 1, 2, 3}).ok(), "the log does not explain itself");
  report.rtmr[2][0] ^= 1;
  require(!tdx::check_ccel(*log, report, {2}).ok(), "another register is explained");
  return 0;
}
