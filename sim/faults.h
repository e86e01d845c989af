#pragma once

// What the simulated services did (the request log) and what they are told to do wrong: fault rules
// and process kills, armed through the control API. Owns no connection. Any thread may call.

#include <sys/types.h>

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/mutex.h"
#include "base/result.h"
#include "sim/wire.h"

namespace apm::sim {

struct FaultRule {
  std::string service;        // empty: any
  std::string path_contains;  // empty: any
  std::string method;         // empty: any
  std::int64_t nth = 0;       // only the nth matching request from now (1 = the next)
  std::int64_t from = 0;      // or the nth and all after it
  std::int64_t count = 0;     // or the next `count` ones; all three 0: every one
  std::string action;
  std::int64_t seen = 0;
};

enum class KillPoint { kConnect, kReceived, kReplied };

struct KillRule {
  pid_t pid = 0;
  std::int64_t request = 1;  // counted from when it was armed
  KillPoint when = KillPoint::kReceived;
  std::int64_t seen = 0;
  bool done = false;
};

// What to do with one request that has been read.
struct RequestPlan {
  std::uint64_t number = 0;
  std::optional<int> status;  // answer this and do not act
  bool drop = false;          // close without an answer, without acting
  int latency_ms = 0;
  std::string fault;  // for the service
  std::vector<pid_t> kill_after_reply;
};

class Faults {
 public:
  explicit Faults(const Clock& clock) : clock_(clock) {}

  // kInvalidArgument "fault_rule" / "kill_rule" with what is wrong.
  [[nodiscard]] Status add_fault(const json::Value& rule);
  [[nodiscard]] Status arm_kill(const json::Value& rule);
  void clear_faults();
  [[nodiscard]] bool kill_armed() const;

  // Points in the life of a connection. `counted` tells that on_connect() counted the first
  // request.
  [[nodiscard]] bool on_connect();
  [[nodiscard]] RequestPlan begin(const HttpRequest& request, bool counted);
  void end(const RequestPlan& plan, int status);

  [[nodiscard]] json::Value log() const;
  [[nodiscard]] json::Value counts() const;

 private:
  struct Entry {
    std::uint64_t number;
    std::string service, method, path, fault;
    int status;
    std::int64_t started_ms;
  };
  [[nodiscard]] std::string matching_action(const HttpRequest& request) APM_REQUIRES(mutex_);

  const Clock& clock_;
  mutable Mutex mutex_;
  std::deque<Entry> entries_ APM_GUARDED_BY(mutex_);
  std::map<std::string, std::uint64_t> counts_ APM_GUARDED_BY(mutex_);
  std::uint64_t next_ APM_GUARDED_BY(mutex_) = 1;
  std::vector<FaultRule> faults_ APM_GUARDED_BY(mutex_);
  std::vector<KillRule> kills_ APM_GUARDED_BY(mutex_);
};

}  // namespace apm::sim
