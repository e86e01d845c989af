#include "audit/device.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "audit/limits.h"
#include "audit/tail.h"
#include "base/text.h"

namespace apm::audit {
namespace {

Status check_mode(int fd, const std::string& path) {
  struct stat info{};
  if (::fstat(fd, &info) != 0) return io_error("stat " + path);
  if (!S_ISREG(info.st_mode) || (info.st_mode & 0111) != 0 || (info.st_mode & 0022) != 0) {
    return Error(Code::kRefused, "audit_file_mode",
                 path +
                     " is executable, writable by others or no regular file: an audit device "
                     "does not write there; name another file, or chmod it to 0600");
  }
  return {};
}

bool same_file(int a, int b) {
  struct stat left{};
  struct stat right{};
  return a >= 0 && b >= 0 && ::fstat(a, &left) == 0 && ::fstat(b, &right) == 0 &&
         left.st_dev == right.st_dev && left.st_ino == right.st_ino;
}

}  // namespace

Result<std::unique_ptr<Device>> FileDevice::open(std::string name, FileOptions options) {
  if (!options.prefix.empty()) {
    return Error(Code::kRefused, "audit_prefix",
                 "audit device " + name + ": the option prefix is not supported; leave it out");
  }
  std::unique_ptr<FileDevice> device(new FileDevice(std::move(name), std::move(options)));
  const MutexLock lock(device->mutex_);
  APM_CHECK_OK(device->open_locked());
  return std::unique_ptr<Device>(std::move(device));
}

Status FileDevice::open_locked() {
  const std::string& path = options_.path;
  constexpr int kFlags = O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
  UniqueFd fd(::open(path.c_str(), kFlags, 0600));
  if (!fd.valid()) return io_error("open the audit file " + path);
  APM_CHECK_OK(check_mode(fd.get(), path));
  // Not rotated: the file that is open already holds the lock.
  if (same_file(fd.get(), fd_.get())) return adopt_tail(fd_.get());
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return io_error("lock " + path);
    return Error(Code::kRefused, "audit_file_in_use",
                 path + " is written by another process: give each server its own audit file");
  }
  APM_CHECK_OK(adopt_tail(fd.get()));
  fd_ = std::move(fd);
  return {};
}

// Where to go on in the file behind `fd`; nothing changes on failure.
Status FileDevice::adopt_tail(int fd) {
  APM_TRY(Tail tail, read_tail(fd, options_.path));
  fresh_ = tail.empty && head_.sequence != 0;
  if (!fresh_) head_ = std::move(tail.head);
  torn_ = tail.torn_lines;
  broken_line_ = tail.broken_line;
  unsure_ = false;
  return {};
}

Status FileDevice::reopen() {
  const MutexLock lock(mutex_);
  return open_locked();
}

Status FileDevice::write(const json::Object& entry) {
  const MutexLock lock(mutex_);
  if (unsure_) APM_CHECK_OK(adopt_tail(fd_.get()));
  json::Object whole = entry;
  if (torn_ != 0) whole.set("torn", torn_);
  if (fresh_) whole.set("follows", head_.value);
  ChainHead next = head_;
  std::string text = chain(next, std::move(whole));
  if (broken_line_) text.insert(0, 1, '\n');
  if (const Status done = append_locked(text); !done.ok()) {
    unsure_ = true;
    return done.error().within("audit device " + name_);
  }
  head_ = std::move(next);
  torn_ = 0;
  broken_line_ = false;
  fresh_ = false;
  return {};
}

Status FileDevice::append_locked(const std::string& text) const {
  APM_CHECK_OK(write_fd(fd_.get(), as_bytes(text), options_.path));
  if (options_.sync_each_record && ::fdatasync(fd_.get()) != 0) {
    return io_error("sync " + options_.path);
  }
  return {};
}

}  // namespace apm::audit
