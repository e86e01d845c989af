#pragma once

// The administrator's first credential. A root token is made when the server hands it over, not at
// initialisation; it goes to Key Vault as apm-root-token, with a lifetime, in clear or encrypted to
// the administrator's key. It is made once: again only when it ended unconfirmed, or when its
// delivery was interrupted; never after the operator confirmed (api/handover.h, where the record
// is). docs/operations/handover.md tells operators the same.

#include <cstdint>
#include <optional>
#include <string>

#include "api/handover.h"
#include "boot/admin_key.h"
#include "boot/custody.h"

namespace apm::boot {

inline constexpr const char* kRootTokenSecret = "apm-root-token";

struct HandoverPlan {
  std::optional<std::uint64_t> ttl_s;   // nothing: the token never expires
  const AdminKey* admin_key = nullptr;  // nullptr: delivered in clear
};

enum class HandoverDone { kDelivered, kAlreadyDelivered, kConfirmed };

struct HandoverOutcome {
  HandoverDone done = HandoverDone::kDelivered;
  api::Handover record;
};

[[nodiscard]] Result<HandoverOutcome> hand_over(api::Core& core, SecretVault& vault,
                                                const HandoverPlan& plan);

}  // namespace apm::boot
