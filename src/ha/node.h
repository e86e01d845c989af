#pragma once

// Which of the servers on one store serves. A node that is unsealed competes for the store's lease;
// who has it is active, the others stand by. One thread does all that (run()):
//
//   idle --stand()--> standby --lease--> active --lost, step_down(), withdraw()--> standby or idle
//
// On the way to active everything that is kept in memory is loaded from the store (Duties); on the
// way back it is dropped and requests that are under way end, before the node competes again.
// Does not own store, duties or log, which outlive it. Any thread may call.

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "base/clock.h"
#include "base/log.h"
#include "base/mutex.h"
#include "ha/gate.h"
#include "storage/store.h"

namespace apm::ha {

enum class Role { kIdle, kStandby, kActive };
[[nodiscard]] std::string_view role_name(Role role);  // "idle", "standby", "active"

// What the rest of the server does when its role changes; called by the node's thread alone.
class Duties {
 public:
  virtual ~Duties() = default;
  // The text that the lease carries (advert.h).
  [[nodiscard]] virtual Result<std::string> lease_owner() = 0;
  // Its address, when the text is of a node of ours that has one.
  [[nodiscard]] virtual std::optional<std::string> address_in(const std::string& owner) = 0;
  // The lease is held and nobody is served yet: load everything.
  [[nodiscard]] virtual Status take_over() = 0;
  // Nobody is served any more: drop what was loaded. Also after a take_over() that failed.
  virtual void step_back() = 0;
};

struct Leader {
  std::string api_addr;
  bool self = false;
  std::uint64_t epoch = 0;
};

// A takeover that fails is tried again after `retry`, and each time after twice as long, so that a
// node which cannot serve leaves the lease to one that can.
struct Timing {
  Milliseconds poll;
  Milliseconds step_down_pause;
  Milliseconds retry;
  Milliseconds retry_max;
};
[[nodiscard]] Timing default_timing();

class Node {
 public:
  Node(storage::Store& store, Duties& duties, Log& log, const Timing& timing = default_timing());
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  // From now on it competes. The role that it got first; or why taking over failed, or the store
  // could not be asked. kDeadlineExceeded "ha_undecided" when neither is known by the deadline;
  // kUnavailable "ha_withdrawn" when somebody withdrew it meanwhile.
  [[nodiscard]] Result<Role> stand(const Deadline& deadline);
  // Competes no more and gives the lease up, soon. For a server that was sealed.
  void withdraw();
  // kConflict "not_active" when it is not active. The lease is given up when the requests under way
  // have ended, and not asked for again for a while.
  [[nodiscard]] Status step_down();
  // As withdraw(), and waits until it is done. Nothing happens afterwards.
  void stop();

  // Active only while it serves: not once the lease is over, though the thread may learn that later
  // (a process that was paused and goes on), nor while it steps down.
  [[nodiscard]] Role role();
  // Who is active, when it is known. Never this node unless role() is active.
  [[nodiscard]] std::optional<Leader> leader();
  // When this node became active, Unix seconds; 0: it is not.
  [[nodiscard]] std::int64_t active_since();
  [[nodiscard]] Gate& gate() { return gate_; }
  // The lease for a moment, for what must be done before there is anything to unseal: making the
  // store. kConflict "lease_held".
  [[nodiscard]] Result<std::unique_ptr<storage::Lease>> lease_for_setup(const Deadline& deadline);

 private:
  enum class Wish { kIdle, kCompete, kStepDown };

  void run();
  void compete(std::uint64_t since);
  [[nodiscard]] Result<std::shared_ptr<storage::Lease>> acquire();
  void stand_by(std::uint64_t since);
  void look_for_leader();
  void refused(const std::string& what, const Error& error);
  [[nodiscard]] Status begin_term(const std::shared_ptr<storage::Lease>& lease,
                                  std::uint64_t since);
  [[nodiscard]] Status open_gate(const std::shared_ptr<storage::Lease>& lease, std::uint64_t since);
  [[nodiscard]] std::string serve_term(const storage::Lease& lease,
                                       std::uint64_t since);  // why it ended
  void end_term(std::shared_ptr<storage::Lease> lease, const std::string& why);
  void wait_until_empty();
  void report(std::uint64_t since, Result<Role> outcome);
  // The number of the wish to compete; nothing: stop.
  [[nodiscard]] std::optional<std::uint64_t> wait_for_candidacy();
  void pause(Milliseconds span);  // ends early when the wish changes
  [[nodiscard]] bool wishes_changed(std::uint64_t since);

  storage::Store& store_;
  Duties& duties_;
  Log& log_;
  const Timing timing_;
  Gate gate_;
  std::atomic<Role> role_{Role::kIdle};
  std::atomic<std::int64_t> active_since_{0};
  // The thread's own: what was said already, and what it waits after the next failed takeover.
  bool standing_by_ = false;
  std::string complaint_;
  Milliseconds retry_pause_;

  Mutex mutex_;
  CondVar changed_;
  Wish wish_ APM_GUARDED_BY(mutex_) = Wish::kIdle;
  std::uint64_t wishes_ APM_GUARDED_BY(mutex_) = 0;  // counts changes of the wish
  bool stopped_ APM_GUARDED_BY(mutex_) = false;
  std::optional<Result<Role>> outcome_ APM_GUARDED_BY(mutex_);
  std::optional<Leader> leader_ APM_GUARDED_BY(mutex_);
  SteadyTime leader_seen_ APM_GUARDED_BY(mutex_){};
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace apm::ha
