#pragma once

// Small whole files of the simulator's directory: private, replaced atomically; and a lock between
// processes that share the directory.

#include <string>

#include "base/bytes.h"
#include "base/file.h"
#include "base/result.h"

namespace apm::sim {

// mode 0600, written beside the target and renamed over it.
[[nodiscard]] Status write_private_file(const std::string& path, ByteView content);
[[nodiscard]] bool file_exists(const std::string& path);
[[nodiscard]] Status make_directory(const std::string& path);  // 0700; an existing one is fine

// Held until it is destroyed; waits for other holders.
class FileLock {
 public:
  [[nodiscard]] static Result<FileLock> take(const std::string& path);

 private:
  explicit FileLock(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

}  // namespace apm::sim
