// What is ours alone, below sys/apm/, where no path of Vault's can ever stand: status and the
// hand-over of the first root token.

#include "api/endpoints.h"
#include "api/handover.h"
#include "base/text.h"

namespace apm::api {
namespace {

json::Array texts(const std::vector<std::string>& list) { return {list.begin(), list.end()}; }

json::Value time_or_null(std::int64_t unix_s) {
  return unix_s == 0 ? json::Value() : json::Value(rfc3339(unix_s));
}

json::Value describe(const std::optional<MasterKeyFacts>& key) {
  if (!key) return {};
  return json::Object{{"kid", key->kid},
                      {"release_policy_sha256", key->policy_sha256},
                      {"release_policy_since", time_or_null(key->since_unix_s)},
                      {"previous_release_policy_sha256", key->previous_policy_sha256},
                      {"previous_kid", key->previous_kid}};
}

// What somebody must know who trusts this server; empty when all is well.
json::Array warnings_of(Core& core, const json::Object& handover) {
  json::Array out;
  const Settings& settings = core.settings();
  if (core.store_kind() == barrier::StoreKind::kTest) {
    out.emplace_back("TEST STORE: it must never hold real secrets");
  }
  if (!settings.trust_anchors.empty()) {
    std::string names;
    for (const std::string& name : settings.trust_anchors) {
      names += (names.empty() ? "" : ", ") + name;
    }
    out.emplace_back("TRUST ANCHORS THAT ARE NOT A VENDOR'S ARE IN USE: " + names);
  }
  if (!settings.memory_locked) {
    out.emplace_back("memory is not locked (disable_mlock): secrets may be swapped out; keys not");
  }
  if (core.audit().device_names().empty()) out.emplace_back("no audit device is configured");
  if (const auto& key = core.master_key(); key && !key->previous_policy_sha256.empty()) {
    out.emplace_back(concat("the release policy of the master key was changed at ",
                            rfc3339(key->since_unix_s), ", from ", key->previous_policy_sha256,
                            " to ", key->policy_sha256));
  }
  const std::string* state = handover.find("state")->as_string();
  if (state != nullptr && *state != "none" && *state != "confirmed") {
    out.emplace_back(*handover.find("text"));
  }
  return out;
}

}  // namespace

Result<Answer> serve_apm_status(Core& core, Call& call, const std::string&) {
  if (call.operation != logical::Operation::kRead) return unsupported();
  APM_TRY(const Handover record, read_handover(core.barrier()));
  APM_TRY(json::Object handover, describe_handover(core, record));
  const Settings& settings = core.settings();
  json::Array warnings = warnings_of(core, handover);
  Answer answer;
  answer.data = json::Object{{"version", kVersion},
                             {"mode", core.mode() == Mode::kSelfBooted ? "boot" : "server"},
                             {"store_kind", barrier::kind_name(core.store_kind())},
                             {"storage_type", core.info().storage_type},
                             {"storage", settings.storage_description},
                             {"memory_locked", settings.memory_locked},
                             {"audit_devices", texts(core.audit().device_names())},
                             {"trust_anchors", texts(settings.trust_anchors)},
                             {"endorsement_sources", texts(settings.endorsement_sources)},
                             {"test_settings", texts(settings.test_settings)},
                             {"master_key", describe(core.master_key())},
                             {"handover", std::move(handover)},
                             {"warnings", std::move(warnings)}};
  return answer;
}

Result<Answer> serve_handover(Core& core, Call& call, const std::string&) {
  if (call.operation != logical::Operation::kRead) return unsupported();
  APM_TRY(const Handover record, read_handover(core.barrier()));
  Answer answer;
  APM_TRY(answer.data, describe_handover(core, record));
  return answer;
}

Result<Answer> serve_handover_confirm(Core& core, Call& call, const std::string&) {
  if (!is_write(call)) return unsupported();
  APM_TRY(const bool forced, flag_field(call.data, "force", false));
  APM_TRY(const Handover done, confirm_handover(core, {call.caller, call.token_id, forced}));
  Answer answer;
  APM_TRY(answer.data, describe_handover(core, done));
  // With -force the caller's own token may be gone by now.
  const auto entry = core.tokens().lookup_accessor(call.caller.accessor);
  if (entry.ok() && entry->expires_unix_s != 0) {
    answer.warnings.push_back(concat("the token that you confirmed with ends at ",
                                     rfc3339(entry->expires_unix_s),
                                     " unless it is renewed: no root token will follow"));
  }
  note_unknown(call, answer, {"force"});
  return answer;
}

}  // namespace apm::api
