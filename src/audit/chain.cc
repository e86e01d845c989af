#include "audit/chain.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>

#include "audit/limits.h"
#include "base/encoding.h"
#include "base/file.h"
#include "base/text.h"
#include "crypto/digest.h"

namespace apm::audit {
namespace {

constexpr std::string_view kBefore = R"(,"chain":")";
constexpr std::string_view kBehind = "\"}";
constexpr std::size_t kHexBytes = 64;
constexpr std::size_t kMemberBytes = kBefore.size() + kHexBytes + kBehind.size();

std::string next_value(std::string_view before, std::string_view record) {
  return hex_encode(
      crypto::digest(crypto::Hash::kSha256, {as_bytes(before), as_bytes("\n"), as_bytes(record)}));
}

Error broken(std::uint64_t line, std::string_view why) {
  return Error(Code::kCorrupt, "audit_chain", concat("line ", line, ": ", why));
}

// A whole record ends in its chain member.
bool has_chain(std::string_view line) {
  return line.size() > kMemberBytes && line.ends_with(kBehind) &&
         line.substr(line.size() - kMemberBytes).starts_with(kBefore);
}

std::string_view chain_of(std::string_view line) {
  return line.substr(line.size() - kHexBytes - kBehind.size(), kHexBytes);
}

// The record's bytes as they were before the chain member was put in.
std::string without_chain(std::string_view line) {
  return concat(line.substr(0, line.size() - kMemberBytes), '}');
}

// Nothing when the line is not a whole record.
std::optional<json::Value> record_of(std::string_view line) {
  if (!has_chain(line)) return std::nullopt;
  auto entry = json::parse(
      line,
      {.bytes_max = kRecordBytesMax, .depth_max = kRecordDepthMax, .values_max = kRecordValuesMax});
  if (!entry.ok() || entry->as_object() == nullptr) return std::nullopt;
  return std::move(*entry);
}

std::uint64_t count_at(const json::Value& entry, std::string_view name) {
  const json::Value* value = entry.at(name);
  return value == nullptr ? 0 : value->as_uint().value_or(0);
}

}  // namespace

std::string chain(ChainHead& head, json::Object entry) {
  entry.set("seq", ++head.sequence);
  std::string text = json::write(entry);
  head.value = next_value(head.value, text);
  text.pop_back();
  return concat(text, kBefore, head.value, kBehind, '\n');
}

Result<ChainHead> head_of(std::string_view last_line) {
  const auto entry = record_of(last_line);
  if (!entry || count_at(*entry, "seq") == 0) {
    return Error(Code::kCorrupt, "audit_chain", "the last line is not a chained record");
  }
  return ChainHead{count_at(*entry, "seq"), std::string(chain_of(last_line))};
}

Status ChainVerifier::take(std::string_view line) {
  ++line_;
  if (line.empty()) return {};
  const auto entry = record_of(line);
  if (entry) return take_record(*entry, line);
  ++torn_;
  ++report_.torn_lines;
  return {};
}

Status ChainVerifier::take_record(const json::Value& entry, std::string_view line) {
  const std::uint64_t sequence = count_at(entry, "seq");
  if (const std::string* follows = entry.string_at("follows")) {
    if (report_.head.sequence != 0) return broken(line_, "only the first record follows a file");
    if (sequence < 2) return broken(line_, "a record that follows a file is not number 1");
    report_.start = ChainHead{sequence - 1, *follows};
    report_.head = report_.start;
  }
  if (sequence != report_.head.sequence + 1) {
    return broken(line_, concat("record ", report_.head.sequence + 1, " is expected here"));
  }
  if (count_at(entry, "torn") != torn_) {
    return broken(line_, concat(torn_, " unreadable lines stand before, the record names ",
                                count_at(entry, "torn")));
  }
  if (next_value(report_.head.value, without_chain(line)) != chain_of(line)) {
    return broken(line_, "the record was changed");
  }
  report_.head = ChainHead{sequence, std::string(chain_of(line))};
  torn_ = 0;
  return {};
}

ChainReport ChainVerifier::report() const {
  ChainReport out = report_;
  out.torn_tail = torn_ != 0;
  return out;
}

Result<ChainReport> verify_chain(std::string_view text) {
  ChainVerifier verifier;
  for (const std::string_view line : split(text, '\n')) APM_CHECK_OK(verifier.take(line));
  return verifier.report();
}

Result<ChainReport> verify_file(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return io_error("open " + path);
  ChainVerifier verifier;
  std::string line;
  std::array<char, 65536> chunk;  // NOLINT: filled by read()
  while (true) {
    const ssize_t n = ::read(fd.get(), chunk.data(), chunk.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return io_error("read " + path);
    if (n == 0) break;
    std::string_view rest(chunk.data(), static_cast<std::size_t>(n));
    for (auto end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
      line += rest.substr(0, end);
      APM_CHECK_OK(verifier.take(line));
      line.clear();
      rest.remove_prefix(end + 1);
    }
    line += rest;
    if (line.size() > kRecordBytesMax) {
      return Error(Code::kTooLarge, "audit_record", path + " holds a line that is too long");
    }
  }
  APM_CHECK_OK(verifier.take(line));
  return verifier.report();
}

}  // namespace apm::audit
