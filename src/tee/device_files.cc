#include "tee/device_files.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <thread>

#include "base/file.h"

namespace apm::tee {
namespace {

constexpr mode_t kDirectoryMode = 0755;
constexpr std::size_t kReadChunkBytes = 4096;

class SystemDeviceFiles final : public DeviceFiles {
 public:
  [[nodiscard]] bool exists(const std::string& path) override {
    return ::access(path.c_str(), F_OK) == 0;
  }

  [[nodiscard]] int request(const std::string& path, unsigned long number,
                            void* argument) override {
    const UniqueFd device(::open(path.c_str(), O_RDWR | O_CLOEXEC));
    if (!device.valid()) return errno;
    return ::ioctl(device.get(), number, argument) < 0 ? errno : 0;
  }

  [[nodiscard]] Content read(const std::string& path, std::size_t max_bytes) override {
    const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.valid()) return {errno, {}};
    Content out;
    std::array<std::uint8_t, kReadChunkBytes> chunk{};
    while (true) {
      const ssize_t got = ::read(file.get(), chunk.data(), chunk.size());
      if (got < 0) return {errno, {}};
      if (got == 0) return out;
      const auto size = static_cast<std::size_t>(got);
      if (size > max_bytes - out.data.size()) return {EFBIG, {}};
      append(out.data, ByteView(chunk).first(size));
    }
  }

  [[nodiscard]] int write(const std::string& path, ByteView data) override {
    UniqueFd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (!file.valid()) return errno;
    const ssize_t put = ::write(file.get(), data.data(), data.size());
    if (put < 0) return errno;
    return static_cast<std::size_t>(put) == data.size() ? 0 : EIO;
  }

  [[nodiscard]] int make_directory(const std::string& path) override {
    return ::mkdir(path.c_str(), kDirectoryMode) == 0 ? 0 : errno;
  }
  [[nodiscard]] int remove_directory(const std::string& path) override {
    return ::rmdir(path.c_str()) == 0 ? 0 : errno;
  }

  void wait(Milliseconds span) override { std::this_thread::sleep_for(span); }
};

}  // namespace

std::unique_ptr<DeviceFiles> system_device_files() { return std::make_unique<SystemDeviceFiles>(); }

}  // namespace apm::tee
