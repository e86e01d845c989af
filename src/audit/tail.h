#pragma once

// The end of an audit file: where its chain stands, and what a crash left behind it.

#include <cstdint>
#include <string>

#include "audit/chain.h"
#include "base/result.h"

namespace apm::audit {

struct Tail {
  ChainHead head;
  std::uint64_t torn_lines = 0;  // unreadable lines behind the last record
  bool broken_line = false;      // the last line has no newline
  bool empty = false;
};

// kCorrupt "audit_chain" when the file holds something that no audit device wrote.
[[nodiscard]] Result<Tail> read_tail(int fd, const std::string& path);

}  // namespace apm::audit
