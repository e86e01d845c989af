#include "audit/tail.h"

#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "audit/limits.h"
#include "base/bytes.h"
#include "base/file.h"
#include "base/text.h"

namespace apm::audit {
namespace {

// How every record of ours begins: tells a torn first record from a foreign file.
constexpr std::string_view kRecordStart = R"({"type":")";

Result<Bytes> read_last(int fd, std::size_t size, std::size_t count, const std::string& path) {
  Bytes out(count);
  std::size_t have = 0;
  while (have < count) {
    const ssize_t n =
        ::pread(fd, out.data() + have, count - have, static_cast<off_t>(size - count + have));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return io_error("read " + path);
    have += static_cast<std::size_t>(n);
  }
  return out;
}

// Goes back through whole lines to the last record. False: there is none in `text`.
bool find_record(std::string_view text, Tail& tail) {
  tail.torn_lines = 0;
  while (!text.empty()) {
    if (text.ends_with('\n')) text.remove_suffix(1);
    const std::size_t before = text.rfind('\n');
    const std::string_view line = before == std::string_view::npos ? text : text.substr(before + 1);
    if (auto head = head_of(line); head.ok()) {
      tail.head = std::move(*head);
      return true;
    }
    if (!line.empty()) ++tail.torn_lines;
    text = before == std::string_view::npos ? std::string_view() : text.substr(0, before + 1);
  }
  return false;
}

bool all_ours(std::string_view text) {
  for (const std::string_view line : split(text, '\n')) {
    const std::size_t shared = std::min(line.size(), kRecordStart.size());
    if (line.substr(0, shared) != kRecordStart.substr(0, shared)) return false;
  }
  return true;
}

}  // namespace

Result<Tail> read_tail(int fd, const std::string& path) {
  const off_t end = ::lseek(fd, 0, SEEK_END);
  if (end < 0) return io_error("seek in " + path);
  const auto size = static_cast<std::size_t>(end);
  Tail tail;
  tail.empty = size == 0;
  if (tail.empty) return tail;
  std::size_t window = kTailBytes;
  while (true) {
    const std::size_t count = std::min(size, window);
    APM_TRY(const Bytes raw, read_last(fd, size, count, path));
    std::string_view text = as_text(raw);
    tail.broken_line = !text.ends_with('\n');
    const std::size_t first = text.find('\n');
    // The window may begin within a line.
    if (count < size) text = first == std::string_view::npos ? "" : text.substr(first + 1);
    if (find_record(text, tail)) return tail;
    if (count == size && all_ours(text)) return tail;
    if (count == size || window > 2 * kRecordBytesMax) break;
    window *= 4;
  }
  return Error(Code::kCorrupt, "audit_chain",
               concat(path, " holds no chained record; move it away or name another file"));
}

}  // namespace apm::audit
