#pragma once

// How the collectors reach the kernel: device nodes by ioctl, and attributes of configfs or a
// runtime's files by whole reads and writes. One interface, so that what the kernel documents
// (errors, short buffers, throttling) can be played by a test without hardware. One thread.
//
// Failures are errno values, 0 for success: what one means differs from device to device, and the
// collector of that device says so in its Error.

#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/clock.h"

namespace apm::tee {

class DeviceFiles {
 public:
  virtual ~DeviceFiles() = default;

  [[nodiscard]] virtual bool exists(const std::string& path) = 0;
  // Opens the device for reading and writing, makes one request and closes it. `argument` is the
  // request's structure; addresses in it are of this process.
  [[nodiscard]] virtual int request(const std::string& path, unsigned long number,
                                    void* argument) = 0;

  struct Content {
    int error = 0;
    Bytes data;
  };
  // From one open to the end of the file; EFBIG when it holds more than `max_bytes`.
  [[nodiscard]] virtual Content read(const std::string& path, std::size_t max_bytes) = 0;
  // In one write, and closed: configfs commits a binary attribute when it is closed.
  [[nodiscard]] virtual int write(const std::string& path, ByteView data) = 0;
  [[nodiscard]] virtual int make_directory(const std::string& path) = 0;
  [[nodiscard]] virtual int remove_directory(const std::string& path) = 0;

  virtual void wait(Milliseconds span) = 0;
};

[[nodiscard]] std::unique_ptr<DeviceFiles> system_device_files();

}  // namespace apm::tee
