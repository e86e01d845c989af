#include "workload/deliver.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include "base/file.h"

namespace apm::workload {
namespace {

using crypto::SecretBytes;

TEST(Deliver, FilesGoToMemoryOnly) {
  const SecretBytes value = SecretBytes::copy_of(std::string_view("top"));
  char directory[] = "/dev/shm/apm-deliver-XXXXXX";
  if (::mkdtemp(directory) == nullptr) GTEST_SKIP() << "/dev/shm is not writable here";
  const std::string dir = directory;
  ASSERT_TRUE(write_secret_file(dir, "dek", value).ok());
  ASSERT_TRUE(write_secret_file(dir, "dek", SecretBytes::copy_of(std::string_view("new"))).ok());
  EXPECT_EQ(as_text(*read_file(dir + "/dek", 100)), "new");
  struct stat info{};
  ASSERT_EQ(::stat((dir + "/dek").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777U, 0600U);
  for (const char* name : {"", ".x", "a/b", "../x"}) {
    EXPECT_EQ(write_secret_file(dir, name, value).error().reason, "file_name") << name;
  }
  EXPECT_EQ(write_secret_file("/proc", "dek", value).error().reason, "directory_not_in_memory");
  ::unlink((dir + "/dek").c_str());
  ::rmdir(directory);
}

TEST(Deliver, EnvironmentReplacesAndChecks) {
  std::map<std::string, SecretBytes> secrets;
  secrets.emplace("DEK", SecretBytes::copy_of(std::string_view("v=1")));
  const char* inherited[] = {"PATH=/bin", "DEK=old", "DEKX=kept", nullptr};
  const auto environment = build_environment(inherited, secrets);
  ASSERT_TRUE(environment.ok());
  EXPECT_EQ(*environment, (std::vector<std::string>{"PATH=/bin", "DEKX=kept", "DEK=v=1"}));
  secrets.emplace("BAD", SecretBytes::copy_of(std::string_view("a\0b", 3)));
  EXPECT_EQ(build_environment(inherited, secrets).error().reason, "value_has_nul");
  secrets.clear();
  secrets.emplace("1=X", SecretBytes());
  EXPECT_EQ(build_environment(inherited, secrets).error().reason, "variable_name");
}

TEST(Deliver, TheProgramGetsTheSecret) {
  const pid_t child = ::fork();
  if (child == 0) {
    Program program;
    program.arguments = {"sh", "-c", "test \"$DEK\" = top && exit 42"};
    program.secrets.emplace("DEK", SecretBytes::copy_of(std::string_view("top")));
    static_cast<void>(exec_program(program).ok());
    ::_exit(1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 42);
  Program missing;
  missing.arguments = {"/nonexistent/program"};
  EXPECT_EQ(exec_program(missing).error().code, Code::kIo);
}

}  // namespace
}  // namespace apm::workload
