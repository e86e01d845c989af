// azure-sim: a local stand-in for the parts of Azure that the policy manager speaks to.
//   azure-sim serve  --dir D [--vault NAME] [--release-limit N]
//   azure-sim vm     --dir D --name N --image STR [--signer STR] [--secure-boot on|off]
//                    [--tee snp|tdx]
//   azure-sim deploy --dir D [--vault NAME] [--hostname H] [--pfx-password-file F]
// serve and vm run until SIGTERM, or for --max-seconds (3600), or with --die-with-parent until the
// parent is gone.

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdio>
#include <map>
#include <string>

#include "base/clock.h"
#include "base/text.h"
#include "crypto/library.h"
#include "sim/deploy.h"
#include "sim/service.h"
#include "sim/tpm_vm.h"

namespace {

using apm::Code;
using apm::Error;
using apm::Result;
using apm::Status;
using Options = std::map<std::string, std::string>;

constexpr std::uint64_t kDefaultSeconds = 3600;

void print_usage() {
  std::fputs(
      "usage: azure-sim serve  --dir D [--vault NAME] [--release-limit N]\n"
      "       azure-sim vm     --dir D --name N --image STR [--signer STR] [--secure-boot on|off]\n"
      "                      [--tee snp|tdx]\n"
      "       azure-sim deploy --dir D [--vault NAME] [--hostname H] [--pfx-password-file F]\n"
      "       serve, vm: [--max-seconds N] [--die-with-parent]\n",
      stderr);
}

Result<Options> parse_options(int argc, char** argv, const std::string& allowed) {
  Options out;
  for (int i = 2; i < argc; ++i) {
    const std::string name = argv[i];
    if (allowed.find(" " + name + " ") == std::string::npos) {
      return Error(Code::kInvalidArgument, "option", "unknown option " + name);
    }
    if (name == "--die-with-parent") {
      out[name] = "on";
      continue;
    }
    if (i + 1 >= argc) return Error(Code::kInvalidArgument, "option", name + " wants a value");
    out[name] = argv[++i];
  }
  if (out["--dir"].empty()) return Error(Code::kInvalidArgument, "option", "--dir is missing");
  return out;
}

apm::sim::Settings settings_of(Options& options) {
  apm::sim::Settings settings;
  settings.dir = options["--dir"];
  if (!options["--vault"].empty()) settings.vault_name = options["--vault"];
  if (const auto limit = apm::parse_u64(options["--release-limit"])) {
    settings.create_class_limit = static_cast<std::int64_t>(*limit);
  }
  return settings;
}

// Blocks the stopping signals, so that threads made later leave them to wait_for_end().
sigset_t block_signals() {
  sigset_t stopping;
  sigemptyset(&stopping);
  sigaddset(&stopping, SIGTERM);
  sigaddset(&stopping, SIGINT);
  pthread_sigmask(SIG_BLOCK, &stopping, nullptr);
  return stopping;
}

void wait_for_end(const sigset_t& stopping, Options& options) {
  const std::uint64_t seconds = apm::parse_u64(options["--max-seconds"]).value_or(kDefaultSeconds);
  const timespec limit{static_cast<time_t>(seconds), 0};
  static_cast<void>(sigtimedwait(&stopping, nullptr, &limit));
}

void tell(const char* line) {
  std::puts(line);
  std::fflush(stdout);
}

Status run_serve(Options& options) {
  const sigset_t stopping = block_signals();
  const apm::SystemClock clock;
  APM_TRY(const auto services, apm::sim::Services::create(settings_of(options), clock));
  APM_CHECK_OK(services->start());
  tell("azure-sim ready");
  wait_for_end(stopping, options);
  return {};
}

Status run_vm(Options& options) {
  const std::string& secure_boot = options["--secure-boot"];
  if (!secure_boot.empty() && secure_boot != "on" && secure_boot != "off") {
    return Error(Code::kInvalidArgument, "option", "--secure-boot: on or off");
  }
  apm::sim::VmSpec spec;
  spec.name = options["--name"];
  spec.image = options["--image"];
  spec.secure_boot = secure_boot != "off";
  const std::string& tee = options["--tee"];
  if (!tee.empty() && tee != "snp" && tee != "tdx") {
    return Error(Code::kInvalidArgument, "option", "--tee: snp or tdx");
  }
  if (tee == "tdx") spec.tee = apm::sim::Tee::kTdx;
  if (!options["--signer"].empty()) spec.signer = options["--signer"];
  const sigset_t stopping = block_signals();
  const apm::sim::Settings settings = settings_of(options);
  APM_TRY(const apm::sim::Hardware hardware, apm::sim::Hardware::open(settings));
  APM_TRY(const auto vm, apm::sim::TpmVm::start(settings, hardware, spec));
  tell("azure-sim vm ready");
  wait_for_end(stopping, options);
  return {};
}

Status run_deploy(Options& options) {
  const apm::SystemClock clock;
  APM_TRY(const auto services, apm::sim::Services::create(settings_of(options), clock));
  apm::sim::DeployInput input;
  input.pfx_password_file = options["--pfx-password-file"];
  if (!options["--hostname"].empty()) input.hostname = options["--hostname"];
  APM_CHECK_OK(apm::sim::deploy(*services, clock, input));
  tell("azure-sim deployed");
  return {};
}

Status run(int argc, char** argv) {
  const std::string verb = argc > 1 ? argv[1] : "";
  APM_CHECK_OK(apm::crypto::start_library());
  const std::string common = " --dir --max-seconds --die-with-parent ";
  std::string allowed;
  if (verb == "serve") allowed = common + " --vault --release-limit ";
  if (verb == "vm") allowed = common + " --name --image --signer --secure-boot --tee ";
  if (verb == "deploy") allowed = " --dir --vault --hostname --pfx-password-file ";
  if (allowed.empty()) return Error(Code::kInvalidArgument, "verb", "serve, vm or deploy");
  APM_TRY(Options options, parse_options(argc, argv, allowed));
  if (options["--die-with-parent"] == "on") {
    const pid_t parent = ::getppid();
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (::getppid() != parent) return {};
  }
  if (verb == "serve") return run_serve(options);
  return verb == "vm" ? run_vm(options) : run_deploy(options);
}

}  // namespace

int main(int argc, char** argv) {
  const Status status = run(argc, argv);
  if (status.ok()) return 0;
  std::fprintf(stderr, "azure-sim: %s\n", status.error().message.c_str());
  if (status.error().code == Code::kInvalidArgument) print_usage();
  return 1;
}
