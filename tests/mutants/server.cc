// The main of a test program with switchable checks. It runs the tests once with every check on and
// writes a line a test to the file of its first argument: name, milliseconds, and the numbers of
// the checks that decided something in it. Then it reads lines "NUMBER SECONDS FILTER": each is a
// child of its own, in which the check NUMBER is off and the tests of FILTER run until one fails;
// what the children make themselves (keys, above all) the parent has made already. A child's output
// goes to the file of the second argument, and its wait status to standard output.
//
// With "once NUMBER" instead of files: one run with that check off, in a process that is new.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>

#include "switch.h"

namespace {

class Listener : public ::testing::EmptyTestEventListener {
 public:
  explicit Listener(const char* path) : out_(path) {}
  void stop() { out_.close(); }

 private:
  void OnTestEnd(const ::testing::TestInfo& test) override {
    if (!out_.is_open()) return;
    out_ << test.test_suite_name() << '.' << test.name() << ' ' << test.result()->elapsed_time();
    for (int i = 0; i < apm_mutants::kCount; ++i) {
      if (apm_mutants::noted[i].exchange(0) != 0) out_ << ' ' << i;
    }
    out_ << '\n';
  }
  std::ofstream out_;
};

[[noreturn]] void child(int number, unsigned seconds, const std::string& filter,
                        const char* output) {
  const int file = ::open(output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);  // the next lines are the parent's
  if (file < 0 || ::dup2(file, 1) < 0 || ::dup2(file, 2) < 0 || ::dup2(nothing, 0) < 0) ::_exit(99);
  ::alarm(seconds);
  apm_mutants::off = number;
  ::testing::GTEST_FLAG(filter) = filter;
  ::testing::GTEST_FLAG(fail_fast) = true;
  const int code = RUN_ALL_TESTS();
  std::fflush(nullptr);
  ::_exit(code);
}

int serve(const char* trace, const char* output) {
  auto* listener = new Listener(trace);  // the test framework deletes it
  ::testing::UnitTest::GetInstance()->listeners().Append(listener);
  if (RUN_ALL_TESTS() != 0) return 1;
  listener->stop();
  std::cout << "ready" << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    int number = 0;
    unsigned seconds = 0;
    std::string filter;
    words >> number >> seconds >> filter;
    const pid_t pid = ::fork();
    if (pid == 0) child(number, seconds, filter, output);
    int status = 0;
    if (pid < 0 || ::waitpid(pid, &status, 0) != pid) return 1;
    std::cout << "status " << status << std::endl;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  const rlimit none{0, 0};
  if (argc != 3 || ::setrlimit(RLIMIT_CORE, &none) != 0) return 2;
  if (std::string(argv[1]) != "once") return serve(argv[1], argv[2]);
  apm_mutants::off = std::stoi(argv[2]);
  return RUN_ALL_TESTS();
}
