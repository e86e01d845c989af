#pragma once

// An exclusive lock on a file that names its owner (an open file description lock, fcntl(2)). The
// kernel releases it with the process, so a crash never leaves one behind. The file stays.
//
// Whoever may delete the file can make room for a second owner: the lock keeps honest servers from
// disturbing each other; that two can never write is the epoch's work (store.h).

#include <string>

#include "base/clock.h"
#include "base/file.h"
#include "base/result.h"

namespace apm::storage {

class FileLease {
 public:
  // Polls until `deadline`; kConflict "lease_held" names the holder. `store` is for messages.
  [[nodiscard]] static Result<FileLease> acquire(const std::string& lock_path,
                                                 const std::string& owner, const std::string& store,
                                                 const Deadline& deadline);
  // True when somebody, this process included, has the lock.
  [[nodiscard]] static Result<bool> is_taken(const std::string& lock_path);

  FileLease(FileLease&&) noexcept = default;
  FileLease& operator=(FileLease&&) = delete;
  FileLease(const FileLease&) = delete;
  FileLease& operator=(const FileLease&) = delete;
  ~FileLease();

  [[nodiscard]] bool held() const;  // false when the file was deleted or replaced

 private:
  FileLease(UniqueFd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}
  UniqueFd fd_;
  std::string path_;
};

}  // namespace apm::storage
