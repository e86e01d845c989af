// sys/leader and sys/step-down.

#include "api/endpoints.h"
#include "base/clock.h"
#include "base/text.h"

namespace apm::api {
namespace {

constexpr std::string_view kNoTime = "0001-01-01T00:00:00Z";  // Go's zero time, as Vault says it

// The only server of its store, as `inmem` has it.
json::Object alone(Core& core) {
  return json::Object{{"ha_enabled", false},
                      {"is_self", core.active()},
                      {"active_time", kNoTime},
                      {"leader_address", core.info().api_address},
                      {"leader_cluster_address", ""},
                      {"performance_standby", false},
                      {"performance_standby_last_remote_wal", 0}};
}

}  // namespace

Result<Answer> serve_leader(Core& core, Call& call, const std::string&) {
  if (call.operation != logical::Operation::kRead) return unsupported();
  if (!core.unsealed()) return Error(Code::kSealed, "sealed", "Vault is sealed");
  Answer answer;
  answer.bare = true;
  json::Object body = alone(core);
  if (core.node() != nullptr) {
    const std::optional<ha::Leader> leader = core.node()->leader();
    const std::int64_t since = core.node()->active_since();
    body.set("ha_enabled", true);
    body.set("is_self", leader && leader->self);
    body.set("active_time", since == 0 ? std::string(kNoTime) : rfc3339(since));
    body.set("leader_address", leader ? leader->api_addr : "");
    // What is ours alone: the number of the active node's term, which every write carries.
    body.set("epoch", leader ? leader->epoch : 0);
  }
  answer.data = std::move(body);
  return answer;
}

Result<Answer> serve_step_down(Core& core, Call& call, const std::string&) {
  if (!is_write(call)) return unsupported();
  if (core.node() == nullptr) {
    return Error(Code::kInvalidArgument, "ha_disabled", "this server is the only one of its store");
  }
  APM_CHECK_OK(core.node()->step_down());
  Answer answer;
  answer.ends_term = true;
  return answer;
}

}  // namespace apm::api
