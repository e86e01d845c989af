#include "ha/node.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "ha/limits.h"

namespace apm::ha {

std::string_view role_name(Role role) {
  switch (role) {
    case Role::kIdle: return "idle";
    case Role::kStandby: return "standby";
    case Role::kActive: return "active";
  }
  return "idle";
}

Timing default_timing() { return {kPollInterval, kStepDownPause, kRetryPause, kRetryPauseMax}; }

Node::Node(storage::Store& store, Duties& duties, Log& log, const Timing& timing)
    : store_(store),
      duties_(duties),
      log_(log),
      timing_(timing),
      retry_pause_(timing.retry),
      thread_([this] { run(); }) {}

Node::~Node() { stop(); }

// --- What others want ---

Result<Role> Node::stand(const Deadline& deadline) {
  const SteadyTime until = std::chrono::steady_clock::now() + deadline.left();
  const MutexLock lock(mutex_);
  wish_ = Wish::kCompete;
  const std::uint64_t since = ++wishes_;
  outcome_.reset();
  changed_.notify_all();
  while (!outcome_) {
    if (wishes_ != since || stopped_) {
      return Error(Code::kUnavailable, "ha_withdrawn",
                   "the server was sealed or stopped before it had a role; see its log");
    }
    if (!changed_.wait_until(mutex_, until) && !outcome_) {
      return Error(Code::kDeadlineExceeded, "ha_undecided",
                   concat("it is not known yet who serves ", store_.description(),
                          ": the storage does not answer; look at it and try again"));
    }
  }
  return *outcome_;
}

void Node::withdraw() {
  const MutexLock lock(mutex_);
  wish_ = Wish::kIdle;
  ++wishes_;
  gate_.close();
  changed_.notify_all();
}

Status Node::step_down() {
  const MutexLock lock(mutex_);
  if (role_ != Role::kActive || wish_ != Wish::kCompete) {
    return Error(Code::kConflict, "not_active",
                 "this node is not the active one: there is nothing to step down from");
  }
  wish_ = Wish::kStepDown;
  ++wishes_;
  gate_.close();
  changed_.notify_all();
  return {};
}

void Node::stop() {
  {
    const MutexLock lock(mutex_);
    stopped_ = true;
    ++wishes_;
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

Role Node::role() {
  const Role own = role_.load();
  return own == Role::kActive && !gate_.passable() ? Role::kStandby : own;
}

std::int64_t Node::active_since() { return role() == Role::kActive ? active_since_.load() : 0; }

std::optional<Leader> Node::leader() {
  const MutexLock lock(mutex_);
  if (!leader_) return std::nullopt;
  const bool fresh = std::chrono::steady_clock::now() - leader_seen_ < kLeaderKnownFor;
  const bool stands = leader_->self ? role() == Role::kActive : fresh;
  return stands ? leader_ : std::nullopt;
}

Result<std::unique_ptr<storage::Lease>> Node::lease_for_setup(const Deadline& deadline) {
  return store_.acquire_lease(
      concat("anjuna-policy-manager-server, process ", ::getpid(), ", initialising"), deadline);
}

// --- The thread ---

void Node::run() {
  while (const auto since = wait_for_candidacy()) compete(*since);
  role_ = Role::kIdle;
}

std::optional<std::uint64_t> Node::wait_for_candidacy() {
  const MutexLock lock(mutex_);
  while (!stopped_ && wish_ == Wish::kIdle) {
    role_ = Role::kIdle;
    leader_.reset();
    changed_.wait(mutex_);
  }
  if (stopped_) return std::nullopt;
  return wishes_;
}

// One attempt, and the whole term when it succeeds. `since`: a later wish ends it.
void Node::compete(std::uint64_t since) {
  role_ = Role::kStandby;
  auto lease = acquire();
  if (!lease.ok() && lease.error().reason == "lease_held") {
    stand_by(since);
    return pause(timing_.poll);
  }
  standing_by_ = false;
  if (!lease.ok()) {
    refused("the lease cannot be asked for", lease.error());
    report(since, lease.error());
    return pause(timing_.retry);
  }
  const Status begun = begin_term(*lease, since);
  if (!begun.ok()) {
    refused("taking over failed: the lease is given up again", begun.error());
    duties_.step_back();
    lease->reset();
    report(since, begun.error());
    pause(retry_pause_);
    retry_pause_ = std::min(2 * retry_pause_, timing_.retry_max);
    return;
  }
  retry_pause_ = timing_.retry;
  complaint_.clear();
  const std::string why = serve_term(**lease, since);
  end_term(std::move(*lease), why);
}

void Node::stand_by(std::uint64_t since) {
  look_for_leader();
  const std::optional<Leader> known = leader();
  if (!standing_by_) {
    log_.info("ha", "standing by", {{"active", known ? known->api_addr : "not known"}});
  }
  standing_by_ = true;
  report(since, Role::kStandby);
}

// Once for each cause: it is tried again and again.
void Node::refused(const std::string& what, const Error& error) {
  if (error.message == complaint_) return;
  complaint_ = error.message;
  log_.error("ha", what, {{"reason", error.reason}, {"cause", error.message}});
}

Result<std::shared_ptr<storage::Lease>> Node::acquire() {
  APM_TRY(const std::string owner, duties_.lease_owner());
  APM_TRY(std::unique_ptr<storage::Lease> lease,
          store_.acquire_lease(owner, Deadline::after(Milliseconds{0})));
  return std::shared_ptr<storage::Lease>(std::move(lease));
}

void Node::look_for_leader() {
  std::optional<Leader> seen;
  const auto holder = store_.holder();
  if (holder.ok() && *holder) {
    std::optional<std::string> address = duties_.address_in((*holder)->owner);
    if (address) seen = Leader{std::move(*address), false, (*holder)->epoch};
  }
  const MutexLock lock(mutex_);
  if (!seen && holder.ok()) leader_.reset();
  if (!seen) return;
  leader_ = std::move(seen);
  leader_seen_ = std::chrono::steady_clock::now();
}

Status Node::begin_term(const std::shared_ptr<storage::Lease>& lease, std::uint64_t since) {
  const std::string epoch = std::to_string(lease->epoch());
  log_.info("ha", "the lease was acquired: loading", {{"epoch", epoch}});
  {
    const MutexLock lock(mutex_);
    leader_.reset();  // whoever it was, he is not active any more
  }
  APM_CHECK_OK(duties_.take_over());
  APM_CHECK_OK(open_gate(lease, since));
  log_.info("ha", "active", {{"epoch", epoch}});
  report(since, Role::kActive);
  return {};
}

Status Node::open_gate(const std::shared_ptr<storage::Lease>& lease, std::uint64_t since) {
  APM_TRY(const std::string owner, duties_.lease_owner());
  const std::optional<std::string> own = duties_.address_in(owner);
  const MutexLock lock(mutex_);
  if (stopped_ || wishes_ != since || !lease->held()) {
    return Error(Code::kUnavailable, "lease_lost",
                 "the lease was lost, or the server sealed, while the store was being loaded");
  }
  leader_ = Leader{own.value_or(""), true, lease->epoch()};
  active_since_ = SystemClock().unix_s();
  role_ = Role::kActive;
  gate_.open(lease);
  return {};
}

std::string Node::serve_term(const storage::Lease& lease, std::uint64_t since) {
  while (true) {
    if (!lease.held()) return "the lease was lost";
    if (wishes_changed(since)) return "asked to";
    pause(kWatchInterval);
  }
}

bool Node::wishes_changed(std::uint64_t since) {
  const MutexLock lock(mutex_);
  return stopped_ || wishes_ != since;
}

void Node::end_term(std::shared_ptr<storage::Lease> lease, const std::string& why) {
  {
    const MutexLock lock(mutex_);
    leader_.reset();
  }
  role_ = Role::kStandby;
  active_since_ = 0;
  gate_.close();
  // Who ends his term of his own will lets requests finish. After a loss nothing can.
  if (lease->held() && !gate_.drain(Deadline::after(kDrainDeadline))) {
    log_.warn("ha", "requests are cut off: they did not end in time");
  }
  duties_.step_back();
  const std::string epoch = std::to_string(lease->epoch());
  lease.reset();
  wait_until_empty();
  log_.warn("ha", "not active any more", {{"epoch", epoch}, {"why", why}});
  bool stepped_down = false;
  {
    const MutexLock lock(mutex_);
    stepped_down = wish_ == Wish::kStepDown && !stopped_;
    if (stepped_down) wish_ = Wish::kCompete;
  }
  if (stepped_down) pause(timing_.step_down_pause);
}

// Requests have deadlines of their own; none of this term may see the next one.
void Node::wait_until_empty() {
  while (!gate_.drain(Deadline::after(kDrainDeadline))) {
    log_.warn("ha", "waiting for requests of an earlier term to end");
  }
}

// To the wish that it answers, and once.
void Node::report(std::uint64_t since, Result<Role> outcome) {
  const MutexLock lock(mutex_);
  if (outcome_ || wishes_ != since) return;
  outcome_ = std::move(outcome);
  changed_.notify_all();
}

void Node::pause(Milliseconds span) {
  const SteadyTime until = std::chrono::steady_clock::now() + span;
  const MutexLock lock(mutex_);
  const std::uint64_t since = wishes_;
  while (!stopped_ && wishes_ == since) {
    if (!changed_.wait_until(mutex_, until)) return;
  }
}

}  // namespace apm::ha
