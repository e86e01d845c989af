#include "attestation/tdx/ccel.h"

#include <algorithm>
#include <string_view>

#include "attestation/dcap/fields.h"
#include "attestation/limits.h"
#include "attestation/tpm/event_log.h"
#include "base/encoding.h"
#include "base/text.h"
#include "crypto/digest.h"

namespace apm::attestation::tdx {
namespace {

constexpr std::uint16_t kAlgSha384 = 0x000c;
constexpr std::size_t kSha1Size = 20;
constexpr std::size_t kSha384Size = 48;
constexpr unsigned kRegisters = 4;
constexpr std::string_view kSpecId("Spec ID Event03\0", 16);

Error malformed(std::string_view what) {
  return dcap::refused("ccel_malformed", concat("the TD's event log: ", what));
}

// TCG_EfiSpecIDEvent in a TCG_PCR_EVENT of the old format: one bank, SHA-384.
Status read_spec_id(ByteReader& reader) {
  reader.skip(4);  // index: 0 by the specification, 1 seen
  const std::uint32_t type = reader.u32_le();
  reader.skip(kSha1Size);
  ByteReader body(reader.take(reader.u32_le()));
  if (!reader.ok() || type != tpm::kEvNoAction || as_text(body.take(kSpecId.size())) != kSpecId) {
    return malformed("it does not begin with a Spec ID event of the crypto-agile format");
  }
  body.skip(4 + 4);  // platform class; versions and the width of UINTN
  const std::uint32_t banks = body.u32_le();
  const std::uint16_t algorithm = body.u16_le();
  const std::uint16_t size = body.u16_le();
  body.skip(body.u8());
  if (!body.finish() || banks != 1 || algorithm != kAlgSha384 || size != kSha384Size) {
    return malformed("its Spec ID event does not declare SHA-384 alone");
  }
  return {};
}

// What a fixed-size buffer holds behind the last event.
bool is_padding(ByteView rest) {
  const auto filled_with = [&](std::uint8_t value) {
    return std::all_of(rest.begin(), rest.end(), [&](std::uint8_t b) { return b == value; });
  };
  return filled_with(0xff) || filled_with(0x00);
}

struct RawEvent {
  std::uint32_t index = 0;  // 0 MRTD, 1-4 RTMR0-3
  CcEvent event;
};

// One TCG_PCR_EVENT2 with one digest.
Result<RawEvent> read_event(ByteReader& reader) {
  RawEvent out;
  out.index = reader.u32_le();
  out.event.type = reader.u32_le();
  const std::uint32_t digests = reader.u32_le();
  const std::uint16_t algorithm = reader.u16_le();
  out.event.digest = dcap::take_array<kSha384Size>(reader);
  const std::uint32_t size = reader.u32_le();
  if (!reader.ok() || digests != 1 || algorithm != kAlgSha384 || out.index > kRegisters) {
    return malformed("an event is cut off, names no register, or has not one SHA-384 digest");
  }
  if (size > kEventBytesMax) return malformed("an event is too large");
  out.event.data = to_bytes(reader.take(size));
  if (!reader.ok()) return malformed("an event's data is cut off");
  return out;
}

}  // namespace

bool CcEvent::data_matches() const {
  return equal(digest, crypto::digest(crypto::Hash::kSha384, data));
}

Result<Ccel> parse_ccel(ByteView raw) {
  if (raw.size() > kEventLogBytesMax) return malformed("it is too large");
  ByteReader reader(raw);
  APM_CHECK_OK(read_spec_id(reader));
  Ccel log;
  while (!is_padding(raw.last(reader.remaining()))) {
    APM_TRY(RawEvent read, read_event(reader));
    // MRTD is closed before a TD runs: an event for it extends nothing and proves nothing.
    if (read.event.type == tpm::kEvNoAction || read.index == 0) continue;
    if (log.events.size() == kEventLogEventsMax) return malformed("it has too many events");
    read.event.rtmr = read.index - 1;
    log.events.push_back(std::move(read.event));
  }
  return log;
}

std::array<Register, kRegisters> replay(const Ccel& log) {
  std::array<Register, kRegisters> out{};
  for (const CcEvent& event : log.events) {
    Register& rtmr = out.at(event.rtmr);
    const Bytes next = crypto::digest(crypto::Hash::kSha384, {rtmr, event.digest});
    std::copy(next.begin(), next.end(), rtmr.begin());
  }
  return out;
}

Status check_ccel(const Ccel& log, const TdReport& report, const std::vector<unsigned>& rtmrs) {
  const auto replayed = replay(log);
  for (const unsigned i : rtmrs) {
    if (i >= kRegisters || !equal(replayed.at(i), report.rtmr.at(i))) {
      return dcap::refused("ccel_mismatch",
                           concat("the TD's event log does not replay to RTMR", i));
    }
  }
  return {};
}

}  // namespace apm::attestation::tdx
