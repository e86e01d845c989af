#include "workload/deliver.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/file.h"
#include "base/text.h"
#include "crypto/random.h"

namespace apm::workload {
namespace {

constexpr std::size_t kNameBytesMax = 200;

bool in_memory(int directory) {
  struct statfs info{};
  if (::fstatfs(directory, &info) != 0) return false;
  const auto type = static_cast<unsigned long>(info.f_type);
  return type == TMPFS_MAGIC || type == RAMFS_MAGIC;
}

bool valid_variable(const std::string& name) {
  if (name.empty() || (name[0] >= '0' && name[0] <= '9')) return false;
  for (const char c : name) {
    const bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    if (!letter && !(c >= '0' && c <= '9') && c != '_') return false;
  }
  return true;
}

Status write_temporary(int directory, const std::string& name, ByteView value,
                       const std::string& shown) {
  const UniqueFd file(::openat(directory, name.c_str(),
                               O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file.valid()) return io_error(concat("create ", shown));
  // The mode does not depend on the umask of the moment.
  if (::fchmod(file.get(), 0600) != 0) return io_error(concat("chmod ", shown));
  return write_fd(file.get(), value, shown);
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> out;
  out.reserve(strings.size() + 1);
  for (std::string& s : strings) out.push_back(s.data());
  out.push_back(nullptr);
  return out;
}

}  // namespace

Status write_secret_file(const std::string& directory, const std::string& name,
                         const crypto::SecretBytes& value) {
  if (name.empty() || name[0] == '.' || name.size() > kNameBytesMax ||
      name.find('/') != std::string::npos || name.find('\0') != std::string::npos) {
    return Error(Code::kInvalidArgument, "file_name",
                 concat("'", name, "' cannot be a secret's file: one name without slashes"));
  }
  const UniqueFd dir(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!dir.valid()) return io_error(concat("open ", directory));
  if (!in_memory(dir.get())) {
    return Error(Code::kPrecondition, "directory_not_in_memory",
                 concat(directory, " is not on tmpfs or ramfs: secrets are not written to disks"));
  }
  const std::string shown = concat(directory, "/", name);
  const std::string temporary = concat(".", name, ".", crypto::random_base62(12));
  const Status written = write_temporary(dir.get(), temporary, value.view(), shown);
  if (written.ok() && ::renameat(dir.get(), temporary.c_str(), dir.get(), name.c_str()) == 0) {
    return {};
  }
  const Error error = written.ok() ? io_error(concat("rename ", shown)) : written.error();
  ::unlinkat(dir.get(), temporary.c_str(), 0);
  return error;
}

Result<std::vector<std::string>> build_environment(
    const char* const* inherited, const std::map<std::string, crypto::SecretBytes>& secrets) {
  std::vector<std::string> environment;
  for (; inherited != nullptr && *inherited != nullptr; ++inherited) {
    const std::string_view entry = *inherited;
    if (!secrets.contains(std::string(entry.substr(0, entry.find('='))))) {
      environment.emplace_back(entry);
    }
  }
  for (const auto& [name, value] : secrets) {
    if (!valid_variable(name)) {
      return Error(Code::kInvalidArgument, "variable_name",
                   concat("'", name, "' is not the name of an environment variable"));
    }
    if (value.text().find('\0') != std::string_view::npos) {
      return Error(Code::kInvalidArgument, "value_has_nul",
                   concat("the secret for ", name, " holds a zero byte: deliver it as a file"));
    }
    environment.push_back(concat(name, "=", value.text()));
  }
  return environment;
}

Status exec_program(const Program& program) {
  if (program.arguments.empty()) {
    return Error(Code::kInvalidArgument, "program", "there is no program to run");
  }
  APM_TRY(std::vector<std::string> environment, build_environment(environ, program.secrets));
  std::vector<std::string> arguments = program.arguments;
  std::vector<char*> argv = pointers(arguments);
  std::vector<char*> envp = pointers(environment);
  ::execvpe(argv[0], argv.data(), envp.data());
  const Error error = io_error(concat("run ", program.arguments[0]));
  for (std::string& entry : environment) crypto::wipe(entry);
  return error;
}

}  // namespace apm::workload
