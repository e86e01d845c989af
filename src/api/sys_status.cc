// sys/health.

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

// `standbyok` makes a standby look like an active node, for a balancer that may use both.
Result<int> code_of_standby(const json::Object& data, int active_code) {
  constexpr int kStandbyCode = 429;
  const json::Value* asked = data.find("standbyok");
  const bool bare =
      asked != nullptr && asked->as_string() != nullptr && asked->as_string()->empty();
  APM_TRY(const bool ok, bare ? Result<bool>(true) : flag_field(data, "standbyok", false));
  return chosen_code(data, "standbycode", ok ? active_code : kStandbyCode);
}

struct Health {
  bool initialized;
  bool sealed;
  bool standby;
};

struct HealthCodes {
  int active;
  int standby;
  int sealed;
  int uninitialized;
};

int code_of(const Health& health, const HealthCodes& codes) {
  if (!health.initialized) return codes.uninitialized;
  if (health.sealed) return codes.sealed;
  return health.standby ? codes.standby : codes.active;
}

}  // namespace

Result<Answer> serve_health(Core& core, Call& call, const std::string&) {
  if (call.operation != logical::Operation::kRead) return unsupported();
  APM_TRY(const int active_code, chosen_code(call.data, "activecode", 200));
  APM_TRY(const int sealed_code, chosen_code(call.data, "sealedcode", 503));
  APM_TRY(const int uninit_code, chosen_code(call.data, "uninitcode", 501));
  APM_TRY(const barrier::State state, core.barrier().state());
  const bool initialized = state != barrier::State::kUninitialized;
  const bool sealed = !core.unsealed() || core.phase() != Phase::kServing;
  const bool standby = core.node() != nullptr && core.node()->role() != ha::Role::kActive;
  APM_TRY(const int standby_code, code_of_standby(call.data, active_code));

  Answer answer;
  answer.bare = true;
  answer.status = code_of({initialized, sealed, standby},
                          {active_code, standby_code, sealed_code, uninit_code});
  json::Object body{{"initialized", initialized},
                    {"sealed", sealed},
                    {"standby", sealed || standby},
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

}  // namespace apm::api
