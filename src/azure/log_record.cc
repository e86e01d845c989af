#include "azure/log_record.h"

#include <algorithm>

#include "azure/limits.h"
#include "base/byte_reader.h"
#include "base/text.h"
#include "crypto/digest.h"

namespace apm::azure {
namespace {

constexpr std::string_view kMagic = "APML";
constexpr std::uint8_t kFormat = 1;
constexpr std::size_t kPrefixBytes = 8;  // magic and length
constexpr std::size_t kHashBytes = 32;

Error damaged(std::string_view what) {
  return {Code::kCorrupt, "azure_log_damaged",
          concat("a record of the commit log is damaged: ", what, ". Restore the container")};
}

Error truncated() {
  return {Code::kCorrupt, "azure_log_truncated",
          "the commit log ends inside a record: it was cut. Restore the container"};
}

RecordHash hash_of(ByteView bytes) {
  RecordHash out{};
  const Bytes digest = crypto::sha256(bytes);
  std::copy(digest.begin(), digest.end(), out.begin());
  return out;
}

void append_sized(Bytes& out, ByteView bytes) {
  append_u32_be(out, static_cast<std::uint32_t>(bytes.size()));
  append(out, bytes);
}

std::vector<std::string_view> keys_of(const LogRecord& record) {
  std::vector<std::string_view> keys;
  keys.reserve(record.puts.size());
  for (const LogPut& put : record.puts) keys.push_back(put.key);
  return keys;
}

bool ascending(const std::vector<std::string_view>& keys) {
  return std::adjacent_find(keys.begin(), keys.end(), std::greater_equal<>()) == keys.end();
}

bool canonical(const LogRecord& record) {
  const auto puts = keys_of(record);
  const std::vector<std::string_view> deletes(record.deletes.begin(), record.deletes.end());
  if (!ascending(puts) || !ascending(deletes)) return false;
  return std::none_of(deletes.begin(), deletes.end(), [&](std::string_view key) {
    return std::binary_search(puts.begin(), puts.end(), key);
  });
}

std::size_t encoded_size(const LogRecord& record) {
  std::size_t size = kPrefixBytes + 1 + 8 + 8 + kHashBytes + 4 + 4 + kHashBytes;
  for (const LogPut& put : record.puts) size += 8 + put.key.size() + put.value.size();
  for (const std::string& key : record.deletes) size += 4 + key.size();
  return size;
}

// Counts are not trusted for memory: every element takes bytes from the reader.
Result<LogRecord> read_body(ByteView body) {
  ByteReader reader(body);
  if (reader.u8() != kFormat) {
    return Error(Code::kUnsupported, "azure_log_format",
                 "the commit log has a format of a newer program; run that one");
  }
  LogRecord record;
  record.epoch = reader.u64_be();
  record.sequence = reader.u64_be();
  const ByteView previous = reader.take(kHashBytes);
  std::copy(previous.begin(), previous.end(), record.previous.begin());
  const std::uint32_t puts = reader.u32_be();
  const std::uint32_t deletes = reader.u32_be();
  for (std::uint32_t i = 0; i < puts && reader.ok(); ++i) {
    std::string key(as_text(reader.take(reader.u32_be())));
    Bytes value = to_bytes(reader.take(reader.u32_be()));
    record.puts.push_back({std::move(key), std::move(value)});
  }
  for (std::uint32_t i = 0; i < deletes && reader.ok(); ++i) {
    record.deletes.emplace_back(as_text(reader.take(reader.u32_be())));
  }
  if (!reader.finish()) return damaged("its fields do not fill it");
  if (!canonical(record)) return damaged("its keys are not in order");
  return record;
}

Error broken_chain(std::uint64_t found, std::uint64_t expected) {
  return {Code::kCorrupt, "azure_log_chain",
          concat("the commit log is not continuous: record ", found, " stands where ", expected,
                 " must follow what came before. Somebody changed it; restore the container")};
}

void apply(LogRecord& record, std::map<std::string, Bytes>& values) {
  for (LogPut& put : record.puts) values[put.key] = std::move(put.value);
  for (const std::string& key : record.deletes) values.erase(key);
}

}  // namespace

Result<EncodedRecord> encode_record(const LogRecord& record) {
  if (!canonical(record)) {
    return Error(Code::kInvalidArgument, "azure_log_record",
                 "the keys of a log record must ascend, and occur once");
  }
  const std::size_t size = encoded_size(record);
  if (size > kLogRecordBytesMax) {
    return Error(Code::kTooLarge, "azure_log_record",
                 concat("a commit needs ", size, " bytes in the log; at most ", kLogRecordBytesMax,
                        " go in one append"));
  }
  EncodedRecord out;
  append(out.bytes, kMagic);
  append_u32_be(out.bytes, static_cast<std::uint32_t>(size - kPrefixBytes - kHashBytes));
  out.bytes.push_back(kFormat);
  append_u64_be(out.bytes, record.epoch);
  append_u64_be(out.bytes, record.sequence);
  append(out.bytes, ByteView(record.previous));
  append_u32_be(out.bytes, static_cast<std::uint32_t>(record.puts.size()));
  append_u32_be(out.bytes, static_cast<std::uint32_t>(record.deletes.size()));
  for (const LogPut& put : record.puts) {
    append_sized(out.bytes, as_bytes(put.key));
    append_sized(out.bytes, put.value);
  }
  for (const std::string& key : record.deletes) append_sized(out.bytes, as_bytes(key));
  out.head = {record.sequence, hash_of(out.bytes)};
  append(out.bytes, ByteView(out.head.hash));
  return out;
}

Result<DecodedRecord> decode_record(ByteView log) {
  ByteReader reader(log);
  const ByteView magic = reader.take(kMagic.size());
  const std::uint32_t length = reader.u32_be();
  if (!reader.ok()) return truncated();
  if (!equal(magic, as_bytes(kMagic))) return damaged("it does not begin as a record");
  if (length > kLogRecordBytesMax) return damaged("its length is out of range");
  const ByteView body = reader.take(length);
  const ByteView stored = reader.take(kHashBytes);
  if (!reader.ok()) return truncated();
  const RecordHash hash = hash_of(log.first(kPrefixBytes + length));
  if (!equal(stored, ByteView(hash))) return damaged("its hash does not fit its bytes");
  APM_TRY(LogRecord record, read_body(body));
  const std::uint64_t sequence = record.sequence;
  return DecodedRecord{std::move(record), {sequence, hash}, kPrefixBytes + length + kHashBytes};
}

Status replay_log(ByteView log, std::uint64_t epoch, LogState& state) {
  while (!log.empty()) {
    APM_TRY(DecodedRecord next, decode_record(log));
    if (next.record.epoch != epoch) {
      return Error(Code::kCorrupt, "azure_log_epoch",
                   concat("the log of epoch ", epoch, " holds a record of epoch ",
                          next.record.epoch, ". Somebody changed it; restore the container"));
    }
    const std::uint64_t expected = state.head.sequence + 1;
    if (next.record.sequence != expected || next.record.previous != state.head.hash) {
      return broken_chain(next.record.sequence, expected);
    }
    apply(next.record, state.values);
    state.head = next.head;
    log = log.subspan(next.size);
  }
  return {};
}

}  // namespace apm::azure
