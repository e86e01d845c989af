// The barrier below one prefix.

#include "barrier/barrier.h"
#include "base/text.h"
#include "storage/limits.h"

namespace apm::barrier {

Result<std::optional<Bytes>> View::get(const std::string& path) const {
  return barrier_->get(prefix_ + path);
}

Result<std::optional<MarkedRecord>> View::get_marked(const std::string& path) const {
  return barrier_->get_marked(prefix_ + path);
}

Result<std::vector<std::string>> View::list(const std::string& prefix) const {
  return barrier_->list(prefix_ + prefix);
}

Status View::put(const std::string& path, ByteView value) const {
  return barrier_->put(prefix_ + path, value);
}

Status View::erase(const std::string& path) const { return barrier_->erase(prefix_ + path); }

Status View::apply(const Change& change) const {
  Change whole;
  for (const Write& write : change.writes) {
    whole.writes.push_back({prefix_ + write.path, write.value});
  }
  for (const std::string& path : change.deletes) whole.deletes.push_back(prefix_ + path);
  for (const std::string& path : change.must_be_absent) {
    whole.must_be_absent.push_back(prefix_ + path);
  }
  for (const Unchanged& read : change.must_be_unchanged) {
    whole.must_be_unchanged.push_back({prefix_ + read.path, read.mark});
  }
  return barrier_->apply(whole);
}

// In batches, so a failure can leave a part behind: call again. Depth is bounded by the key's size.
Status View::erase_all() const {
  std::vector<std::string> folders = {""};
  Change change;
  while (!folders.empty()) {
    const std::string folder = std::move(folders.back());
    folders.pop_back();
    APM_TRY(const std::vector<std::string> names, list(folder));
    for (const std::string& name : names) {
      if (name.ends_with('/')) {
        folders.push_back(folder + name);
        continue;
      }
      change.deletes.push_back(folder + name);
      if (change.deletes.size() < storage::kBatchOperationsMax) continue;
      APM_CHECK_OK(apply(change));
      change.deletes.clear();
    }
  }
  return apply(change);
}

}  // namespace apm::barrier
