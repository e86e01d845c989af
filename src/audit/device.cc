#include "audit/device.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/limits.h"
#include "base/text.h"

namespace apm::audit {
namespace {

struct Tail {
  ChainHead head;
  bool torn = false;
};

// The last whole record of the file, and whether half a record stands behind it.
Result<Tail> read_tail(int fd, const std::string& path) {
  const off_t size = ::lseek(fd, 0, SEEK_END);
  if (size < 0) return io_error("seek in " + path);
  const off_t from = size > static_cast<off_t>(kTailBytes) ? size - static_cast<off_t>(kTailBytes) : 0;
  Bytes raw(static_cast<std::size_t>(size - from));
  const ssize_t n = ::pread(fd, raw.data(), raw.size(), from);
  if (n < 0 || static_cast<std::size_t>(n) != raw.size()) return io_error("read " + path);
  std::string_view text = as_text(raw);
  Tail tail;
  tail.torn = !text.empty() && !text.ends_with('\n');
  while (!text.empty()) {
    if (text.ends_with('\n')) text.remove_suffix(1);
    const std::size_t start = text.rfind('\n');
    const std::string_view line = start == std::string_view::npos ? text : text.substr(start + 1);
    auto head = head_of(line);
    if (head.ok()) {
      tail.head = *head;
      return tail;
    }
    tail.torn = true;
    text = start == std::string_view::npos ? std::string_view() : text.substr(0, start + 1);
  }
  if (size > 0) {
    return Error(Code::kCorrupt, "audit_chain",
                 concat(path, " holds no chained record; move it away or name another file"));
  }
  return tail;
}

}  // namespace

Result<std::unique_ptr<Device>> FileDevice::open(std::string name, std::string path) {
  std::unique_ptr<FileDevice> device(new FileDevice(std::move(name), std::move(path)));
  const std::lock_guard lock(device->mutex_);
  APM_CHECK_OK(device->open_locked());
  return std::unique_ptr<Device>(std::move(device));
}

Status FileDevice::open_locked() {
  UniqueFd fd(::open(path_.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd.valid()) return io_error("open the audit file " + path_);
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return io_error("stat " + path_);
  if (!S_ISREG(info.st_mode) || (info.st_mode & 0111) != 0) {
    return Error(Code::kRefused, "audit_file_mode",
                 path_ + " is executable or no regular file: an audit device will not write there");
  }
  APM_TRY(const Tail tail, read_tail(fd.get(), path_));
  head_ = tail.head;
  torn_ = tail.torn;
  fd_ = std::move(fd);
  return {};
}

Status FileDevice::reopen() {
  const std::lock_guard lock(mutex_);
  return open_locked();
}

Status FileDevice::write(const json::Object& entry) {
  const std::lock_guard lock(mutex_);
  ChainHead next = head_;
  json::Object whole = entry;
  std::string text;
  if (torn_) {
    whole.set("torn", true);
    text = "\n";
  }
  text += chain(next, std::move(whole));
  const Status written = write_fd(fd_.get(), as_bytes(text), path_);
  if (!written.ok()) {
    torn_ = true;
    return written.error().within("audit device " + name_);
  }
  head_ = next;
  torn_ = false;
  return {};
}

}  // namespace apm::audit
