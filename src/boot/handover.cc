#include "boot/handover.h"

#include "crypto/secret_bytes.h"

namespace apm::boot {
namespace {

using api::Handover;
using api::HandoverStage;

// A token whose delivery was interrupted may be known to nobody, or to Key Vault: it goes.
Status revoke_interrupted(api::Core& core, const Handover& record) {
  const auto entry = core.tokens().lookup_accessor(record.accessor);
  if (entry.ok()) return core.tokens().revoke(entry->id);
  return entry.error().code == Code::kNotFound ? Status() : Status(entry.error());
}

// What Key Vault is given to keep.
Result<std::string> as_delivered(api::Core& core, const HandoverPlan& plan,
                                 const std::string& token) {
  if (plan.admin_key == nullptr) return token;
  APM_TRY(const std::optional<barrier::SealConfig> seal, core.barrier().seal_config());
  return seal_to_admin(*plan.admin_key, {seal ? seal->store_id : "", kRootTokenSecret},
                       as_bytes(token));
}

// The accessor is written down before the token exists: whatever ends this, the next boot knows
// which token to revoke.
Result<HandoverOutcome> mint(api::Core& core, SecretVault& vault, const HandoverPlan& plan) {
  Handover record;
  record.stage = HandoverStage::kMinted;
  record.accessor = expiry::new_accessor();
  record.secret_name = kRootTokenSecret;
  record.key_sha256 = plan.admin_key == nullptr ? "" : plan.admin_key->sha256;
  record.minted_unix_s = core.clock().unix_s();
  APM_CHECK_OK(api::write_handover(core.barrier(), record));
  APM_TRY(expiry::NewToken made,
          core.tokens().create_root(plan.ttl_s.value_or(0), record.accessor));
  record.expires_unix_s = made.entry.expires_unix_s;
  auto value = as_delivered(core, plan, made.token);
  crypto::wipe(made.token);
  if (!value.ok()) return value.error();
  auto version = vault.set_until(kRootTokenSecret, *value, record.expires_unix_s);
  crypto::wipe(*value);
  if (!version.ok()) return version.error();
  record.stage = HandoverStage::kDelivered;
  record.secret_version = *version;
  APM_CHECK_OK(api::write_handover(core.barrier(), record));
  return HandoverOutcome{HandoverDone::kDelivered, std::move(record)};
}

}  // namespace

Result<HandoverOutcome> hand_over(api::Core& core, SecretVault& vault, const HandoverPlan& plan) {
  APM_TRY(Handover before, api::read_handover(core.barrier()));
  APM_TRY(const std::string state, api::handover_state(core, before));
  switch (before.stage) {
    case HandoverStage::kConfirming:
      APM_CHECK_OK(api::finish_confirmation(core, before));
      return HandoverOutcome{HandoverDone::kConfirmed, std::move(before)};
    case HandoverStage::kConfirmed:
      return HandoverOutcome{HandoverDone::kConfirmed, std::move(before)};
    case HandoverStage::kDelivered:
      if (state == "delivered") {
        return HandoverOutcome{HandoverDone::kAlreadyDelivered, std::move(before)};
      }
      break;
    case HandoverStage::kMinted: APM_CHECK_OK(revoke_interrupted(core, before)); break;
    case HandoverStage::kNone: break;
  }
  return mint(core, vault, plan);
}

}  // namespace apm::boot
