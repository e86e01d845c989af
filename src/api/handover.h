#pragma once

// The record of the administrator's first credential, at core/handover behind the barrier: a root
// token that the server made and delivered to Key Vault (boot/handover.h). Who confirms the
// hand-over says that other administrators exist: the token and all that came from it are revoked,
// and no other is ever made. Docs: docs/operations/handover.md.
//
// Confirming survives a crash: the record says so first ("confirming"), then the token goes, then
// it is "confirmed"; finish_confirmation() does what is left, and the next boot calls it.
// Any thread; confirm_handover() holds the core's lifecycle lock.

#include <cstdint>
#include <string>

#include "api/core.h"
#include "base/json.h"
#include "base/result.h"

namespace apm::api {

inline constexpr const char* kHandoverPath = "core/handover";

enum class HandoverStage {
  kNone,        // no token was ever handed over
  kMinted,      // made; whether it was delivered is not known
  kDelivered,   // stands in Key Vault
  kConfirming,  // is being revoked
  kConfirmed,   // revoked; none will ever be made again
};

struct Handover {
  HandoverStage stage = HandoverStage::kNone;
  std::string accessor;
  std::string secret_name;
  std::string secret_version;
  std::string key_sha256;  // of the administrator's public key; empty: delivered in clear
  std::int64_t minted_unix_s = 0;
  std::int64_t expires_unix_s = 0;  // 0: never
  std::int64_t confirmed_unix_s = 0;
};

// kCorrupt "handover_record" when the record is not understood.
[[nodiscard]] Result<Handover> read_handover(barrier::Barrier& barrier);
[[nodiscard]] Status write_handover(barrier::Barrier& barrier, const Handover& handover);

// "none", "minted", "delivered", "expired", "revoked" (by hand, unconfirmed), "confirming" or
// "confirmed".
[[nodiscard]] Result<std::string> handover_state(Core& core, const Handover& handover);
// For people and programs, with "state" and "text": what it means and what to do next.
[[nodiscard]] Result<json::Object> describe_handover(Core& core, const Handover& handover);

struct Confirmation {
  logical::Caller caller;
  std::string token_id;  // of a service token; "" otherwise
  bool forced = false;   // the operator said that nobody else needs to be left
};
// Confirmed already: nothing happens. kInvalidArgument "handover_none", "handover_unfinished",
// "handover_own_token" (the caller's token would end with the one that was handed over) or
// "handover_no_administrator" (the caller could not make another administrator).
[[nodiscard]] Result<Handover> confirm_handover(Core& core, const Confirmation& confirmation);

// From kConfirming to kConfirmed.
[[nodiscard]] Status finish_confirmation(Core& core, Handover& handover);

}  // namespace apm::api
