#include "storage/file_lease.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <thread>

#include "base/text.h"
#include "storage/limits.h"
#include "storage/store.h"

namespace apm::storage {
namespace {

// Somebody may delete the file while we hold it: a lock on it would then exclude nobody.
bool is_at(int fd, const std::string& path) {
  struct stat open_file{};
  struct stat named{};
  return ::fstat(fd, &open_file) == 0 && ::lstat(path.c_str(), &named) == 0 &&
         open_file.st_dev == named.st_dev && open_file.st_ino == named.st_ino;
}

Status write_owner(int fd, const std::string& owner, const std::string& path) {
  if (::ftruncate(fd, 0) != 0) return io_error("truncate " + path);
  return write_fd(fd, as_bytes(owner), path);
}

std::string owner_in(const std::string& path) {
  const Result<Bytes> text = read_file(path, kLeaseOwnerBytesMax);
  if (!text.ok() || !check_lease_owner(as_text(*text)).ok()) return "another process";
  return std::string(as_text(*text));
}

struct flock whole_file() {
  struct flock lock{};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  return lock;
}

// True when the lock is ours, false when somebody else has it.
Result<bool> try_lock(int fd, const std::string& path) {
  struct flock lock = whole_file();
  if (::fcntl(fd, F_OFD_SETLK, &lock) == 0) return is_at(fd, path);
  if (errno == EAGAIN || errno == EACCES || errno == EINTR) return false;
  return io_error("lock " + path);
}

}  // namespace

Result<FileLease> FileLease::acquire(const std::string& lock_path, const std::string& owner,
                                     const std::string& store, const Deadline& deadline) {
  while (true) {
    UniqueFd fd(::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd.valid()) return io_error("open " + lock_path);
    APM_TRY(const bool locked, try_lock(fd.get(), lock_path));
    if (locked) {
      APM_CHECK_OK(write_owner(fd.get(), owner, lock_path));
      return FileLease(std::move(fd), lock_path);
    }
    if (deadline.passed()) return lease_held(store, owner_in(lock_path));
    // Waiting for the lock itself would have no deadline, and signals belong to the program: poll.
    std::this_thread::sleep_for(std::min(deadline.left(), kLeasePollInterval));
  }
}

Result<bool> FileLease::is_taken(const std::string& lock_path) {
  const UniqueFd fd(::open(lock_path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
  if (!fd.valid()) {
    if (errno == ENOENT) return false;
    return io_error("open " + lock_path);
  }
  struct flock lock = whole_file();
  if (::fcntl(fd.get(), F_OFD_GETLK, &lock) != 0) return io_error("ask for the lock " + lock_path);
  return lock.l_type != F_UNLCK;
}

FileLease::~FileLease() {
  // The name is advice for the next one who waits; the lock itself goes with the descriptor.
  if (fd_.valid() && ::ftruncate(fd_.get(), 0) != 0) return;
}

bool FileLease::held() const { return is_at(fd_.get(), path_); }

}  // namespace apm::storage
