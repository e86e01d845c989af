#pragma once

// The firmware's event log in the crypto-agile format (TCG PC Client Platform Firmware Profile).
// The log is told by the untrusted guest: only digests that replay to quoted PCRs are authentic,
// and an event's data only when it hashes to its digest (`data_matches`). Pure; any thread.
// Errors: kRefused with reason event_log_malformed or event_log_mismatch.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "attestation/tpm/attest.h"

namespace apm::attestation::tpm {

inline constexpr std::uint32_t kEvNoAction = 0x00000003;
inline constexpr std::uint32_t kEvSeparator = 0x00000004;
inline constexpr std::uint32_t kEvEfiVariableDriverConfig = 0x80000001;
inline constexpr std::uint32_t kEvEfiVariableAuthority = 0x800000E0;

struct Event {
  unsigned pcr = 0;
  std::uint32_t type = 0;
  Bytes sha256;  // digest of the SHA-256 bank
  Bytes data;
  [[nodiscard]] bool data_matches() const;
};

struct EventLog {
  std::optional<std::uint8_t> startup_locality;  // 0 when the log does not tell
  std::vector<Event> events;                     // in order, EV_NO_ACTION left out
};

[[nodiscard]] Result<EventLog> parse_event_log(ByteView raw);

// The value of one PCR after all its events.
[[nodiscard]] Bytes replay(const EventLog& log, unsigned pcr);

// That the log replays to the quoted value of each of these PCRs: kRefused event_log_mismatch names
// the first that differs. A running system extends some PCRs without telling this log (10 to 15
// and 23, by operating system): name those that only the firmware and the boot loader extend.
[[nodiscard]] Status require_replay(const EventLog& log, const PcrValues& quoted,
                                    const std::vector<unsigned>& pcrs, Appraisal& appraisal);

// UEFI_VARIABLE_DATA, consumed exactly. Nothing when malformed.
struct UefiVariable {
  Bytes guid;        // 16 bytes as in memory
  std::string name;  // ASCII; other characters as '?'
  Bytes data;
};
[[nodiscard]] std::optional<UefiVariable> parse_uefi_variable(ByteView event_data);

}  // namespace apm::attestation::tpm
