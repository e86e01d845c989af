#pragma once

#include <chrono>
#include <cstddef>

namespace apm::ha {

inline constexpr std::chrono::milliseconds kPollInterval{500};  // a standby asks for the lease
inline constexpr std::chrono::milliseconds kWatchInterval{50};  // an active node looks at its own
inline constexpr std::chrono::milliseconds kRetryPause{1'000};  // after a failure, see node.h
inline constexpr std::chrono::milliseconds kRetryPauseMax{15'000};
inline constexpr std::chrono::seconds kStepDownPause{10};   // before it competes again
inline constexpr std::chrono::seconds kDrainDeadline{10};   // requests that may still finish
inline constexpr std::chrono::seconds kSettleDeadline{60};  // until a new candidate has a role
inline constexpr std::chrono::seconds kLeaderKnownFor{5};   // an address not seen again since
inline constexpr std::size_t kAddressBytesMax = 512;        // of api_addr

}  // namespace apm::ha
