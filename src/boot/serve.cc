#include "boot/serve.h"

#include <signal.h>

#include <cerrno>
#include <cstdlib>
#include <ctime>
#include <iostream>

#include "boot/boot.h"
#include "boot/config.h"
#include "boot/environment.h"
#include "boot/hardening.h"
#include "boot/runtime.h"

namespace apm::boot {
namespace {

constexpr long kMaintenanceSeconds = 60;

int fail(Log& log, const Error& error) {
  log.error("server", error.message,
            {{"code", std::string(code_name(error.code))}, {"reason", error.reason}});
  return 1;
}

sigset_t handled_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int one : {SIGINT, SIGTERM, SIGQUIT, SIGHUP}) sigaddset(&set, one);
  return set;
}

void reopen_files(Runtime& runtime, Log& log) {
  const Status audit = runtime.audit().reopen();
  if (!audit.ok()) log.error("audit", "reopening after SIGHUP", {{"cause", audit.error().message}});
  const Status identity = runtime.reload_identity();
  if (identity.ok()) return;
  log.error("server",
            "the TLS certificate and key could not be read again; the old ones stay in use",
            {{"cause", identity.error().message}});
}

// Until a signal ends the server: once a minute housekeeping; on SIGHUP a new audit file, and the
// TLS files again.
int serve_until_signal(Runtime& runtime, Log& log) {
  std::cout << "==> Vault server started! Log data will stream in below:\n" << std::endl;
  const sigset_t set = handled_signals();
  const timespec wait{kMaintenanceSeconds, 0};
  while (true) {
    const int signal = ::sigtimedwait(&set, nullptr, &wait);
    if (signal == SIGHUP) {
      reopen_files(runtime, log);
    } else if (signal > 0) {
      break;
    } else if (errno == EAGAIN) {
      const Status done = runtime.core().maintain();
      if (!done.ok()) log.warn("server", "housekeeping", {{"cause", done.error().message}});
    }
  }
  log.info("server", "stopping: sealing and closing");
  runtime.shutdown();
  return 0;
}

// A credential is read once and leaves no trace in the environment, where /proc would show it.
std::optional<std::string> take_from_environment(const std::string& name) {
  char* value = std::getenv(name.c_str());
  if (value == nullptr) return std::nullopt;
  std::string out(value);
  crypto::wipe({reinterpret_cast<std::uint8_t*>(value), out.size()});
  ::unsetenv(name.c_str());
  return out;
}

Result<Config> prepare(const std::string& config_path, Log& log) {
  APM_TRY(Config config, read_config(config_path));
  APM_CHECK_OK(apply_environment(config, take_from_environment));
  for (const std::string& warning : config.warnings) log.warn("config", warning);
  if (config.test) {
    log.warn("config", "TEST STORE: trust anchors and transports of the test stanza are in use");
  }
  if (!config.disable_mlock) APM_CHECK_OK(lock_all_memory());
  return config;
}

}  // namespace

std::string version() { return std::string(api::kVersion); }

void block_signals() {
  const sigset_t set = handled_signals();
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
}

int run_server(const std::string& config_path, Log& log, const StoreOpener& open_store) {
  const SystemClock clock;
  const Status hardened = harden_process();
  if (!hardened.ok()) return fail(log, hardened.error());
  const auto config = prepare(config_path, log);
  if (!config.ok()) return fail(log, config.error());
  auto store = open_store(*config);
  if (!store.ok()) return fail(log, store.error());
  auto runtime =
      Runtime::create(*config, api::Mode::kNetworkOperated, clock, log, std::move(*store));
  if (!runtime.ok()) return fail(log, runtime.error());
  const Status listening = (*runtime)->listen(*config, std::nullopt);
  if (!listening.ok()) return fail(log, listening.error());
  return serve_until_signal(**runtime, log);
}

int run_boot(const std::string& config_path, Log& log, const StoreOpener& open_store) {
  const SystemClock clock;
  // Before the environment is read: it holds service keys, and reading a key in it needs OpenSSL.
  const Status hardened = harden_process();
  if (!hardened.ok()) return fail(log, hardened.error());
  // Then the environment: its faults need nothing else to be told, and all of them are.
  auto environment = read_environment([](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  });
  if (!environment.ok()) return fail(log, environment.error());
  auto config = prepare(config_path, log);
  if (!config.ok()) return fail(log, config.error());
  auto runtime =
      boot(BootInput{std::move(*config), std::move(*environment), clock, log, open_store});
  if (!runtime.ok()) return fail(log, runtime.error());
  return serve_until_signal(**runtime, log);
}

}  // namespace apm::boot
