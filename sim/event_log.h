#pragma once

// A TCG crypto-agile event log (PC Client Platform Firmware Profile) of a simulated boot, and its
// replay. Pure; any thread.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace apm::sim {

struct BootEvent {
  unsigned pcr = 0;
  std::uint32_t type = 0;
  Bytes sha256;
  Bytes data;
};

struct BootInput {
  std::string image;  // names the boot image: another name, other hashes
  bool secure_boot = true;
  Bytes signer_der;  // certificate in db that verified the image
};

inline constexpr std::uint32_t kEventNoAction = 0x03;
inline constexpr std::uint32_t kEventVariableDriverConfig = 0x80000001;
inline constexpr std::uint32_t kEventVariableAuthority = 0x800000E0;

[[nodiscard]] std::vector<BootEvent> boot_events(const BootInput& input);
[[nodiscard]] Bytes encode_event_log(const std::vector<BootEvent>& events);

// kInvalidArgument "event_log" when malformed. EV_NO_ACTION events are left out.
[[nodiscard]] Result<std::vector<BootEvent>> decode_event_log(ByteView log);
// SHA-256 bank, from zero; PCRs without events are absent.
[[nodiscard]] std::map<unsigned, Bytes> replay_events(const std::vector<BootEvent>& events);
// What the SecureBoot variable event of PCR 7 says, when its data matches its digest.
[[nodiscard]] std::optional<bool> secure_boot_in(const std::vector<BootEvent>& events);

}  // namespace apm::sim
