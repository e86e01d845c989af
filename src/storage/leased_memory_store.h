#pragma once

// A MemoryStore that has its own lease from the start: for tests of what stands above a Store.

#include "storage/memory_store.h"

namespace apm::storage {

class LeasedMemoryStore final : public MemoryStore {
 public:
  // Nobody else can hold the lease of a content that was just made: value() cannot fail.
  LeasedMemoryStore() : lease_(acquire_lease("test", Deadline::after(Milliseconds(0))).value()) {}

 private:
  std::unique_ptr<Lease> lease_;
};

}  // namespace apm::storage
