#pragma once

// One record of the commit log on Azure Blob: the changes of one group of commits, chained to the
// record before by its hash. Pure encoding, decoding and replay; any thread. The format, byte by
// byte, is in docs/formats/azure-log.md.
//
// Decoding is canonical: what decodes encodes to the same bytes. Errors are kCorrupt, with reason
// "azure_log_truncated" (the bytes end inside a record), "azure_log_damaged" (a hash or a field is
// wrong), "azure_log_format" (kUnsupported: a newer format), "azure_log_chain" (a hole, an edit or
// another order) or "azure_log_epoch" (a record of another epoch than its log's).

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace apm::azure {

using RecordHash = std::array<std::uint8_t, 32>;  // SHA-256 of a whole record but its hash

// Where a chain stands: what the next record must follow. All zero before the first record.
struct LogHead {
  std::uint64_t sequence = 0;  // of the last record
  RecordHash hash{};
  friend bool operator==(const LogHead&, const LogHead&) = default;
};

struct LogPut {
  std::string key;
  Bytes value;
};

struct LogRecord {
  std::uint64_t epoch = 0;     // from 1
  std::uint64_t sequence = 0;  // from 1, without holes, through all epochs
  RecordHash previous{};
  std::vector<LogPut> puts;          // keys strictly ascending
  std::vector<std::string> deletes;  // likewise, none of them in puts
};

struct EncodedRecord {
  Bytes bytes;
  LogHead head;  // the chain with this record at its end
};

struct DecodedRecord {
  LogRecord record;
  LogHead head;
  std::size_t size = 0;  // bytes taken from the front of the input
};

// kInvalidArgument "azure_log_record" for keys out of order, kTooLarge for more than
// kLogRecordBytesMax.
[[nodiscard]] Result<EncodedRecord> encode_record(const LogRecord& record);
[[nodiscard]] Result<DecodedRecord> decode_record(ByteView log);

struct LogState {
  std::map<std::string, Bytes> values;
  LogHead head;
};

// Applies every record of one epoch's log. On an error `state` is as after the last good record,
// and must not be served.
[[nodiscard]] Status replay_log(ByteView log, std::uint64_t epoch, LogState& state);

}  // namespace apm::azure
