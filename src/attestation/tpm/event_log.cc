#include "attestation/tpm/event_log.h"

#include <algorithm>

#include "attestation/limits.h"
#include "base/byte_reader.h"
#include "base/encoding.h"
#include "base/text.h"
#include "crypto/digest.h"

namespace apm::attestation::tpm {
namespace {

constexpr std::size_t kSha1Size = 20;
constexpr std::size_t kSha256Size = 32;
constexpr std::size_t kDigestBytesMax = 64;
constexpr std::string_view kSpecId("Spec ID Event03\0", 16);
constexpr std::string_view kStartupLocality("StartupLocality\0", 16);

struct Bank {
  std::uint16_t algorithm;
  std::uint16_t size;
};

Error malformed(std::string_view what) {
  return Error(Code::kRefused, "event_log_malformed", concat("the TCG event log: ", what));
}

// TCG_EfiSpecIDEvent, in a TCG_PCR_EVENT of the old format.
Result<std::vector<Bank>> read_spec_id(ByteReader& reader) {
  const std::uint32_t pcr = reader.u32_le();
  const std::uint32_t type = reader.u32_le();
  reader.skip(kSha1Size);
  ByteReader body(reader.take(reader.u32_le()));
  if (!reader.ok() || pcr != 0 || type != kEvNoAction ||
      as_text(body.take(kSpecId.size())) != kSpecId) {
    return malformed("it does not begin with a Spec ID event of the crypto-agile format");
  }
  body.skip(4 + 4);  // platform class; versions and the width of UINTN
  const std::uint32_t count = body.u32_le();
  if (count == 0 || count > kEventLogBanksMax) return malformed("the number of banks");
  std::vector<Bank> banks;
  for (std::uint32_t i = 0; i < count; ++i) {
    const Bank bank{body.u16_le(), body.u16_le()};
    if (bank.size == 0 || bank.size > kDigestBytesMax) return malformed("the size of a digest");
    if (bank.algorithm == kAlgSha256 && bank.size != kSha256Size) return malformed("SHA-256 size");
    banks.push_back(bank);
  }
  body.skip(body.u8());
  if (!body.finish()) return malformed("the Spec ID event");
  return banks;
}

// One TCG_PCR_EVENT2. Every bank of the Spec ID event must have its digest, once.
Result<Event> read_event(ByteReader& reader, const std::vector<Bank>& banks) {
  Event event;
  event.pcr = reader.u32_le();
  event.type = reader.u32_le();
  const std::uint32_t count = reader.u32_le();
  if (!reader.ok() || count != banks.size()) return malformed("the number of an event's digests");
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint16_t algorithm = reader.u16_le();
    const auto bank = std::find_if(banks.begin(), banks.end(),
                                   [&](const Bank& b) { return b.algorithm == algorithm; });
    if (bank == banks.end()) return malformed("a digest of a bank that is not declared");
    const ByteView digest = reader.take(bank->size);
    if (algorithm != kAlgSha256) continue;
    if (!event.sha256.empty()) return malformed("two SHA-256 digests in one event");
    event.sha256 = to_bytes(digest);
  }
  const std::uint32_t size = reader.u32_le();
  if (size > kEventBytesMax) return malformed("an event is too large");
  event.data = to_bytes(reader.take(size));
  if (!reader.ok() || event.pcr >= kPcrCount || event.sha256.size() != kSha256Size) {
    return malformed("an event is cut off, or names no PCR, or has no SHA-256 digest");
  }
  return event;
}

// The locality that started the TPM is told by an event that extends nothing.
Status note_locality(const Event& event, EventLog& log) {
  ByteReader reader(event.data);
  if (as_text(reader.take(kStartupLocality.size())) != kStartupLocality) return {};
  const std::uint8_t locality = reader.u8();
  const bool known = locality == 0 || locality == 3 || locality == 4;
  if (!reader.finish() || event.pcr != 0 || !known) {
    return malformed("the startup locality event");
  }
  if (log.startup_locality) return malformed("it tells two startup localities");
  log.startup_locality = locality;
  return {};
}

}  // namespace

bool Event::data_matches() const { return equal(sha256, crypto::sha256(data)); }

Result<EventLog> parse_event_log(ByteView raw) {
  if (raw.size() > kEventLogBytesMax) return malformed("it is too large");
  ByteReader reader(raw);
  APM_TRY(const std::vector<Bank> banks, read_spec_id(reader));
  EventLog log;
  std::size_t count = 0;
  while (reader.remaining() > 0) {
    if (++count > kEventLogEventsMax) return malformed("it has too many events");
    APM_TRY(Event event, read_event(reader, banks));
    if (event.type == kEvNoAction) {
      APM_CHECK_OK(note_locality(event, log));
    } else {
      log.events.push_back(std::move(event));
    }
  }
  return log;
}

Bytes replay(const EventLog& log, unsigned pcr) {
  Bytes value(kSha256Size, 0);
  if (pcr >= 17 && pcr <= 22) value.assign(kSha256Size, 0xff);  // dynamic launch PCRs
  if (pcr == 0) value.back() = log.startup_locality.value_or(0);
  for (const Event& event : log.events) {
    if (event.pcr == pcr) value = crypto::digest(crypto::Hash::kSha256, {value, event.sha256});
  }
  return value;
}

Status require_replay(const EventLog& log, const PcrValues& quoted,
                      const std::vector<unsigned>& pcrs, Appraisal& appraisal) {
  for (const unsigned pcr : pcrs) {
    const auto have = quoted.find(pcr);
    const std::string value = have == quoted.end() ? "not quoted" : hex_encode(have->second);
    const std::string replayed = hex_encode(replay(log, pcr));
    APM_CHECK_OK(appraisal.require(
        value == replayed, {Stage::kBinding, "event_log_mismatch", concat("PCR ", pcr, " ", value),
                            concat("what the event log replays to, ", replayed)}));
  }
  return {};
}

std::optional<UefiVariable> parse_uefi_variable(ByteView event_data) {
  ByteReader reader(event_data);
  UefiVariable variable;
  variable.guid = to_bytes(reader.take(16));
  const std::uint64_t name_units = reader.u64_le();
  const std::uint64_t data_size = reader.u64_le();
  if (!reader.ok() || name_units > reader.remaining() / 2) return std::nullopt;
  for (std::uint64_t i = 0; i < name_units; ++i) {
    const std::uint16_t unit = reader.u16_le();
    variable.name.push_back(unit >= 0x20 && unit < 0x7f ? static_cast<char>(unit) : '?');
  }
  if (data_size != reader.remaining()) return std::nullopt;
  variable.data = to_bytes(reader.take(reader.remaining()));
  return variable;
}

}  // namespace apm::attestation::tpm
