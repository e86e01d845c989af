// sys/health and sys/leader.

#include "api/endpoints.h"

namespace apm::api {
namespace {

// A status code that the client chose for a state; within what HTTP allows for final answers.
Result<int> chosen_code(const json::Object& data, std::string_view name, int fallback) {
  if (data.find(name) == nullptr) return fallback;
  constexpr std::uint64_t kLeast = 200;
  constexpr std::uint64_t kMost = 599;
  APM_TRY(const std::uint64_t code, count_field(data, name));
  if (code < kLeast || code > kMost) {
    return Error(Code::kInvalidArgument, "field", "a status code must be between 200 and 599");
  }
  return static_cast<int>(code);
}

}  // namespace

Result<Answer> serve_health(Core& core, Call& call, const std::string&) {
  if (call.operation != logical::Operation::kRead) return unsupported();
  APM_TRY(const int active_code, chosen_code(call.data, "activecode", 200));
  APM_TRY(const int sealed_code, chosen_code(call.data, "sealedcode", 503));
  APM_TRY(const int uninit_code, chosen_code(call.data, "uninitcode", 501));
  APM_TRY(const barrier::State state, core.barrier().state());
  const bool initialized = state != barrier::State::kUninitialized;
  const bool sealed = !core.active() || core.phase() != Phase::kServing;

  Answer answer;
  answer.bare = true;
  answer.status = !initialized ? uninit_code : (sealed ? sealed_code : active_code);
  json::Object body{{"initialized", initialized},
                    {"sealed", sealed},
                    {"standby", sealed},
                    {"performance_standby", false},
                    {"replication_performance_mode", "disabled"},
                    {"replication_dr_mode", "disabled"},
                    {"server_time_utc", core.clock().unix_s()},
                    {"version", kVersion}};
  if (!sealed) {
    APM_TRY(const auto config, core.barrier().seal_config());
    body.set("cluster_name", core.info().cluster_name);
    body.set("cluster_id", config ? config->store_id : "");
  }
  answer.data = std::move(body);
  return answer;
}

Result<Answer> serve_leader(Core& core, Call& call, const std::string&) {
  if (call.operation != logical::Operation::kRead) return unsupported();
  Answer answer;
  answer.bare = true;
  answer.data = json::Object{{"ha_enabled", false},
                             {"is_self", core.active()},
                             {"active_time", "0001-01-01T00:00:00Z"},
                             {"leader_address", core.info().api_address},
                             {"leader_cluster_address", ""},
                             {"performance_standby", false},
                             {"performance_standby_last_remote_wal", 0}};
  return answer;
}

}  // namespace apm::api
