#pragma once

// A file that appears whole or not at all: written beside its place with mode 0600, synchronised,
// then renamed. What was there before stays until then. One thread.

#include <string>

#include "base/file.h"

namespace apm::cli {

class AtomicFile {
 public:
  [[nodiscard]] static Result<AtomicFile> create(const std::string& path);
  AtomicFile(AtomicFile&& other) noexcept;
  AtomicFile& operator=(AtomicFile&&) = delete;
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile();  // removes what was not published

  [[nodiscard]] Status write(ByteView data);
  [[nodiscard]] int fd() const { return fd_.get(); }  // to read back what was written
  [[nodiscard]] Status publish();

 private:
  AtomicFile(std::string path, std::string temporary, UniqueFd fd);
  std::string path_;
  std::string temporary_;  // "" once it is gone
  UniqueFd fd_;
};

}  // namespace apm::cli
