// A kernel that has the device of one kind of machine: loaded before the C library into a program
// under test (LD_PRELOAD), it answers for the paths that the kernel documents, with what
// played_hardware makes. Everything else goes to the real calls; real devices are hidden.
//   PLAYED_SOCKET    of played_hardware
//   PLAYED_FAMILY    snp, tdx (configfs TSM), sgx (Gramine), aws-nitro (/dev/nsm)
//   PLAYED_WISH      machines.h; "-" for none
// One thread at a time asks for evidence.

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>

namespace {

const std::string kTsm = "/sys/kernel/config/tsm/report";
const std::string kGramine = "/dev/attestation";
const std::string kNsm = "/dev/nsm";
const char* const kDevices[] = {"/sys/kernel/config/tsm/report",
                                "/dev/attestation",
                                "/dev/nsm",
                                "/dev/sev-guest",
                                "/dev/tdx_guest",
                                "/dev/tpmrm0"};

struct State {
  int input = -1;   // what was written last: the report data
  int device = -1;  // the open /dev/nsm
  int generation = 0;
  std::string certificates;
};
State state;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}
bool is(const char* family) { return variable("PLAYED_FAMILY") == family; }
bool has_tsm() { return is("snp") || is("tdx"); }
bool below(const std::string& path, const std::string& folder) {
  return path == folder || path.compare(0, folder.size() + 1, folder + "/") == 0;
}
bool played(const std::string& path) {
  return (has_tsm() && below(path, kTsm)) || (is("sgx") && below(path, kGramine)) ||
         (is("aws-nitro") && path == kNsm);
}
bool hidden(const std::string& path) {
  for (const char* device : kDevices) {
    if (below(path, device)) return !played(path);
  }
  return false;
}

template <class F>
F real(const char* name) {
  return reinterpret_cast<F>(::dlsym(RTLD_NEXT, name));
}

std::string hex(const std::string& bytes) {
  static const char* const kDigits = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out += {kDigits[byte >> 4], kDigits[byte & 15]};
  }
  return out;
}
std::string unhex(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    out += static_cast<char>(std::stoi(text.substr(i, 2), nullptr, 16));
  }
  return out;
}

// Empty when the hardware has no answer.
std::string ask(const std::string& data) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = variable("PLAYED_SOCKET");
  if (path.size() >= sizeof address.sun_path) return "";
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  std::string answer;
  if (fd >= 0 && ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) {
    const std::string line =
        variable("PLAYED_FAMILY") + " " + variable("PLAYED_WISH") + " " + hex(data) + "\n";
    if (::write(fd, line.data(), line.size()) == static_cast<ssize_t>(line.size())) {
      char chunk[4096];
      for (ssize_t got = 0; (got = ::read(fd, chunk, sizeof chunk)) > 0;) {
        answer.append(chunk, static_cast<std::size_t>(got));
      }
    }
  }
  ::close(fd);
  const std::size_t end = answer.find('\n');
  if (end == std::string::npos) return "";
  state.certificates = unhex(answer.substr(end + 1, answer.rfind('\n') - end - 1));
  return unhex(answer.substr(0, end));
}

int file_of(const std::string& content) {
  const int fd = ::memfd_create("played", MFD_CLOEXEC);
  if (fd < 0) return fd;
  if (::write(fd, content.data(), content.size()) != static_cast<ssize_t>(content.size()) ||
      ::lseek(fd, 0, SEEK_SET) != 0) {
    ::close(fd);
    errno = EIO;
    return -1;
  }
  return fd;
}

// The program writes into one end, and we read the other when it asks for the report.
int open_input() {
  if (state.input >= 0) ::close(state.input);
  state.input = file_of("");
  ++state.generation;
  return ::fcntl(state.input, F_DUPFD_CLOEXEC, 0);
}
std::string input() {
  char buffer[4096];
  const ssize_t got = state.input < 0 ? 0 : ::pread(state.input, buffer, sizeof buffer, 0);
  return got <= 0 ? "" : std::string(buffer, static_cast<std::size_t>(got));
}

int open_evidence() {
  const std::string evidence = ask(input());
  if (!evidence.empty()) return file_of(evidence);
  errno = EIO;
  return -1;
}

int open_played(const std::string& path, int flags) {
  const std::string name = path.substr(path.rfind('/') + 1);
  if (path == kNsm) {
    state.device = file_of("");
    return state.device;
  }
  if ((flags & O_ACCMODE) != O_RDONLY) {
    if (name == "inblob" || name == "user_report_data") return open_input();
    errno = EACCES;
    return -1;
  }
  if (name == "outblob" || name == "quote") return open_evidence();
  if (name == "generation") return file_of(std::to_string(state.generation) + "\n");
  if (name == "provider") return file_of(is("snp") ? "sev_guest\n" : "tdx_guest\n");
  if (name == "auxblob" && !state.certificates.empty()) return file_of(state.certificates);
  errno = ENOENT;
  return -1;
}

int open_any(const char* path, int flags, mode_t mode) {
  if (played(path)) return open_played(path, flags);
  if (hidden(path)) {
    errno = ENOENT;
    return -1;
  }
  return real<int (*)(const char*, int, ...)>("open")(path, flags, mode);
}

// struct nsm_raw of Linux 6.8: request and response, each an address and a size.
struct NsmRaw {
  std::uint64_t request_address, request_size, response_address, response_size;
};

int nsm_request(void* argument) {
  auto& raw = *static_cast<NsmRaw*>(argument);
  const auto* request =
      reinterpret_cast<const char*>(raw.request_address);  // NOLINT: as the kernel
  const std::string answer = ask(std::string(request, raw.request_size));
  if (answer.empty() || answer.size() > raw.response_size) {
    errno = EIO;
    return -1;
  }
  std::memcpy(reinterpret_cast<void*>(raw.response_address), answer.data(),  // NOLINT: likewise
              answer.size());
  raw.response_size = answer.size();
  return 0;
}

mode_t mode_of(int flags, va_list arguments) {
  return (flags & O_CREAT) != 0 ? static_cast<mode_t>(va_arg(arguments, int)) : 0;
}

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_of(flags, arguments);
  va_end(arguments);
  return open_any(path, flags, mode);
}
int open64(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_of(flags, arguments);
  va_end(arguments);
  return open_any(path, flags, mode);
}
int __open_2(const char* path, int flags) { return open_any(path, flags, 0); }
int __open64_2(const char* path, int flags) { return open_any(path, flags, 0); }

int access(const char* path, int mode) noexcept {
  const std::string name = path;
  if (played(name)) {
    const bool there = name == kTsm || name == kNsm || name == kGramine + "/quote";
    if (!there) errno = ENOENT;
    return there ? 0 : -1;
  }
  if (hidden(name)) {
    errno = ENOENT;
    return -1;
  }
  return real<int (*)(const char*, int)>("access")(path, mode);
}

int ioctl(int fd, unsigned long number, ...) noexcept {
  va_list arguments;
  va_start(arguments, number);
  void* argument = va_arg(arguments, void*);
  va_end(arguments);
  if (fd == state.device && is("aws-nitro")) return nsm_request(argument);
  return real<int (*)(int, unsigned long, ...)>("ioctl")(fd, number, argument);
}

int mkdir(const char* path, mode_t mode) noexcept {
  if (has_tsm() && below(path, kTsm)) {
    state.generation = 0;
    state.certificates.clear();
    return 0;
  }
  return real<int (*)(const char*, mode_t)>("mkdir")(path, mode);
}

int rmdir(const char* path) noexcept {
  if (has_tsm() && below(path, kTsm)) return 0;
  return real<int (*)(const char*)>("rmdir")(path);
}

}  // extern "C"
