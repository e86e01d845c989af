#include "api/handover.h"

#include <array>
#include <utility>

#include "base/text.h"

namespace apm::api {
namespace {

constexpr std::array<std::pair<HandoverStage, std::string_view>, 4> kStages = {
    {{HandoverStage::kMinted, "minted"},
     {HandoverStage::kDelivered, "delivered"},
     {HandoverStage::kConfirming, "confirming"},
     {HandoverStage::kConfirmed, "confirmed"}}};

// Whoever may write policies can make administrators of himself and others.
constexpr const char* kAdministratorsPath = "sys/policies/acl/administrator";

std::string_view stage_name(HandoverStage stage) {
  for (const auto& [one, name] : kStages) {
    if (one == stage) return name;
  }
  return "none";
}

Error malformed() {
  return {Code::kCorrupt, "handover_record", "the record at core/handover is not understood"};
}

Result<HandoverStage> stage_named(std::string_view text) {
  for (const auto& [stage, name] : kStages) {
    if (name == text) return stage;
  }
  return malformed();
}

Result<bool> alive(Core& core, const std::string& accessor) {
  const auto entry = core.tokens().lookup_accessor(accessor);
  if (entry.ok()) return true;
  if (entry.error().code == Code::kNotFound) return false;
  return entry.error();
}

std::string text_of(const std::string& state, const Handover& handover) {
  if (state == "none") return "no root token was handed over by this server";
  if (state == "delivered") {
    return concat("the root token in the Key Vault secret ", handover.secret_name, " still lives",
                  handover.expires_unix_s == 0
                      ? ", and for ever"
                      : concat(", until ", rfc3339(handover.expires_unix_s)),
                  ": make other administrators, then say operator handover confirm");
  }
  if (state == "expired" || state == "revoked") {
    return concat("the root token that was handed over is ", state,
                  " and was not confirmed: the next boot hands over another one. To end that, say "
                  "operator handover confirm with an administrator's token");
  }
  if (state == "confirmed") {
    return concat("confirmed: the root token is revoked, and none is ever made again. The secret ",
                  handover.secret_name, " in the key vault is worthless now; delete it");
  }
  return "the last step was interrupted: the next boot finishes it";
}

Error refuse(const char* reason, std::string text) {
  return {Code::kInvalidArgument, reason, std::move(text)};
}

// A token that goes on after this request, and whose policies let it make administrators.
bool administers(Core& core, const Confirmation& by) {
  const auto own = core.tokens().lookup_accessor(by.caller.accessor);
  if (by.token_id.empty() || !own.ok() || own->limited) return false;
  const policy::Acl acl = core.policies().acl(by.caller.policies);
  const auto may_update = [&acl](const char* path) {
    return acl.decide(path, logical::Operation::kUpdate, nullptr).allowed;
  };
  // A policy that no token can be given makes nobody an administrator.
  return by.caller.root || (may_update(kAdministratorsPath) && may_update("auth/token/create"));
}

// Nobody may be locked out by a confirmation without having said so.
Status check_left_behind(Core& core, const Confirmation& by, const Handover& handover) {
  const auto entry = core.tokens().lookup_accessor(handover.accessor);
  if (!entry.ok() && entry.error().code != Code::kNotFound) return entry.error();
  if (entry.ok() && !by.token_id.empty()) {
    APM_TRY(const bool ends, core.tokens().descends(by.token_id, entry->id));
    if (ends) {
      return refuse("handover_own_token",
                    "this token is the one that was handed over, or came from it, and would be "
                    "revoked: nobody might be left who can administer this server. Make an "
                    "administrator whose token stands alone (token create -orphan) and confirm "
                    "with that one, or say -force");
    }
  }
  if (!administers(core, by)) {
    return refuse("handover_no_administrator",
                  "this token may not write policies and create tokens, or has a limited number of "
                  "uses, so it could "
                  "not make an administrator when the root token is gone: confirm as an "
                  "administrator, or say -force");
  }
  return {};
}

}  // namespace

Result<Handover> read_handover(barrier::Barrier& barrier) {
  APM_TRY(const std::optional<Bytes> raw, barrier.get(kHandoverPath));
  if (!raw) return Handover{};
  const auto document = json::parse(*raw);
  if (!document.ok()) return malformed();
  const std::string* state = document->string_at("state");
  const std::string* accessor = document->string_at("accessor");
  if (state == nullptr || accessor == nullptr) return malformed();
  Handover out;
  APM_TRY(out.stage, stage_named(*state));
  out.accessor = *accessor;
  APM_TRY(out.secret_name, json::require_string(*document, "secret_name"));
  APM_TRY(out.secret_version, json::require_string(*document, "secret_version"));
  APM_TRY(out.key_sha256, json::require_string(*document, "key_sha256"));
  APM_TRY(out.minted_unix_s, json::require_int(*document, "minted"));
  APM_TRY(out.expires_unix_s, json::require_int(*document, "expires"));
  APM_TRY(out.confirmed_unix_s, json::require_int(*document, "confirmed"));
  return out;
}

Status write_handover(barrier::Barrier& barrier, const Handover& handover) {
  const json::Object document{
      {"state", stage_name(handover.stage)}, {"accessor", handover.accessor},
      {"secret_name", handover.secret_name}, {"secret_version", handover.secret_version},
      {"key_sha256", handover.key_sha256},   {"minted", handover.minted_unix_s},
      {"expires", handover.expires_unix_s},  {"confirmed", handover.confirmed_unix_s}};
  return barrier.put(kHandoverPath, as_bytes(json::write(document)));
}

Result<std::string> handover_state(Core& core, const Handover& handover) {
  if (handover.stage != HandoverStage::kDelivered) return std::string(stage_name(handover.stage));
  APM_TRY(const bool living, alive(core, handover.accessor));
  if (living) return std::string("delivered");
  const bool over =
      handover.expires_unix_s != 0 && core.clock().unix_s() >= handover.expires_unix_s;
  return std::string(over ? "expired" : "revoked");
}

Result<json::Object> describe_handover(Core& core, const Handover& handover) {
  APM_TRY(const std::string state, handover_state(core, handover));
  json::Object out{{"state", state}, {"text", text_of(state, handover)}};
  if (handover.stage == HandoverStage::kNone) return out;
  const auto time = [](std::int64_t unix_s) {
    return unix_s == 0 ? json::Value() : json::Value(rfc3339(unix_s));
  };
  out.set("accessor", handover.accessor);
  out.set("secret_name", handover.secret_name);
  out.set("secret_version", handover.secret_version);
  out.set("delivered_as", handover.key_sha256.empty() ? "clear" : "encrypted");
  out.set("admin_key_sha256", handover.key_sha256);
  out.set("minted_time", time(handover.minted_unix_s));
  out.set("expire_time", time(handover.expires_unix_s));
  out.set("confirmed_time", time(handover.confirmed_unix_s));
  return out;
}

Result<Handover> confirm_handover(Core& core, const Confirmation& confirmation) {
  const MutexLock lifecycle(core.lifecycle());
  APM_TRY(Handover handover, read_handover(core.barrier()));
  switch (handover.stage) {
    case HandoverStage::kNone:
      return refuse("handover_none",
                    "there is nothing to confirm: no root token was handed over by this server");
    case HandoverStage::kMinted:
      return refuse("handover_unfinished",
                    "the delivery of the root token was interrupted: boot the server again first");
    case HandoverStage::kConfirmed: return handover;
    case HandoverStage::kDelivered:
    case HandoverStage::kConfirming: break;
  }
  if (!confirmation.forced) APM_CHECK_OK(check_left_behind(core, confirmation, handover));
  handover.stage = HandoverStage::kConfirming;
  handover.confirmed_unix_s = core.clock().unix_s();
  APM_CHECK_OK(write_handover(core.barrier(), handover));
  APM_CHECK_OK(finish_confirmation(core, handover));
  return handover;
}

Status finish_confirmation(Core& core, Handover& handover) {
  const auto entry = core.tokens().lookup_accessor(handover.accessor);
  if (entry.ok()) {
    APM_CHECK_OK(core.tokens().revoke(entry->id));
  } else if (entry.error().code != Code::kNotFound) {
    return entry.error();
  }
  handover.stage = HandoverStage::kConfirmed;
  return write_handover(core.barrier(), handover);
}

}  // namespace apm::api
