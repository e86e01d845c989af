#include "endorsements/cache.h"

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace apm::endorsements {
namespace {

constexpr std::chrono::minutes kBudgetSpan{1};

std::int64_t keep_for_s(const Error& error) {
  if (error.reason == "endorsement_not_found") return kNotFoundKeepS;
  if (error.reason == "endorsement_unreachable" || error.reason == "endorsement_throttled") {
    return kUnreachableKeepS;
  }
  return error.reason == "endorsement_deadline" ? kDeadlineKeepS : kUnusableKeepS;
}

Error full(std::string reason, std::string_view what) {
  return Error(Code::kUnavailable, std::move(reason),
               concat("endorsements: ", what,
                      ". Use a mirror near by, let the evidence bring its collateral, or find who "
                      "sends evidence of ever other machines"));
}

std::string source_of(const std::string& key) { return key.substr(0, key.find(' ')); }

void forget_old(std::deque<SteadyTime>& times, SteadyTime now) {
  while (!times.empty() && now - times.front() >= kBudgetSpan) times.pop_front();
}

// Room for one more: the entry whose `order` is the least goes.
template <class Map, class Order>
void make_room(Map& map, std::size_t max, const Order& order) {
  if (map.size() < max) return;
  map.erase(std::min_element(map.begin(), map.end(), [&](const auto& a, const auto& b) {
    return order(a.second) < order(b.second);
  }));
}

// Runs when it goes, whichever way the function ends.
template <class F>
class Finally {
 public:
  explicit Finally(F run) : run_(std::move(run)) {}
  Finally(const Finally&) = delete;
  Finally& operator=(const Finally&) = delete;
  ~Finally() { run_(); }

 private:
  F run_;
};

}  // namespace

SharedDocument Cache::usable(const std::string& key, std::int64_t not_before_s) {
  const auto found = documents_.find(key);
  if (found == documents_.end()) return nullptr;
  const SharedDocument& document = found->second.document;
  if (clock_.unix_s() >= document->valid_until_s) {
    documents_.erase(found);
    return nullptr;
  }
  if (document->fetched_at_s < not_before_s) return nullptr;
  found->second.used_at = ++uses_;
  return document;
}

std::optional<Error> Cache::remembered_refusal(const std::string& key) {
  const auto found = refusals_.find(key);
  if (found == refusals_.end()) return std::nullopt;
  if (clock_.unix_s() < found->second.until_s) return found->second.error;
  refusals_.erase(found);
  return std::nullopt;
}

Status Cache::count_asker(const std::string& asker) {
  if (asker.empty()) return {};
  const SteadyTime now = clock_.steady();
  if (!askers_.contains(asker)) {
    make_room(askers_, kAskersMax,
              [](const auto& asked) { return asked.empty() ? SteadyTime::min() : asked.back(); });
  }
  std::deque<SteadyTime>& asked = askers_[asker];
  forget_old(asked, now);
  if (asked.size() >= limits_.fetches_per_asker_max) {
    return full("endorsement_budget", "one address asks for the certificates of too many machines");
  }
  asked.push_back(now);
  return {};
}

Status Cache::may_fetch(const std::string& source, const std::string& asker) {
  if (flights_.size() >= limits_.flights_max) {
    return full("endorsement_busy", "too many documents are being fetched already");
  }
  const SteadyTime now = clock_.steady();
  std::deque<SteadyTime>& fetches = fetches_[source];
  forget_old(fetches, now);
  if (fetches.size() >= limits_.fetches_per_minute_max) {
    return full("endorsement_budget", "the fetches of this minute are used up");
  }
  APM_CHECK_OK(count_asker(asker));
  fetches.push_back(now);
  return {};
}

// An asker has half of the places at most: while the source hangs, others still get one.
Status Cache::hold(const std::string& source, const std::string& asker) {
  std::size_t& held = held_[source];
  if (held >= limits_.callers_max) {
    return full("endorsement_busy", "too many callers wait for the source already");
  }
  if (!asker.empty()) {
    const std::size_t share = std::max<std::size_t>(limits_.callers_max / 2, 1);
    std::size_t& own = held_by_[{source, asker}];
    if (own >= share) {
      return full("endorsement_busy",
                  "too many callers of one address wait for the source already");
    }
    ++own;
  }
  ++held;
  return {};
}

void Cache::let_go(const std::string& source, const std::string& asker) {
  const MutexLock lock(mutex_);
  --held_[source];
  const auto own = held_by_.find({source, asker});
  if (own != held_by_.end() && --own->second == 0) held_by_.erase(own);
}

void Cache::keep(const std::string& key, SharedDocument document) {
  refusals_.erase(key);
  if (!documents_.contains(key)) {
    make_room(documents_, limits_.documents_max, [](const Kept& kept) { return kept.used_at; });
  }
  documents_.insert_or_assign(key, Kept{std::move(document), ++uses_});
}

void Cache::keep_refusal(const std::string& key, const Error& error) {
  if (!refusals_.contains(key)) {
    make_room(refusals_, limits_.refusals_max, [](const Refusal& r) { return r.until_s; });
  }
  refusals_.insert_or_assign(key, Refusal{error, clock_.unix_s() + keep_for_s(error)});
}

Result<SharedDocument> Cache::fly(const std::string& key, const Fetch& fetch,
                                  const Deadline& deadline) {
  const Finally land([&] {
    const MutexLock lock(mutex_);
    flights_.erase(key);
    landed_.notify_all();
  });
  auto fetched = fetch(deadline);
  const MutexLock lock(mutex_);
  if (!fetched.ok()) {
    keep_refusal(key, fetched.error());
    return fetched.error();
  }
  auto document = std::make_shared<const Document>(std::move(*fetched));
  keep(key, document);
  return SharedDocument(std::move(document));
}

Cache::Known Cache::at_once(const std::string& key, const FetchTerms& terms,
                            SharedDocument& fallback) {
  fallback = usable(key, terms.not_before_s);
  const bool fresh = fallback != nullptr && clock_.unix_s() < fallback->refresh_at_s;
  if (fresh) return Known(fallback);
  const auto refusal = remembered_refusal(key);
  // Whoever flies will bring a new one for the next caller.
  if (fallback != nullptr && (refusal || flights_.contains(key))) return Known(fallback);
  if (refusal) return Known(*refusal);
  return std::nullopt;
}

Result<SharedDocument> Cache::wait_or_fly(const std::string& key, const Fetch& fetch,
                                          const Deadline& deadline, const FetchTerms& terms) {
  SharedDocument fallback;
  {
    const MutexLock lock(mutex_);
    while (true) {
      if (Known known = at_once(key, terms, fallback)) return std::move(*known);
      if (!flights_.contains(key)) break;
      const SteadyTime at = std::chrono::steady_clock::now() + deadline.left();
      if (!landed_.wait_until(mutex_, at) && deadline.passed()) {
        return Error(
            Code::kUnavailable, "endorsement_deadline",
            "endorsements: a fetch of the same document took too long. Give the login more "
            "time, or use a mirror near by");
      }
    }
    if (const Status may = may_fetch(source_of(key), terms.asker); !may.ok()) {
      if (fallback != nullptr) return fallback;
      return may.error();
    }
    flights_.insert(key);
  }
  const Milliseconds span = fallback == nullptr ? kFetchDeadline : kRefreshDeadline;
  auto fetched = fly(key, fetch, deadline.at_most(span));
  if (!fetched.ok() && fallback != nullptr) return fallback;
  return fetched;
}

Result<SharedDocument> Cache::get(const std::string& key, const Fetch& fetch,
                                  const Deadline& deadline, const FetchTerms& terms) {
  const std::string source = source_of(key);
  {
    const MutexLock lock(mutex_);
    SharedDocument fallback;
    if (Known known = at_once(key, terms, fallback)) return std::move(*known);
    if (const Status may = hold(source, terms.asker); !may.ok()) {
      if (fallback != nullptr) return fallback;
      return may.error();
    }
  }
  const Finally release([&] { let_go(source, terms.asker); });
  return wait_or_fly(key, fetch, deadline, terms);
}

}  // namespace apm::endorsements
