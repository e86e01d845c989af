#pragma once

// A snapshot file as a stream of bytes, made while it is asked for: it is never whole in memory.
// Owns the store's snapshot. One thread.

#include <memory>

#include "crypto/digest.h"
#include "snapshot/format.h"
#include "storage/store.h"

namespace apm::snapshot {

class Writer {
 public:
  Writer(const Header& header, std::unique_ptr<storage::Snapshot> records,
         crypto::SecretBytes mac_key);

  // The next bytes, `most` of them or fewer; none: the end. After an error it is of no use.
  [[nodiscard]] Result<Bytes> read(std::size_t most);
  [[nodiscard]] std::uint64_t records() const { return count_; }  // so far

 private:
  void emit(ByteView bytes);
  [[nodiscard]] Status produce();
  void finish();

  std::unique_ptr<storage::Snapshot> records_;  // null: everything was produced
  crypto::SecretBytes mac_key_;
  crypto::RunningSha256 digest_;
  std::uint64_t count_ = 0;
  Bytes waiting_;  // produced, and from `taken_` on not yet asked for
  std::size_t taken_ = 0;
};

}  // namespace apm::snapshot
