#include "snapshot/replace.h"

#include "barrier/seal_config.h"
#include "base/json.h"
#include "base/text.h"
#include "storage/limits.h"

namespace apm::snapshot {
namespace {

// Room for the mark in a batch.
constexpr std::size_t kMarkOperations = 1;
constexpr std::size_t kMarkBytesMax = 1024;

const std::string& mark_key() {
  static const std::string key(barrier::kIncompletePath);
  return key;
}

Bytes mark_of(const Replacement& what) {
  return to_bytes(std::string_view(
      json::write(json::Object{{"operation", what.operation}, {"store_id", what.store_id}})));
}

// Collects changes, commits what is full, and keeps the mark where it must be.
class Changes {
 public:
  Changes(storage::Store& store, const Replacement& what, bool marked)
      : store_(store), what_(what), marked_(marked) {}

  [[nodiscard]] Status put(storage::Put put) {
    APM_CHECK_OK(make_room(put.key.size() + put.value.size()));
    batch_.puts.push_back(std::move(put));
    ++done_.written;
    return {};
  }
  [[nodiscard]] Status erase(std::string key) {
    APM_CHECK_OK(make_room(key.size()));
    batch_.deletes.push_back(std::move(key));
    ++done_.deleted;
    return {};
  }
  void keep() { ++done_.unchanged; }

  [[nodiscard]] Result<Replaced> finish() {
    if (marked_) batch_.deletes.push_back(mark_key());
    APM_CHECK_OK(store_.commit(batch_));
    return done_;
  }

 private:
  [[nodiscard]] Status make_room(std::size_t bytes) {
    const std::size_t operations = batch_.puts.size() + batch_.deletes.size();
    if (operations + 1 + kMarkOperations <= storage::kBatchOperationsMax &&
        bytes_ + bytes + kMarkBytesMax <= store_.batch_bytes_max()) {
      bytes_ += bytes;
      return {};
    }
    if (!marked_) batch_.puts.push_back({mark_key(), mark_of(what_)});
    APM_CHECK_OK(store_.commit(batch_));
    marked_ = true;
    batch_ = {};
    bytes_ = bytes;
    return {};
  }

  storage::Store& store_;
  const Replacement& what_;
  bool marked_;  // the mark is in the store
  storage::Batch batch_;
  std::size_t bytes_ = 0;
  Replaced done_;
};

// The store's own records, without the mark of an interrupted replacement.
Result<std::optional<storage::Put>> next_old(storage::Snapshot& old) {
  APM_TRY(std::optional<storage::Put> record, old.next());
  if (record && record->key == mark_key()) return old.next();
  return record;
}

}  // namespace

Result<Replaced> replace_content(storage::Store& store, storage::Snapshot& content,
                                 const Replacement& what) {
  APM_TRY(const std::optional<Bytes> mark, store.get(mark_key()));
  APM_TRY(const std::unique_ptr<storage::Snapshot> old, store.snapshot());
  Changes changes(store, what, mark.has_value());
  APM_TRY(std::optional<storage::Put> was, next_old(*old));
  APM_TRY(std::optional<storage::Put> is, content.next());
  while (was || is) {
    const bool gone = was && (!is || was->key < is->key);
    const bool added = is && (!was || is->key < was->key);
    if (gone) {
      APM_CHECK_OK(changes.erase(std::move(was->key)));
    } else if (added || was->value != is->value) {
      APM_CHECK_OK(changes.put(std::move(*is)));
    } else {
      changes.keep();
    }
    if (!added) {
      APM_TRY(was, next_old(*old));
    }
    if (!gone) {
      APM_TRY(is, content.next());
    }
  }
  return changes.finish();
}

Result<Occupancy> occupancy_of(storage::Store& store) {
  Occupancy out;
  APM_TRY(const std::vector<std::string> names, store.list(""));
  out.empty = names.empty();
  APM_TRY(const std::optional<Bytes> mark, store.get(mark_key()));
  out.incomplete = mark.has_value();
  if (!mark) return out;
  const auto parsed = json::parse(*mark, {.bytes_max = kMarkBytesMax});
  const std::string* id = parsed.ok() ? parsed->string_at("store_id") : nullptr;
  if (id != nullptr) out.incoming_store_id = *id;
  return out;
}

}  // namespace apm::snapshot
