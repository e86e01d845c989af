#pragma once

// One holding of the right to write: the state in memory, and the commits that change it. Commits
// that wait together share one append. Any thread may call.
//
// An append whose outcome stays unknown is sent again, the same bytes at the same position, before
// anything else is read or written: it is then done, or the right is lost. While that cannot be
// done, every commit that waits is answered at once: nothing of it was sent.

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "azure/blob_log.h"
#include "azure/blob_right.h"
#include "base/mutex.h"
#include "storage/store.h"

namespace apm::azure {

// When a new segment begins, and how much the store may hold; less in tests.
struct TenureLimits {
  std::size_t segment_appends = 0;
  std::size_t segment_bytes = 0;
  std::size_t state_bytes = 0;
};

class BlobTenure {
 public:
  struct Parts {
    std::string description;
    std::uint64_t epoch = 0;
    LogView view;
    std::unique_ptr<BlobRight> right;
    TenureLimits limits;
  };
  // Borrows the client, which only this object uses under `client_mutex`.
  BlobTenure(BlobClient& client, Mutex& client_mutex, Parts parts);

  [[nodiscard]] BlobRight& right() { return *right_; }
  [[nodiscard]] std::uint64_t epoch() const { return epoch_; }
  [[nodiscard]] LogHead head();

  [[nodiscard]] Status commit(const storage::Batch& batch);
  // As of all that was acknowledged, for as long as the right is held: ask for that afterwards.
  [[nodiscard]] Result<std::optional<Bytes>> get(const std::string& key);
  [[nodiscard]] Result<std::vector<std::string>> list(const std::string& prefix);
  [[nodiscard]] Result<std::map<std::string, Bytes>> values();

 private:
  using Changes = std::map<std::string, std::optional<Bytes>>;  // nothing: deleted
  struct Waiting {
    const storage::Batch& batch;
    std::optional<Status> result;
  };
  struct Unsettled {
    EncodedRecord encoded;
    Changes changes;
    std::int64_t growth = 0;
  };

  struct Processed {
    Status ready;  // an error: nothing of any commit was sent
    std::vector<Status> results;
  };

  [[nodiscard]] std::vector<Waiting*> take_group() APM_REQUIRES(queue_mutex_);
  [[nodiscard]] Processed process(const std::vector<Waiting*>& group);
  [[nodiscard]] Status make_ready() APM_REQUIRES(client_mutex_);
  [[nodiscard]] Status check_preconditions(const storage::Batch& batch, const Changes& changes)
      APM_REQUIRES(client_mutex_);
  // What the batch adds to the state; a smaller state is negative.
  [[nodiscard]] std::int64_t growth(const storage::Batch& batch, const Changes& changes)
      APM_REQUIRES(client_mutex_);
  [[nodiscard]] Status write(Changes changes, std::int64_t growth) APM_REQUIRES(client_mutex_);
  [[nodiscard]] Status append(const Unsettled& next, Doubt doubt) APM_REQUIRES(client_mutex_);
  [[nodiscard]] Status settle() APM_REQUIRES(client_mutex_);
  [[nodiscard]] Status settle_for_reading();
  [[nodiscard]] Error unavailable(const Error& error) const;
  [[nodiscard]] Error no_roll(const Error& error);
  [[nodiscard]] Error refused(const Error& error);

  BlobClient& client_;
  Mutex& client_mutex_;
  const std::string description_;
  const std::uint64_t epoch_;
  const TenureLimits limits_;
  std::unique_ptr<BlobRight> right_;

  SharedMutex view_mutex_;  // written under client_mutex_ too
  LogView view_ APM_GUARDED_BY(view_mutex_);
  std::int64_t state_bytes_ APM_GUARDED_BY(client_mutex_);
  std::optional<Unsettled> unsettled_ APM_GUARDED_BY(client_mutex_);
  std::atomic<bool> has_unsettled_{false};

  Mutex queue_mutex_;
  CondVar queue_changed_;
  std::deque<Waiting*> queue_ APM_GUARDED_BY(queue_mutex_);
  bool leading_ APM_GUARDED_BY(queue_mutex_) = false;
};

}  // namespace apm::azure
