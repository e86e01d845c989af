#pragma once

// The hash chain over a device's records: each line carries a sequence number and the SHA-256 of
// the chain value before it and of its own bytes without that member. An edit (of any byte), a
// reorder or a hole breaks it at the line where it happened; a cut tail shows as a last sequence
// lower than the one that the operator noted. A file that was begun by log rotation says in its
// first record which chain value it follows. Format: docs/formats/audit.md. Pure, but for
// verify_file.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"

namespace apm::audit {

struct ChainHead {
  std::uint64_t sequence = 0;  // of the last record; 0: none yet
  std::string value;           // hex; "" before the first record
  bool operator==(const ChainHead&) const = default;
};

// The line (with newline) of the next record, and the head after it.
[[nodiscard]] std::string chain(ChainHead& head, json::Object entry);

struct ChainReport {
  ChainHead start;  // what the first record says it follows: compare with the rotated file's head
  ChainHead head;
  std::uint64_t torn_lines = 0;  // left by crashes and failed writes
  bool torn_tail = false;        // the last of them ends the file: no record names it yet
};

// Takes a file's lines one after the other.
class ChainVerifier {
 public:
  // Without newline. kCorrupt "audit_chain" with the number of the line where the chain breaks.
  [[nodiscard]] Status take(std::string_view line);
  [[nodiscard]] ChainReport report() const;

 private:
  [[nodiscard]] Status take_record(const json::Value& entry, std::string_view line);

  ChainReport report_;
  std::uint64_t line_ = 0;
  std::uint64_t torn_ = 0;  // since the last record
};

[[nodiscard]] Result<ChainReport> verify_chain(std::string_view text);
// Line by line, in bounded memory.
[[nodiscard]] Result<ChainReport> verify_file(const std::string& path);

// The head that `last_line` (without newline) stands for; an error when it is no whole record.
[[nodiscard]] Result<ChainHead> head_of(std::string_view last_line);

}  // namespace apm::audit
