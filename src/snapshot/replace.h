#pragma once

// The content of a store replaced by another one, over any backend: what differs is written and
// what is no more is deleted, in key order, in as few batches as possible.
//
// If all of it fits into one batch (storage/limits.h), the replacement is atomic. If not, the first
// batch also writes the mark core/incomplete and the last one deletes it: while it is there, nobody
// takes what is in the store for a store (the barrier refuses with "store_incomplete"). The same
// call, with the same content, finishes what was interrupted.
//
// Needs the store's lease. What belongs to the backend (lease, epoch) is not touched: an epoch
// never goes back. `content` must have been checked before: an error of it leaves the mark.

#include "storage/store.h"

namespace apm::snapshot {

// What is written into the mark, for whoever finds it.
struct Replacement {
  std::string operation;  // "restore", "migration"
  std::string store_id;   // of the content that is coming
};

struct Replaced {
  std::uint64_t written = 0;
  std::uint64_t deleted = 0;
  std::uint64_t unchanged = 0;
};

[[nodiscard]] Result<Replaced> replace_content(storage::Store& store, storage::Snapshot& content,
                                               const Replacement& what);

// What stands in a store, as far as that can be said from outside.
struct Occupancy {
  bool empty = false;
  bool incomplete = false;
  std::string incoming_store_id;  // of an incomplete store; "" when the mark is malformed
};
[[nodiscard]] Result<Occupancy> occupancy_of(storage::Store& store);

}  // namespace apm::snapshot
