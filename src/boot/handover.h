#pragma once

// The administrator's first credential. A root token is made when the server hands it over, not at
// initialisation; it goes to Key Vault as apm-root-token, with a lifetime. It is made once: again
// only when it expired unconfirmed, or when its delivery was interrupted; never after the operator
// confirmed. The record at core/handover says which.

#include <cstdint>
#include <optional>
#include <string>

#include "api/core.h"
#include "boot/custody.h"

namespace apm::boot {

inline constexpr const char* kRootTokenSecret = "apm-root-token";
inline constexpr const char* kHandoverPath = "core/handover";

enum class Handover { kDelivered, kAlreadyDelivered, kConfirmed };

// ttl nothing: the token never expires.
[[nodiscard]] Result<Handover> hand_over(api::Core& core, SecretVault& vault,
                                         std::optional<std::uint64_t> ttl_s);

}  // namespace apm::boot
