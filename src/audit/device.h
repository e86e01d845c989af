#pragma once

// Where audit records go. A device that does not accept a record says so; it never drops one
// silently.

#include <cstdint>
#include <memory>
#include <string>

#include "audit/chain.h"
#include "base/file.h"
#include "base/mutex.h"
#include "base/result.h"

namespace apm::audit {

class Device {
 public:
  virtual ~Device() = default;
  [[nodiscard]] virtual Status write(const json::Object& entry) = 0;
  [[nodiscard]] virtual Status reopen() = 0;  // after log rotation
  [[nodiscard]] virtual std::string name() const = 0;
};

struct FileOptions {
  std::string path;
  // Vault's text before each line. Refused: with it, and a file that something executes, whoever
  // configures audit could write a program (CVE-2025-6000).
  std::string prefix;
  bool sync_each_record = false;  // fdatasync() before a record counts as accepted
};

// Appends to a file of mode 0600 and goes on with the chain that it finds there. Refused with
// kRefused: "audit_file_mode" (executable, writable by others, or no regular file),
// "audit_file_in_use" (another process writes there), "audit_prefix"; with kCorrupt "audit_chain" a
// file that holds something else. Half a record, left by a crash or a full disk, stays in the file
// and is counted by the next record. Any thread may call.
class FileDevice final : public Device {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Device>> open(std::string name, FileOptions options);
  [[nodiscard]] static Result<std::unique_ptr<Device>> open(std::string name, std::string path) {
    return open(std::move(name), FileOptions{std::move(path), "", false});
  }
  [[nodiscard]] Status write(const json::Object& entry) override;
  [[nodiscard]] Status reopen() override;  // on failure the old file stays in use
  [[nodiscard]] std::string name() const override { return name_; }

 private:
  FileDevice(std::string name, FileOptions options)
      : name_(std::move(name)), options_(std::move(options)) {}
  [[nodiscard]] Status open_locked() APM_REQUIRES(mutex_);
  [[nodiscard]] Status adopt_tail(int fd) APM_REQUIRES(mutex_);
  [[nodiscard]] Status append_locked(const std::string& text) const APM_REQUIRES(mutex_);

  std::string name_;
  FileOptions options_;
  Mutex mutex_;
  UniqueFd fd_ APM_GUARDED_BY(mutex_);
  ChainHead head_ APM_GUARDED_BY(mutex_);
  std::uint64_t torn_ APM_GUARDED_BY(mutex_) = 0;    // unreadable lines behind the last record
  bool broken_line_ APM_GUARDED_BY(mutex_) = false;  // the file does not end in a newline
  bool fresh_ APM_GUARDED_BY(mutex_) =
      false;  // the file is empty, but the chain is not at its beginning
  bool unsure_ APM_GUARDED_BY(mutex_) =
      false;  // a write failed half-way: look at the file before the next
};

}  // namespace apm::audit
