#pragma once

// Where audit records go. A device that does not accept a record says so; it never drops one
// silently.

#include <memory>
#include <mutex>
#include <string>

#include "audit/chain.h"
#include "base/file.h"
#include "base/result.h"

namespace apm::audit {

class Device {
 public:
  virtual ~Device() = default;
  [[nodiscard]] virtual Status write(const json::Object& entry) = 0;
  [[nodiscard]] virtual Status reopen() = 0;  // after log rotation
  [[nodiscard]] virtual std::string name() const = 0;
};

// Appends to a file of mode 0600 and goes on with the chain that it finds there. A file that can be
// executed, or that is no regular file, is refused. Any thread may call.
class FileDevice final : public Device {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Device>> open(std::string name, std::string path);
  [[nodiscard]] Status write(const json::Object& entry) override;
  [[nodiscard]] Status reopen() override;
  [[nodiscard]] std::string name() const override { return name_; }

 private:
  FileDevice(std::string name, std::string path) : name_(std::move(name)), path_(std::move(path)) {}
  [[nodiscard]] Status open_locked();

  std::string name_;
  std::string path_;
  std::mutex mutex_;
  UniqueFd fd_;
  ChainHead head_;
  bool torn_ = false;  // the file ends in half a record, or a write of ours failed half-way
};

}  // namespace apm::audit
