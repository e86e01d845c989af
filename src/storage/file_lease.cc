#include "storage/file_lease.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <thread>

#include "base/file.h"
#include "base/text.h"
#include "storage/limits.h"

namespace apm::storage {
namespace {

// Somebody may delete the file while we hold it: a lock on it would then exclude nobody.
bool is_at(int fd, const std::string& path) {
  struct stat open_file{};
  struct stat named{};
  return ::fstat(fd, &open_file) == 0 && ::lstat(path.c_str(), &named) == 0 &&
         open_file.st_dev == named.st_dev && open_file.st_ino == named.st_ino;
}

class FileLease final : public Lease {
 public:
  FileLease(UniqueFd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}
  FileLease(const FileLease&) = delete;
  FileLease& operator=(const FileLease&) = delete;
  ~FileLease() override {
    // The name is advice for the next one who waits; the lock itself goes with the descriptor.
    if (::ftruncate(fd_.get(), 0) != 0) return;
  }
  [[nodiscard]] bool held() const override { return is_at(fd_.get(), path_); }

 private:
  UniqueFd fd_;
  std::string path_;
};

Status write_owner(int fd, const std::string& owner, const std::string& path) {
  if (::ftruncate(fd, 0) != 0) return io_error("truncate " + path);
  return write_fd(fd, as_bytes(owner), path);
}

std::string holder(const std::string& path) {
  const Result<Bytes> text = read_file(path, kLeaseOwnerBytesMax);
  if (!text.ok() || !check_lease_owner(as_text(*text)).ok()) return "another process";
  return std::string(as_text(*text));
}

// True when the lock is ours, false when somebody else has it.
Result<bool> try_lock(int fd, const std::string& path) {
  if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return is_at(fd, path);
  if (errno == EWOULDBLOCK || errno == EINTR) return false;
  return io_error("lock " + path);
}

}  // namespace

Result<std::unique_ptr<Lease>> acquire_file_lease(const std::string& lock_path,
                                                  const std::string& owner,
                                                  const Deadline& deadline) {
  APM_CHECK_OK(check_lease_owner(owner));
  while (true) {
    UniqueFd fd(::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd.valid()) return io_error("open " + lock_path);
    APM_TRY(const bool locked, try_lock(fd.get(), lock_path));
    if (locked) {
      APM_CHECK_OK(write_owner(fd.get(), owner, lock_path));
      return std::unique_ptr<Lease>(std::make_unique<FileLease>(std::move(fd), lock_path));
    }
    if (deadline.passed()) {
      return Error(Code::kConflict, "lease_held",
                   concat("the store is in use by ", holder(lock_path), " (lock ", lock_path,
                          "); stop that process, or wait until it ends"));
    }
    // flock(2) has no timeout, and signals belong to the program: poll.
    std::this_thread::sleep_for(std::min(deadline.left(), kLeasePollInterval));
  }
}

}  // namespace apm::storage
