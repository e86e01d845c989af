// The server's boot over a store that ends the process at a commit, as a power cut would. For the
// proofs alone: the server program holds no such code.
//   boot_with_fault_store boot -config FILE
// It stands in the server's place in run.sh; its plan comes in two variables:
//   APM_PROOF_COUNT_FILE  a file that gets the number of each commit as it begins
//   APM_PROOF_KILL_AT     "before N" or "after N"; empty: never

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/text.h"
#include "boot/serve.h"
#include "storage/fault_store.h"

namespace {

using apm::Result;
using apm::Status;
using apm::storage::FaultStore;
using apm::storage::Store;

struct Plan {
  std::string count_file;
  FaultStore::Point point = FaultStore::Point::kBeforeCommit;
  std::uint64_t nth = 0;  // 0: never
};

Status note(const Plan& plan, unsigned nth) {
  const apm::UniqueFd fd(
      ::open(plan.count_file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!fd.valid()) return apm::io_error("create " + plan.count_file);
  return apm::write_fd(fd.get(), apm::as_bytes(std::to_string(nth)), plan.count_file);
}

FaultStore::Hook hook_of(const Plan& plan) {
  return [&plan](FaultStore::Point point, unsigned nth) -> Status {
    if (point == FaultStore::Point::kBeforeCommit) APM_CHECK_OK(note(plan, nth));
    if (nth == plan.nth && point == plan.point) ::kill(::getpid(), SIGKILL);
    return {};
  };
}

Result<Plan> plan_from_environment() {
  const char* count_file = std::getenv("APM_PROOF_COUNT_FILE");
  const char* kill_at = std::getenv("APM_PROOF_KILL_AT");
  const std::string text = kill_at == nullptr ? "" : kill_at;
  Plan plan;
  plan.count_file = count_file == nullptr ? "" : count_file;
  const std::size_t space = text.find(' ');
  if (space != std::string::npos) {
    plan.nth = apm::parse_u64(text.substr(space + 1)).value_or(0);
    if (text.starts_with("after ")) plan.point = FaultStore::Point::kAfterCommit;
  }
  const bool known = text.starts_with("before ") || text.starts_with("after ");
  if (!plan.count_file.empty() && (text.empty() || (known && plan.nth > 0))) return plan;
  return apm::Error(
      apm::Code::kInvalidArgument, "plan",
      "set APM_PROOF_COUNT_FILE, and APM_PROOF_KILL_AT to \"before N\" or \"after N\"");
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  const auto plan = plan_from_environment();
  if (!plan.ok() || words.size() != 3 || words[0] != "boot" || words[1] != "-config") {
    std::cerr << "boot_with_fault_store boot -config FILE"
              << (plan.ok() ? "" : ": " + plan.error().message) << "\n";
    return 2;
  }
  apm::boot::block_signals();
  apm::StreamLog log(STDERR_FILENO, apm::LogLevel::kInfo);
  std::unique_ptr<Store> inner;  // outlives the store around it
  const auto open = [&](const apm::boot::Config& config) -> Result<std::unique_ptr<Store>> {
    APM_TRY(inner, apm::boot::open_store_of(config));
    return std::unique_ptr<Store>(std::make_unique<FaultStore>(*inner, hook_of(*plan)));
  };
  return apm::boot::run_boot(words[2], log, open);
}
