// anjuna-policy-manager-server: the server, and the operator's verbs.

#include <unistd.h>

#include <iostream>
#include <string>
#include <vector>

#include "base/log.h"
#include "boot/serve.h"
#include "cli/arguments.h"
#include "cli/server_verbs.h"
#include "crypto/library.h"

namespace {

int run_program(const std::string& verb, const std::vector<std::string>& rest) {
  const auto args =
      apm::cli::Arguments::parse(rest, {.with_value = {"config", "log-level"}, .plain = {}});
  if (!args.ok()) return apm::cli::fail(args.error());
  if (!args->has("config")) {
    return apm::cli::fail(apm::Error(apm::Code::kInvalidArgument, verb + " needs -config=FILE"));
  }
  const bool debug = args->get("log-level") == "debug";
  apm::StreamLog log(STDERR_FILENO, debug ? apm::LogLevel::kDebug : apm::LogLevel::kInfo);
  const std::string path = args->get("config");
  return verb == "boot" ? apm::boot::run_boot(path, log) : apm::boot::run_server(path, log);
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (!words.empty() && (words[0] == "server" || words[0] == "boot")) {
    apm::boot::block_signals();
    return run_program(words[0], {words.begin() + 1, words.end()});
  }
  if (!words.empty() &&
      (words[0] == "version" || words[0] == "-version" || words[0] == "--version")) {
    std::cout << "anjuna-policy-manager-server v" << apm::boot::version() << std::endl;
    return 0;
  }
  const apm::Status started = apm::crypto::start_library();
  if (!started.ok()) return apm::cli::fail(started.error());
  return apm::cli::dispatch("anjuna-policy-manager-server", apm::cli::server_verbs(), words);
}
