#include <getopt.h>

#include <array>

#include "base/text.h"
#include "skr/attest_skr_cli.h"
#include "skr/test_settings.h"

namespace apm::skr {
namespace {

enum LongOption { kFd = 256, kName, kConfig, kTest, kCaFile, kConnectTo, kImds, kTcti, kEventLog };

constexpr std::array<option, 10> kLongOptions = {
    option{"fd", required_argument, nullptr, kFd},
    option{"name", required_argument, nullptr, kName},
    option{"config", required_argument, nullptr, kConfig},
    option{"test", no_argument, nullptr, kTest},
    option{"ca-file", required_argument, nullptr, kCaFile},
    option{"connect-to", required_argument, nullptr, kConnectTo},
    option{"imds", required_argument, nullptr, kImds},
    option{"tcti", required_argument, nullptr, kTcti},
    option{"event-log", required_argument, nullptr, kEventLog},
    option{nullptr, 0, nullptr, 0}};

Error usage_error(std::string_view why) {
  return {Code::kInvalidArgument, "usage", std::string(why)};
}

Result<crypto::Hash> hash_named(std::string_view name) {
  if (name == "sha1") return crypto::Hash::kSha1;
  if (name == "sha256") return crypto::Hash::kSha256;
  if (name == "sha384") return crypto::Hash::kSha384;
  if (name == "sha512") return crypto::Hash::kSha512;
  return usage_error("-H and -G take sha1, sha256, sha384 or sha512");
}

struct Parsing {
  SkrCommand command;
  bool has_operation = false;
  bool has_hashes = false;
  bool has_config = false;
  std::optional<crypto::Hash> mgf1;
};

void take_value(SkrCommand& command, const char* argument) {
  command.value.reset();
  command.value_fd = -1;
  if (std::string_view(argument) == "-") {
    command.value_fd = 0;
  } else {
    command.value = argument;
  }
}

Status take_fd(SkrCommand& command, const char* argument) {
  const auto fd = parse_u64(argument);
  if (!fd || *fd > 1024 || *fd == 1 || *fd == 2)
    return usage_error("--fd takes an open descriptor");
  command.value.reset();
  command.value_fd = static_cast<int>(*fd);
  return {};
}

Status take_credential(SkrCommand& command, std::string_view word) {
  if (word != "imds" && word != "sp") return usage_error("-c takes imds or sp");
  command.service_principal = word == "sp";
  return {};
}

void operate(Parsing& parsing, Operation operation) {
  parsing.command.operation = operation;
  parsing.has_operation = true;
}

Status take_config(Parsing& parsing, const char* path) {
  const SkrCommand& command = parsing.command;
  if (parsing.has_config || command.transport.test || !command.transport.ca_file.empty()) {
    return usage_error("--config is given once, and not together with --test and what follows it");
  }
  parsing.has_config = true;
  APM_TRY(TestSettings settings, read_test_settings(path));
  parsing.command.transport = std::move(settings.transport);
  parsing.command.tpm = std::move(settings.tpm);
  parsing.command.event_log = std::move(settings.event_log);
  return {};
}

Status take_test_option(Parsing& parsing, int letter, const char* argument) {
  if (parsing.has_config) {
    return usage_error("--config says all that --test and what follows it could say");
  }
  SkrCommand& command = parsing.command;
  switch (letter) {
    case kTest: command.transport.test = true; return {};
    case kCaFile: command.transport.ca_file = argument; return {};
    case kConnectTo: command.transport.connect_to = argument; return {};
    case kImds: command.transport.imds_endpoint = argument; return {};
    case kTcti: command.tpm.tcti = argument; return {};
    case kEventLog: command.event_log = argument; return {};
    default: return usage_error("unknown option, or an option without its value");
  }
}

Status take_option(Parsing& parsing, int letter, const char* argument) {
  SkrCommand& command = parsing.command;
  switch (letter) {
    case 'a': command.maa_url = argument; return {};
    case 'n': command.nonce = argument; return {};
    case 'k': command.key_url = argument; return {};
    case 'c': return take_credential(command, argument);
    case 's': take_value(command, argument); return {};
    case 'w': operate(parsing, Operation::kWrap); return {};
    case 'u': operate(parsing, Operation::kUnwrap); return {};
    case 'r': operate(parsing, Operation::kRelease); return {};
    case 'B':
      operate(parsing, Operation::kBatchUnwrap);
      command.batch = argument;
      return {};
    case 'H': {
      parsing.has_hashes = true;
      APM_TRY(command.hashes.hash, hash_named(argument));
      return {};
    }
    case 'G': {
      parsing.has_hashes = true;
      APM_TRY(parsing.mgf1, hash_named(argument));
      return {};
    }
    case kFd: return take_fd(command, argument);
    case kName: command.name = argument; return {};
    case kConfig: return take_config(parsing, argument);
    default: return take_test_option(parsing, letter, argument);
  }
}

Status check_command(const Parsing& parsing) {
  const SkrCommand& command = parsing.command;
  if (!parsing.has_operation) return usage_error("one of -w, -u, -r or -B is needed");
  if (command.key_url.empty()) return usage_error("-k KEY_URL is needed");
  const bool one = command.operation == Operation::kWrap || command.operation == Operation::kUnwrap;
  if (one && !command.value && command.value_fd < 0) {
    return usage_error("-w and -u need a value: -s -, --fd N or -s VALUE");
  }
  if (!command.name.empty() && !one) return usage_error("--name goes with -w or -u alone");
  if (!command.name.empty() && parsing.has_hashes) {
    return usage_error(
        "-H and -G say how RSA-OAEP is done; an envelope (--name) has no such choice");
  }
  const SkrCommand plain;
  if (!command.transport.test &&
      (command.tpm.tcti != plain.tpm.tcti || command.event_log != plain.event_log)) {
    return usage_error("--tcti and --event-log go with --test alone");
  }
  return azure::check_transport(command.transport);
}

}  // namespace

std::string_view skr_usage() {
  return "usage: AzureAttestSKR -a MAA_URL -k KEY_URL (-w|-u|-r|-B FILE|-|JSON) [-s -|--fd N|-s "
         "VALUE]\n"
         "  -a URL  attestation provider      -k URL  key, with or without version\n"
         "  -w      wrap the value            -u      unwrap it    -r  release only\n"
         "  -B X    unwrap a batch            -s -    value from standard input (-s VALUE shows "
         "it\n"
         "  --fd N  value from descriptor N           to every process of this machine)\n"
         "  -n STR  nonce (default: random)   -c imds|sp  credential for Key Vault\n"
         "  -H, -G  OAEP and MGF1 hash        --name N  -w: bind the value to this secret's name, "
         "in an\n"
         "                                              envelope; -u: it must be bound to this "
         "name\n"
         "  --config F  the server's configuration file: its test stanza, if it has one, or else\n"
         "  --test --ca-file F --connect-to HOST:PORT --imds URL [--tcti T] [--event-log F]\n";
}

Result<SkrCommand> parse_skr_arguments(const std::vector<std::string>& words) {
  std::vector<std::string> copies = words;
  copies.insert(copies.begin(), "AzureAttestSKR");
  std::vector<char*> argv;
  argv.reserve(copies.size() + 1);
  for (std::string& word : copies) argv.push_back(word.data());
  argv.push_back(nullptr);
  Parsing parsing;
  ::optind = 0;  // glibc: start afresh
  ::opterr = 0;
  const int count = static_cast<int>(copies.size());
  while (true) {
    const int letter =
        ::getopt_long(count, argv.data(), "a:n:k:c:s:uwrB:H:G:", kLongOptions.data(), nullptr);
    if (letter == -1) break;
    APM_CHECK_OK(take_option(parsing, letter, ::optarg));
  }
  if (::optind != count) return usage_error("there are words that belong to no option");
  parsing.command.hashes.mgf1 = parsing.mgf1.value_or(parsing.command.hashes.hash);
  APM_CHECK_OK(check_command(parsing));
  return std::move(parsing.command);
}

}  // namespace apm::skr
