#include "cli/atomic_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>

namespace apm::cli {

AtomicFile::AtomicFile(std::string path, std::string temporary, UniqueFd fd)
    : path_(std::move(path)), temporary_(std::move(temporary)), fd_(std::move(fd)) {}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_(std::exchange(other.temporary_, "")),
      fd_(std::move(other.fd_)) {}

AtomicFile::~AtomicFile() {
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

Result<AtomicFile> AtomicFile::create(const std::string& path) {
  std::string name = path + ".XXXXXX";
  UniqueFd fd(::mkostemp(name.data(), O_CLOEXEC));  // mode 0600
  if (!fd.valid()) return io_error("create a file beside " + path);
  return AtomicFile(path, std::move(name), std::move(fd));
}

Status AtomicFile::write(ByteView data) { return write_fd(fd_.get(), data, path_); }

Status AtomicFile::publish() {
  if (::fsync(fd_.get()) != 0) return io_error("sync " + path_);
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) return io_error("rename to " + path_);
  temporary_.clear();
  std::string directory = std::filesystem::path(path_).parent_path().string();
  if (directory.empty()) directory = ".";
  const UniqueFd opened(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened.valid()) return io_error("open directory " + directory);
  if (::fsync(opened.get()) != 0) return io_error("sync directory " + directory);
  return {};
}

}  // namespace apm::cli
