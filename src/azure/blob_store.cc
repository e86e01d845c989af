#include "azure/blob_store.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "azure/blob_log.h"
#include "azure/blob_tenure.h"
#include "base/mutex.h"
#include "base/text.h"
#include "crypto/random.h"
#include "storage/map_snapshot.h"
#include "storage/names.h"

namespace apm::azure {
namespace {

using storage::Batch;
using storage::Lease;
using storage::LeaseHolder;

// What the service says of its blobs is no answer to whoever asked for a key: a blob that is
// missing is not a secret that is absent, and the account's refusal is not ours of a token.
Error of_the_store(Error error) {
  if (error.code == Code::kNotFound) {
    return {
        Code::kCorrupt, "azure_log_missing",
        concat("a blob of the commit log is missing: ", error.message, ". Restore the container")};
  }
  const bool kept = error.code == Code::kCorrupt || error.code == Code::kConflict ||
                    error.code == Code::kUnsupported || error.code == Code::kDeadlineExceeded;
  if (!kept) error.code = Code::kUnavailable;
  return error;
}

// A client that several threads take turns with.
struct SharedClient {
  std::unique_ptr<BlobConnection> connection;
  Mutex mutex;
};

class BlobStore final : public storage::Store {
 public:
  struct Connections {
    std::unique_ptr<BlobConnection> commits;
    std::unique_ptr<BlobConnection> renewals;
    std::unique_ptr<BlobConnection> reads;
    std::unique_ptr<BlobConnection> holders;
  };
  BlobStore(Connections connections, BlobStoreOptions options) : options_(std::move(options)) {
    commits_.connection = std::move(connections.commits);
    renewals_.connection = std::move(connections.renewals);
    reads_.connection = std::move(connections.reads);
    holders_.connection = std::move(connections.holders);
  }

  [[nodiscard]] Result<std::optional<Bytes>> get(const std::string& key) override;
  [[nodiscard]] Result<std::vector<std::string>> list(const std::string& prefix) override;
  [[nodiscard]] Result<std::unique_ptr<storage::Snapshot>> snapshot() override;
  [[nodiscard]] Status commit(const Batch& batch) override;
  [[nodiscard]] std::size_t batch_bytes_max() const override { return kLogBatchBytesMax; }
  [[nodiscard]] Result<std::unique_ptr<Lease>> acquire_lease(const std::string& owner,
                                                             const Deadline& deadline) override;
  [[nodiscard]] Result<std::optional<LeaseHolder>> holder() override;
  [[nodiscard]] std::string description() const override { return options_.description; }
  [[nodiscard]] std::string type() const override { return "azure"; }

 private:
  class BlobLease;
  [[nodiscard]] std::shared_ptr<BlobTenure> tenure();
  [[nodiscard]] Status follow(const Deadline& deadline) APM_REQUIRES(reads_.mutex);
  [[nodiscard]] LogHead seen();
  void note_seen(const LogHead& head);
  [[nodiscard]] Status follow_once(const Deadline& deadline) APM_REQUIRES(reads_.mutex);
  [[nodiscard]] Result<std::shared_ptr<BlobTenure>> try_acquire(const std::string& owner);
  [[nodiscard]] Result<std::shared_ptr<BlobTenure>> take_over(const std::string& owner,
                                                              std::unique_ptr<BlobRight> right);
  void release(const std::shared_ptr<BlobTenure>& tenure);

  const BlobStoreOptions options_;
  SharedClient commits_;
  SharedClient renewals_;
  SharedClient reads_;
  SharedClient holders_;

  LogView followed_ APM_GUARDED_BY(reads_.mutex);

  Mutex mutex_;
  std::shared_ptr<BlobTenure> tenure_ APM_GUARDED_BY(mutex_);
  LogHead seen_ APM_GUARDED_BY(mutex_);
};

std::shared_ptr<BlobTenure> BlobStore::tenure() {
  const MutexLock lock(mutex_);
  return tenure_;
}

LogHead BlobStore::seen() {
  const MutexLock lock(mutex_);
  return seen_;
}

void BlobStore::note_seen(const LogHead& head) {
  const MutexLock lock(mutex_);
  if (head.sequence > seen_.sequence) seen_ = head;
}

// --- Reads ---

// Asked whether the right is held after the read: what was read before it ended was the newest.
Result<std::optional<Bytes>> BlobStore::get(const std::string& key) {
  APM_CHECK_OK(storage::check_key(key));
  if (const auto mine = tenure()) {
    auto value = mine->get(key);
    if (mine->right().held()) return value;
  }
  const MutexLock lock(reads_.mutex);
  APM_CHECK_OK(follow(Deadline::after(kWholeLogDeadline)));
  const auto found = followed_.state.values.find(key);
  if (found == followed_.state.values.end()) return std::optional<Bytes>();
  return std::optional(found->second);
}

Result<std::vector<std::string>> BlobStore::list(const std::string& prefix) {
  APM_CHECK_OK(storage::check_prefix(prefix));
  if (const auto mine = tenure()) {
    auto names = mine->list(prefix);
    if (mine->right().held()) return names;
  }
  const MutexLock lock(reads_.mutex);
  APM_CHECK_OK(follow(Deadline::after(kWholeLogDeadline)));
  return storage::names_below(followed_.state.values, prefix);
}

Result<std::unique_ptr<storage::Snapshot>> BlobStore::snapshot() {
  using storage::MapSnapshot;
  if (const auto mine = tenure()) {
    auto values = mine->values();
    if (mine->right().held()) {
      if (!values.ok()) return values.error();
      return std::unique_ptr<storage::Snapshot>(std::make_unique<MapSnapshot>(std::move(*values)));
    }
  }
  const MutexLock lock(reads_.mutex);
  APM_CHECK_OK(follow(Deadline::after(kWholeLogDeadline)));
  return std::unique_ptr<storage::Snapshot>(std::make_unique<MapSnapshot>(followed_.state.values));
}

// A log can be replaced and deleted between the look at the manifest and the look at the log.
Status BlobStore::follow(const Deadline& deadline) {
  const LogHead before = seen();  // another thread's later one is no measure for this look
  Status followed;
  for (int attempt = 0; attempt < kFollowAttempts; ++attempt) {
    followed = follow_once(deadline);
    if (followed.ok() || followed.error().reason != "blob_not_found") break;
  }
  if (followed.ok()) followed = check_not_older(before, followed_.state.head);
  if (followed.ok()) {
    note_seen(followed_.state.head);
    return {};
  }
  // Nothing half replayed may be served by a later read.
  followed_ = {};
  return of_the_store(followed.error());
}

Status BlobStore::follow_once(const Deadline& deadline) {
  BlobLog log(reads_.connection->client());
  APM_TRY(const ReadManifest now, log.manifest(deadline));
  if (followed_.place.segment == now.manifest.segment) return log.extend(followed_, deadline);
  APM_TRY(followed_, log.load(now.manifest, deadline));
  return {};
}

// --- Commits ---

Status BlobStore::commit(const Batch& batch) {
  APM_CHECK_OK(storage::check_batch(batch));
  const auto mine = tenure();
  if (!mine) return storage::lease_not_held(description());
  return mine->commit(batch);
}

// --- The lease ---

class BlobStore::BlobLease final : public Lease {
 public:
  BlobLease(BlobStore& store, std::shared_ptr<BlobTenure> tenure)
      : store_(store), tenure_(std::move(tenure)) {}
  BlobLease(const BlobLease&) = delete;
  BlobLease& operator=(const BlobLease&) = delete;
  ~BlobLease() override { store_.release(tenure_); }
  [[nodiscard]] bool held() const override { return tenure_->right().held(); }
  [[nodiscard]] std::uint64_t epoch() const override { return tenure_->epoch(); }

 private:
  BlobStore& store_;
  std::shared_ptr<BlobTenure> tenure_;
};

Result<std::unique_ptr<Lease>> BlobStore::acquire_lease(const std::string& owner,
                                                        const Deadline& deadline) {
  APM_CHECK_OK(storage::check_lease_owner(owner));
  while (true) {
    auto acquired = try_acquire(owner);
    if (acquired.ok()) {
      return std::unique_ptr<Lease>(std::make_unique<BlobLease>(*this, std::move(*acquired)));
    }
    // "blob_lease_lost": another was quicker between two steps of ours.
    const std::string& reason = acquired.error().reason;
    if (reason != "blob_lease_held" && reason != "blob_lease_lost") {
      return of_the_store(acquired.error());
    }
    if (deadline.passed()) {
      APM_TRY(const std::optional<LeaseHolder> other, holder());
      return storage::lease_held(description(), other ? other->owner : "another server");
    }
    std::this_thread::sleep_for(std::min(deadline.left(), kLeasePollPause));
  }
}

Result<std::shared_ptr<BlobTenure>> BlobStore::try_acquire(const std::string& owner) {
  BlobRight::Terms terms{crypto::random_uuid(), std::chrono::seconds(options_.lease_seconds),
                         BootClock::now()};
  {
    const MutexLock lock(renewals_.mutex);
    APM_CHECK_OK(renewals_.connection->client().acquire_lease(
        kManifestBlob, terms.lease_id, options_.lease_seconds, Deadline::after(terms.ttl)));
  }
  auto right = std::make_unique<BlobRight>(renewals_.connection->client(), renewals_.mutex,
                                           std::move(terms));
  return take_over(owner, std::move(right));
}

Result<std::shared_ptr<BlobTenure>> BlobStore::take_over(const std::string& owner,
                                                         std::unique_ptr<BlobRight> right) {
  Result<LogView> view = [&] {
    const MutexLock lock(commits_.mutex);
    return BlobLog(commits_.connection->client())
        .take_over({right->lease_id(), owner, seen()}, Deadline::after(kWholeLogDeadline));
  }();
  if (!view.ok()) {
    right->end_renewing();
    // If this fails, the lease ends by itself.
    static_cast<void>(right->give_up(Deadline::after(kBlobAttemptTimeout)));
    return view.error();
  }
  const std::uint64_t epoch = view->place.segment_epoch;
  auto mine = std::make_shared<BlobTenure>(
      commits_.connection->client(), commits_.mutex,
      BlobTenure::Parts{
          description(),
          epoch,
          std::move(*view),
          std::move(right),
          {options_.segment_appends_max, options_.segment_bytes_max, options_.state_bytes_max}});
  const MutexLock lock(mutex_);
  tenure_ = mine;
  return mine;
}

void BlobStore::release(const std::shared_ptr<BlobTenure>& tenure) {
  {
    const MutexLock lock(mutex_);
    if (tenure_ == tenure) tenure_.reset();
  }
  note_seen(tenure->head());
  tenure->right().end_renewing();
  // If this fails, the lease ends by itself.
  static_cast<void>(tenure->right().give_up(Deadline::after(kBlobAttemptTimeout)));
}

Result<std::optional<LeaseHolder>> BlobStore::holder() {
  const MutexLock lock(holders_.mutex);
  BlobLog log(holders_.connection->client());
  const auto now = log.manifest(Deadline::after(kBlobDeadline));
  if (!now.ok()) return of_the_store(now.error());
  if (!now->leased || now->manifest.epoch == 0) return std::optional<LeaseHolder>();
  // The service tells nobody how much is left of a lease: this is the most it can be.
  return std::optional(LeaseHolder{now->manifest.owner, now->manifest.epoch,
                                   std::chrono::seconds(options_.lease_seconds)});
}

}  // namespace

Result<std::unique_ptr<storage::Store>> open_blob_store(const BlobConnector& connect,
                                                        const BlobStoreOptions& options) {
  BlobStore::Connections connections;
  for (auto* one :
       {&connections.commits, &connections.renewals, &connections.reads, &connections.holders}) {
    APM_TRY(*one, connect());
  }
  APM_CHECK_OK(BlobLog(connections.commits->client()).prepare(Deadline::after(kBlobDeadline)));
  return std::unique_ptr<storage::Store>(
      std::make_unique<BlobStore>(std::move(connections), options));
}

}  // namespace apm::azure
