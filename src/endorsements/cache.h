#pragma once

// Documents that were fetched, kept until their own end and never used past it; failures, kept for
// a short while; and one fetch at a time for one key, whose outcome all who wait for it share. The
// number of documents, failures, fetches at a time, fetches a minute of one source (and for one
// asker) and callers that are held up by one source is bounded: what is here is given to any number
// of callers at once. Failures never push documents out. Any thread may call; borrows the clock.
//
// A key is the source, a blank, and what is asked of it: "amd vcek/v1/Milan/...".
//
// A document that is due for a refresh and still valid serves when the refresh fails.
//
// Errors: those of the fetch, and kUnavailable "endorsement_busy", "endorsement_budget" (too many
// fetches or callers at a time, fetches in a minute), "endorsement_deadline" (another caller's
// fetch took too long).

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"
#include "endorsements/document.h"
#include "endorsements/limits.h"

namespace apm::endorsements {

struct CacheLimits {
  std::size_t documents_max = kDocumentsMax;
  std::size_t refusals_max = kRefusalsMax;
  std::size_t flights_max = kFlightsMax;
  std::size_t fetches_per_minute_max = kFetchesPerMinuteMax;
  std::size_t fetches_per_asker_max = kFetchesPerAskerMax;
  std::size_t callers_max = kCallersMax;
};

struct FetchTerms {
  std::int64_t not_before_s = 0;  // a document fetched before that is asked for again
  std::string asker;              // counted on its own; "": somebody who proved something
};

using SharedDocument = std::shared_ptr<const Document>;

class Cache {
 public:
  using Fetch = std::function<Result<Document>(const Deadline& deadline)>;

  explicit Cache(const Clock& clock, CacheLimits limits = {}) : clock_(clock), limits_(limits) {}

  [[nodiscard]] Result<SharedDocument> get(const std::string& key, const Fetch& fetch,
                                           const Deadline& deadline, const FetchTerms& terms = {});

 private:
  struct Kept {
    SharedDocument document;
    std::int64_t used_at = 0;  // counts uses
  };
  struct Refusal {
    Error error;
    std::int64_t until_s = 0;
  };

  [[nodiscard]] SharedDocument usable(const std::string& key, std::int64_t not_before_s)
      APM_REQUIRES(mutex_);
  [[nodiscard]] std::optional<Error> remembered_refusal(const std::string& key)
      APM_REQUIRES(mutex_);
  using Known = std::optional<Result<SharedDocument>>;
  // What can be said without waiting; `fallback` is what serves when a refresh fails.
  [[nodiscard]] Known at_once(const std::string& key, const FetchTerms& terms,
                              SharedDocument& fallback) APM_REQUIRES(mutex_);
  [[nodiscard]] Status hold(const std::string& source, const std::string& asker)
      APM_REQUIRES(mutex_);
  void let_go(const std::string& source, const std::string& asker) APM_EXCLUDES(mutex_);
  [[nodiscard]] Status may_fetch(const std::string& source, const std::string& asker)
      APM_REQUIRES(mutex_);
  [[nodiscard]] Status count_asker(const std::string& asker) APM_REQUIRES(mutex_);
  void keep(const std::string& key, SharedDocument document) APM_REQUIRES(mutex_);
  void keep_refusal(const std::string& key, const Error& error) APM_REQUIRES(mutex_);
  [[nodiscard]] Result<SharedDocument> wait_or_fly(const std::string& key, const Fetch& fetch,
                                                   const Deadline& deadline,
                                                   const FetchTerms& terms) APM_EXCLUDES(mutex_);
  [[nodiscard]] Result<SharedDocument> fly(const std::string& key, const Fetch& fetch,
                                           const Deadline& deadline) APM_EXCLUDES(mutex_);

  const Clock& clock_;
  const CacheLimits limits_;
  Mutex mutex_;
  CondVar landed_;
  std::map<std::string, Kept> documents_ APM_GUARDED_BY(mutex_);
  std::map<std::string, Refusal> refusals_ APM_GUARDED_BY(mutex_);
  std::set<std::string> flights_ APM_GUARDED_BY(mutex_);
  std::map<std::string, std::deque<SteadyTime>> fetches_
      APM_GUARDED_BY(mutex_);  // source -> last minute's
  std::map<std::string, std::deque<SteadyTime>> askers_ APM_GUARDED_BY(mutex_);  // likewise
  std::map<std::string, std::size_t> held_ APM_GUARDED_BY(mutex_);  // source -> callers
  // Source and asker -> callers; those of no asker are not here.
  std::map<std::pair<std::string, std::string>, std::size_t> held_by_ APM_GUARDED_BY(mutex_);
  std::int64_t uses_ APM_GUARDED_BY(mutex_) = 0;
};

}  // namespace apm::endorsements
