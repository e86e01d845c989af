#pragma once

// The hash chain over a device's records: each line carries a sequence number and the SHA-256 of
// the chain value before it and of its own text without that member. An edit, a reorder or a hole
// breaks it at the line where it happened; a cut tail shows as a last sequence lower than the one
// that the operator noted. Format: docs/formats/audit.md.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"

namespace apm::audit {

struct ChainHead {
  std::uint64_t sequence = 0;  // of the last record; 0: none yet
  std::string value;           // hex; "" before the first record
};

// The line (with newline) of the next record, and the head after it.
[[nodiscard]] std::string chain(ChainHead& head, json::Object entry);

struct ChainReport {
  ChainHead head;
  std::uint64_t torn_lines = 0;  // left by a crash, followed by a record that names them
};

// kCorrupt "audit_chain" with the line number where it breaks.
[[nodiscard]] Result<ChainReport> verify_chain(std::string_view text);
[[nodiscard]] Result<ChainReport> verify_file(const std::string& path);

// The head that `last_line` (without newline) stands for; an error when it is no whole record.
[[nodiscard]] Result<ChainHead> head_of(std::string_view last_line);

}  // namespace apm::audit
