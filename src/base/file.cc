#include "base/file.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

#include "base/text.h"

namespace apm {

UniqueFd& UniqueFd::operator=(UniqueFd&& other) noexcept {
  if (this != &other) {
    reset();
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

void UniqueFd::reset() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

Result<Bytes> read_file(const std::string& path, std::size_t max_bytes) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return io_error("open " + path);
  return read_fd(fd.get(), max_bytes, path);
}

Result<Bytes> read_fd(int fd, std::size_t max_bytes, const std::string& name) {
  Bytes out;
  std::array<std::uint8_t, 16384> chunk;  // NOLINT: filled by read()
  while (true) {
    const ssize_t n = ::read(fd, chunk.data(), chunk.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return io_error("read " + name);
    if (n == 0) break;
    if (out.size() + static_cast<std::size_t>(n) > max_bytes) {
      return Error(Code::kTooLarge, concat(name, " holds more than ", max_bytes, " bytes"));
    }
    append(out, ByteView(chunk.data(), static_cast<std::size_t>(n)));
  }
  ::explicit_bzero(chunk.data(), chunk.size());
  return out;
}

Status write_fd(int fd, ByteView data, const std::string& name) {
  while (!data.empty()) {
    const ssize_t n = ::write(fd, data.data(), data.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return io_error("write " + name);
    data = data.subspan(static_cast<std::size_t>(n));
  }
  return {};
}

Error io_error(const std::string& what) {
  const int code = errno;
  return Error(Code::kIo, concat(what, ": ", std::generic_category().message(code)));
}

}  // namespace apm
