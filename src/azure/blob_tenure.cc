#include "azure/blob_tenure.h"

#include <algorithm>
#include <utility>

#include "azure/limits.h"
#include "base/text.h"
#include "storage/names.h"

namespace apm::azure {
namespace {

using storage::Batch;

// What a batch takes in a record at most, with its share of the lengths.
std::size_t record_bytes(const Batch& batch) {
  std::size_t size = 0;
  for (const storage::Put& put : batch.puts) size += 8 + put.key.size() + put.value.size();
  for (const std::string& key : batch.deletes) size += 4 + key.size();
  return size;
}

std::int64_t state_bytes(const std::string& key, const Bytes& value) {
  return static_cast<std::int64_t>(8 + key.size() + value.size());
}

std::int64_t state_bytes(const std::map<std::string, Bytes>& values) {
  std::int64_t size = 0;
  for (const auto& [key, value] : values) size += state_bytes(key, value);
  return size;
}

constexpr std::size_t kRecordContentMax = kLogRecordBytesMax - 1024;  // without its own fields
constexpr const char* kOutcomeUnknown = "store_outcome_unknown";

Status check_size(const Batch& batch) {
  std::size_t size = 0;
  for (const storage::Put& put : batch.puts) size += put.key.size() + put.value.size();
  for (const std::string& key : batch.deletes) size += key.size();
  if (size <= kLogBatchBytesMax) return {};
  return Error(Code::kTooLarge, "azure_batch",
               concat("a batch has ", size, " bytes; storage \"azure\" takes ", kLogBatchBytesMax,
                      " at once. Write it in parts"));
}

Error state_full(std::size_t bytes_max) {
  return {Code::kTooLarge, "azure_state",
          concat("storage \"azure\" keeps all of a store in memory, and takes ", bytes_max,
                 " bytes: this write would go beyond. Delete what is not needed, or migrate to "
                 "PostgreSQL")};
}

Deadline commit_deadline() { return Deadline::after(kBlobDeadline); }

}  // namespace

BlobTenure::BlobTenure(BlobClient& client, Mutex& client_mutex, Parts parts)
    : client_(client),
      client_mutex_(client_mutex),
      description_(std::move(parts.description)),
      epoch_(parts.epoch),
      limits_(parts.limits),
      right_(std::move(parts.right)),
      view_(std::move(parts.view)),
      state_bytes_(state_bytes(view_.state.values)) {}

// --- Groups ---

Status BlobTenure::commit(const Batch& batch) {
  APM_CHECK_OK(check_size(batch));
  Waiting mine{batch, {}};
  {
    const MutexLock lock(queue_mutex_);
    if (queue_.size() >= kLogQueueMax) {
      return Error(Code::kTooLarge, "storage_busy",
                   concat("more than ", kLogQueueMax, " writes wait for ", description_));
    }
    queue_.push_back(&mine);
  }
  while (true) {
    std::vector<Waiting*> group;
    {
      const MutexLock lock(queue_mutex_);
      while (!mine.result && leading_) queue_changed_.wait(queue_mutex_);
      if (mine.result) return *mine.result;
      leading_ = true;
      group = take_group();
    }
    const Processed done = process(group);
    {
      const MutexLock lock(queue_mutex_);
      for (std::size_t i = 0; i < group.size(); ++i) group[i]->result = done.results[i];
      if (!done.ready.ok()) {
        // Each group would wait out the same deadline, one after the other.
        for (Waiting* one : queue_) one->result = done.ready;
        queue_.clear();
      }
      leading_ = false;
    }
    queue_changed_.notify_all();
  }
}

std::vector<BlobTenure::Waiting*> BlobTenure::take_group() {
  std::vector<Waiting*> group;
  std::size_t size = 0;
  while (!queue_.empty() && group.size() < kLogGroupMax) {
    size += record_bytes(queue_.front()->batch);
    if (size > kRecordContentMax && !group.empty()) break;
    group.push_back(queue_.front());
    queue_.pop_front();
  }
  return group;
}

BlobTenure::Processed BlobTenure::process(const std::vector<Waiting*>& group) {
  const MutexLock lock(client_mutex_);
  std::vector<Status> results(group.size());
  const Status ready = make_ready();
  if (!ready.ok()) return {ready, std::vector<Status>(group.size(), ready)};
  Changes changes;
  std::int64_t grown = 0;
  for (std::size_t i = 0; i < group.size(); ++i) {
    const Batch& batch = group[i]->batch;
    results[i] = check_preconditions(batch, changes);
    if (!results[i].ok()) continue;
    const std::int64_t more = growth(batch, changes);
    if (more > 0 && state_bytes_ + grown + more > static_cast<std::int64_t>(limits_.state_bytes)) {
      results[i] = state_full(limits_.state_bytes);
      continue;
    }
    grown += more;
    for (const storage::Put& put : batch.puts) changes[put.key] = put.value;
    for (const std::string& key : batch.deletes) changes[key] = std::nullopt;
  }
  const Status written = write(std::move(changes), grown);
  if (written.ok()) return {{}, std::move(results)};
  // Also what a precondition failed for: it was compared with a state that is not certain now.
  return {{}, std::vector<Status>(group.size(), written)};
}

Status BlobTenure::make_ready() {
  if (right_->lost()) return storage::lease_lost(description_);
  const Status settled = settle();
  if (!settled.ok()) return right_->lost() ? settled : unavailable(settled.error());
  LogPlace next;
  {
    // Nobody writes it meanwhile: that takes the client too.
    const ReaderLock lock(view_mutex_);
    const bool full =
        view_.appends() >= limits_.segment_appends || view_.place.position >= limits_.segment_bytes;
    if (!full) return {};
    auto rolled = BlobLog(client_).roll(right_->lease_id(), epoch_, view_,
                                        Deadline::after(kWholeLogDeadline));
    if (!rolled.ok()) return no_roll(rolled.error());
    next = std::move(*rolled);
  }
  const WriterLock lock(view_mutex_);
  view_.place = std::move(next);
  return {};
}

std::int64_t BlobTenure::growth(const Batch& batch, const Changes& changes) {
  const ReaderLock lock(view_mutex_);
  const auto bytes_now = [&](const std::string& key) -> std::int64_t {
    if (const auto changed = changes.find(key); changed != changes.end()) {
      return changed->second ? state_bytes(key, *changed->second) : 0;
    }
    const auto found = view_.state.values.find(key);
    return found == view_.state.values.end() ? 0 : state_bytes(key, found->second);
  };
  std::int64_t more = 0;
  for (const storage::Put& put : batch.puts) {
    more += state_bytes(put.key, put.value) - bytes_now(put.key);
  }
  for (const std::string& key : batch.deletes) more -= bytes_now(key);
  return more;
}

Status BlobTenure::check_preconditions(const Batch& batch, const Changes& changes) {
  const ReaderLock lock(view_mutex_);
  for (const storage::Precondition& p : batch.preconditions) {
    std::optional<Bytes> now;
    if (const auto changed = changes.find(p.key); changed != changes.end()) {
      now = changed->second;
    } else if (const auto found = view_.state.values.find(p.key);
               found != view_.state.values.end()) {
      now = found->second;
    }
    if (now != p.value) return storage::precondition_failed(p.key);
  }
  return {};
}

// --- Appends ---

Status BlobTenure::write(Changes changes, std::int64_t growth) {
  if (changes.empty()) {
    // Nothing that the service would check the right with; by our clock it may have ended.
    if (right_->held()) return {};
    const Status renewed = right_->renew(commit_deadline());
    return renewed.ok() ? renewed : refused(renewed.error());
  }
  LogRecord record;
  record.epoch = epoch_;
  {
    const ReaderLock lock(view_mutex_);
    record.sequence = view_.state.head.sequence + 1;
    record.previous = view_.state.head.hash;
  }
  for (const auto& [key, value] : changes) {
    if (value) {
      record.puts.push_back({key, *value});
    } else {
      record.deletes.push_back(key);
    }
  }
  APM_TRY(EncodedRecord encoded, encode_record(record));
  Unsettled next{std::move(encoded), std::move(changes), growth};
  const Status done = append(next, Doubt::kNone);
  if (done.ok() || done.error().reason != kOutcomeUnknown) return done;
  unsettled_ = std::move(next);
  has_unsettled_ = true;
  return done;
}

Status BlobTenure::append(const Unsettled& next, Doubt doubt) {
  AppendCondition condition{right_->lease_id(), 0};
  std::string segment;
  {
    const ReaderLock lock(view_mutex_);
    condition.position = view_.place.position;
    segment = view_.place.segment;
  }
  const Status sent =
      append_once(client_, segment, next.encoded.bytes, condition, commit_deadline(), doubt);
  if (!sent.ok()) return refused(sent.error());
  const WriterLock lock(view_mutex_);
  for (const auto& [key, value] : next.changes) {
    if (value) {
      view_.state.values[key] = *value;
    } else {
      view_.state.values.erase(key);
    }
  }
  state_bytes_ += next.growth;
  view_.state.head = next.encoded.head;
  view_.place.position += next.encoded.bytes.size();
  return {};
}

Error BlobTenure::unavailable(const Error& error) const {
  return {Code::kUnavailable, "store_unavailable",
          concat(description_,
                 " takes no write now, and nothing of this one was done: ", error.message)};
}

// Nothing of the commits that wait was sent. A manifest that changed under us is a successor's, or
// our own of an earlier attempt: the lease tells which.
Error BlobTenure::no_roll(const Error& error) {
  if (error.reason == "blob_condition") static_cast<void>(right_->renew(commit_deadline()));
  static_cast<void>(refused(error));
  return right_->lost() ? storage::lease_lost(description_) : unavailable(error);
}

Error BlobTenure::refused(const Error& error) {
  const bool taken_over = error.reason == "blob_lease_lost" ||
                          error.reason == "blob_append_position" || error.code == Code::kNotFound;
  if (taken_over) {
    right_->lose();
    return storage::lease_lost(description_);
  }
  if (error.reason != "blob_outcome_unknown") return unavailable(error);
  return {Code::kUnavailable, kOutcomeUnknown,
          concat("a write to ", description_, " has no known outcome yet: ", error.message)};
}

Status BlobTenure::settle() {
  if (!unsettled_) return {};
  APM_CHECK_OK(append(*unsettled_, Doubt::kEarlierAttempt));
  unsettled_.reset();
  has_unsettled_ = false;
  return {};
}

// --- Reads ---

Status BlobTenure::settle_for_reading() {
  if (!has_unsettled_) return {};
  const MutexLock lock(client_mutex_);
  return settle();
}

Result<std::optional<Bytes>> BlobTenure::get(const std::string& key) {
  APM_CHECK_OK(settle_for_reading());
  const ReaderLock lock(view_mutex_);
  const auto found = view_.state.values.find(key);
  if (found == view_.state.values.end()) return std::optional<Bytes>();
  return std::optional(found->second);
}

LogHead BlobTenure::head() {
  const ReaderLock lock(view_mutex_);
  return view_.state.head;
}

Result<std::map<std::string, Bytes>> BlobTenure::values() {
  APM_CHECK_OK(settle_for_reading());
  const ReaderLock lock(view_mutex_);
  return view_.state.values;
}

Result<std::vector<std::string>> BlobTenure::list(const std::string& prefix) {
  APM_CHECK_OK(settle_for_reading());
  const ReaderLock lock(view_mutex_);
  return storage::names_below(view_.state.values, prefix);
}

}  // namespace apm::azure
