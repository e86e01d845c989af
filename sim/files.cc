#include "sim/files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

namespace apm::sim {

Status write_private_file(const std::string& path, ByteView content) {
  const std::string fresh = path + ".new." + std::to_string(::getpid());
  {
    const UniqueFd fd(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (!fd.valid()) return io_error("create " + fresh);
    APM_CHECK_OK(write_fd(fd.get(), content, fresh));
    if (::fsync(fd.get()) != 0) return io_error("sync " + fresh);
  }
  if (::rename(fresh.c_str(), path.c_str()) != 0) return io_error("rename to " + path);
  return {};
}

bool file_exists(const std::string& path) {
  struct stat info{};
  return ::stat(path.c_str(), &info) == 0;
}

Status make_directory(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return io_error("make " + path);
  return {};
}

Result<FileLock> FileLock::take(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd.valid()) return io_error("open " + path);
  if (::flock(fd.get(), LOCK_EX) != 0) return io_error("lock " + path);
  return FileLock(std::move(fd));
}

}  // namespace apm::sim
