#include "audit/chain.h"

#include <fcntl.h>

#include "audit/limits.h"
#include "base/encoding.h"
#include "base/file.h"
#include "base/text.h"
#include "crypto/digest.h"

namespace apm::audit {
namespace {

std::string next_value(std::string_view before, const json::Object& entry) {
  return hex_encode(crypto::digest(crypto::Hash::kSha256,
                                   {as_bytes(before), as_bytes("\n"), as_bytes(json::write(entry))}));
}

Error broken(std::uint64_t line, std::string_view why) {
  return Error(Code::kCorrupt, "audit_chain", concat("line ", line, ": ", why));
}

}  // namespace

std::string chain(ChainHead& head, json::Object entry) {
  entry.set("seq", ++head.sequence);
  head.value = next_value(head.value, entry);
  entry.set("chain", head.value);
  return json::write(entry) + "\n";
}

Result<ChainHead> head_of(std::string_view last_line) {
  APM_TRY(const json::Value entry, json::parse(last_line, {.bytes_max = kRecordBytesMax}));
  const json::Value* sequence = entry.at("seq");
  const std::string* value = entry.string_at("chain");
  if (sequence == nullptr || !sequence->as_uint() || value == nullptr) {
    return Error(Code::kCorrupt, "audit_chain", "the last line is not a chained record");
  }
  return ChainHead{*sequence->as_uint(), *value};
}

Result<ChainReport> verify_chain(std::string_view text) {
  ChainReport report;
  std::uint64_t line = 0;
  bool torn = false;
  for (const std::string_view one : split(text, '\n')) {
    ++line;
    if (one.empty()) continue;
    auto entry = json::parse(one, {.bytes_max = kRecordBytesMax});
    if (!entry.ok() || entry->as_object() == nullptr) {
      if (torn) return broken(line, "two torn lines in a row");
      torn = true;
      ++report.torn_lines;
      continue;
    }
    const std::string* value = entry->string_at("chain");
    const std::string found = value == nullptr ? "" : *value;
    const json::Value* sequence = entry->at("seq");
    if (sequence == nullptr || sequence->as_uint() != report.head.sequence + 1) {
      return broken(line, concat("record ", report.head.sequence + 1, " is expected here"));
    }
    if (torn && entry->at("torn") == nullptr) return broken(line, "a torn line that no record names");
    entry->as_object()->erase("chain");
    if (next_value(report.head.value, *entry->as_object()) != found) {
      return broken(line, "the record was changed");
    }
    torn = false;
    report.head = {*sequence->as_uint(), found};
  }
  return report;
}

Result<ChainReport> verify_file(const std::string& path) {
  constexpr std::size_t kFileBytesMax = std::size_t{4} << 30;
  APM_TRY(const Bytes text, read_file(path, kFileBytesMax));
  return verify_chain(as_text(text));
}

}  // namespace apm::audit
