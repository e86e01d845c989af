#pragma once

// File descriptors that close themselves, and small whole files.

#include <cstddef>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "base/result.h"

namespace apm {

class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept;
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;
  ~UniqueFd() { reset(); }

  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool valid() const { return fd_ >= 0; }
  void reset();

 private:
  int fd_ = -1;
};

// The whole file, refused with kTooLarge when it holds more than `max_bytes`.
[[nodiscard]] Result<Bytes> read_file(const std::string& path, std::size_t max_bytes);
[[nodiscard]] Result<Bytes> read_fd(int fd, std::size_t max_bytes, const std::string& name);
[[nodiscard]] Status write_fd(int fd, ByteView data, const std::string& name);

// "open /x: No such file or directory", with the errno of the moment.
[[nodiscard]] Error io_error(const std::string& what);

}  // namespace apm
