#include "skr/attest_skr_cli.h"

#include <getopt.h>

#include <array>
#include <cstdlib>

#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "skr/envelope.h"
#include "skr/limits.h"

namespace apm::skr {
namespace {

enum LongOption { kFd = 256, kName, kTest, kCaFile, kConnectTo, kImds, kTcti, kEventLog };

constexpr std::array<option, 9> kLongOptions = {
    option{"fd", required_argument, nullptr, kFd},
    option{"name", required_argument, nullptr, kName},
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
  std::optional<crypto::Hash> mgf1;
};

Status take_value(SkrCommand& command, const char* argument) {
  command.value.reset();
  command.value_fd = -1;
  if (std::string_view(argument) == "-") {
    command.value_fd = 0;
  } else {
    command.value = argument;
  }
  return {};
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

Status take_option(Parsing& parsing, int letter, const char* argument) {
  SkrCommand& command = parsing.command;
  switch (letter) {
    case 'a': command.maa_url = argument; return {};
    case 'n': command.nonce = argument; return {};
    case 'k': command.key_url = argument; return {};
    case 'c': return take_credential(command, argument);
    case 's': return take_value(command, argument);
    case 'w': operate(parsing, Operation::kWrap); return {};
    case 'u': operate(parsing, Operation::kUnwrap); return {};
    case 'r': operate(parsing, Operation::kRelease); return {};
    case 'B':
      operate(parsing, Operation::kBatchUnwrap);
      command.batch = argument;
      return {};
    case 'H': {
      APM_TRY(command.hashes.hash, hash_named(argument));
      return {};
    }
    case 'G': {
      APM_TRY(parsing.mgf1, hash_named(argument));
      return {};
    }
    case kFd: return take_fd(command, argument);
    case kName: command.name = argument; return {};
    case kTest: command.transport.test = true; return {};
    case kCaFile: command.transport.ca_file = argument; return {};
    case kConnectTo: command.transport.connect_to = argument; return {};
    case kImds: command.transport.imds_endpoint = argument; return {};
    case kTcti: command.tpm.tcti = argument; return {};
    case kEventLog: command.event_log = argument; return {};
    default: return usage_error("unknown option, or an option without its value");
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
  if (!command.name.empty() && command.operation != Operation::kUnwrap) {
    return usage_error("--name goes with -u alone");
  }
  const SkrCommand plain;
  if (!command.transport.test &&
      (command.tpm.tcti != plain.tpm.tcti || command.event_log != plain.event_log)) {
    return usage_error("--tcti and --event-log go with --test alone");
  }
  return azure::check_transport(command.transport);
}

std::string environment(const char* name) {
  const char* value = ::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

// The bytes exactly as given: -w wraps a final newline too (use printf); -u trims around base64.
Result<Bytes> read_value(const SkrCommand& command) {
  if (command.value) return to_bytes(*command.value);
  return read_fd(command.value_fd, kEnvelopeTextMax, "the value");
}

Result<Bytes> read_batch(const std::string& batch) {
  if (batch == "-") return read_fd(0, kBatchBytesMax, "the batch");
  if (trim(batch).starts_with('{')) return to_bytes(batch);
  return read_file(batch, kBatchBytesMax);
}

Result<crypto::SecretBytes> unwrap_one(const SkrCommand& command, const crypto::PrivateKey& key,
                                       std::string_view wrapped) {
  const std::string_view text = trim(wrapped);
  if (looks_like_envelope(text) != !command.name.empty()) {
    return Error(Code::kInvalidArgument, "envelope_expected",
                 command.name.empty()
                     ? "the value is an envelope of the server: say with --name for which secret"
                     : "--name is given, but the value is no envelope: it is bound to no name");
  }
  if (command.name.empty()) return unwrap_value(key, text, command.hashes);
  APM_TRY(OpenedEnvelope opened, open_envelope(key, text, command.name));
  return std::move(opened.plaintext);
}

json::Value batch_item(const SkrCommand& command, const crypto::PrivateKey& key,
                       const json::Value& item) {
  const std::string* id = item.string_at("id");
  const std::string* wrapped = item.string_at("wrapped");
  json::Object out{{"id", json::Value(id == nullptr ? "" : *id)}};
  if (id == nullptr || wrapped == nullptr) {
    out.set("error", "an item needs the texts id and wrapped");
    return out;
  }
  const auto opened = unwrap_one(command, key, *wrapped);
  if (!opened.ok()) {
    out.set("error", opened.error().message);
  } else if (!is_utf8(opened->text())) {
    out.set("error", "the value is not text; unwrap it alone with -u");
  } else {
    out.set("unwrapped", opened->text());
  }
  return out;
}

Result<crypto::SecretBytes> perform_batch(const SkrCommand& command, const crypto::PrivateKey& key,
                                          ByteView text) {
  const auto parsed = json::parse(text, {.bytes_max = kBatchBytesMax, .depth_max = 8});
  const json::Value* keys = parsed.ok() ? parsed->at("keys") : nullptr;
  if (keys == nullptr || keys->as_array() == nullptr || keys->as_array()->size() > kBatchItemsMax) {
    return usage_error("-B takes {\"keys\":[{\"id\":..,\"wrapped\":..}]} with at most 256 items");
  }
  json::Array results;
  for (const json::Value& item : *keys->as_array()) {
    results.push_back(batch_item(command, key, item));
  }
  const std::string out = json::write_pretty(json::Object{{"results", std::move(results)}}) + "\n";
  if (out.size() > crypto::kSecretBytesMax) {
    return Error(Code::kTooLarge, "batch_too_long", "the batch's answer is too long; split it");
  }
  return crypto::SecretBytes::copy_of(out);
}

crypto::SecretBytes with_newline(ByteView text) {
  auto out = crypto::SecretBytes::zeros(text.size() + 1);
  std::copy(text.begin(), text.end(), out.mutable_view().begin());
  out.mutable_view().back() = '\n';
  return out;
}

azure::ServicePrincipal principal_from_environment() {
  return {environment("AKV_SKR_TENANT_ID"), environment("AKV_SKR_CLIENT_ID"),
          environment("AKV_SKR_CLIENT_SECRET")};
}

Result<ReleasedKey> release(const SkrCommand& command, Log& log) {
  const Deadline deadline = Deadline::after(kReleaseDeadline);
  SkrConfig config;
  config.maa_url = command.maa_url;
  config.key_url = command.key_url;
  config.nonce = command.nonce;
  config.identity = {environment("IMDS_CLIENT_ID"), environment("IMDS_OBJECT_ID"),
                     environment("IMDS_MSI_RES_ID")};
  config.transport = command.transport;
  config.tpm = command.tpm;
  config.event_log = command.event_log;
  APM_TRY(net::HttpClient http, azure::make_http_client(command.transport));
  if (command.service_principal) {
    config.tokens = azure::service_principal_tokens(http, principal_from_environment());
  }
  return release_master_key(config, deadline, log);
}

Status run(const SkrCommand& command, Log& log) {
  Bytes value;
  if (command.operation == Operation::kBatchUnwrap) {
    APM_TRY(value, read_batch(command.batch));
  } else if (command.operation != Operation::kRelease) {
    APM_TRY(value, read_value(command));
  }
  APM_TRY(const ReleasedKey released, release(command, log));
  APM_TRY(const crypto::SecretBytes out, perform(command, released.key, value));
  return write_fd(1, out.view(), "standard output");
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
         "  -H, -G  OAEP and MGF1 hash        --name N  secret name that an envelope is bound to\n"
         "  --test --ca-file F --connect-to HOST:PORT --imds URL [--tcti T] [--event-log F]\n";
}

Result<SkrCommand> parse_skr_arguments(const std::vector<std::string>& words) {
  std::vector<std::string> copies = words;
  copies.insert(copies.begin(), "AzureAttestSKR");
  std::vector<char*> argv;
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

Result<crypto::SecretBytes> perform(const SkrCommand& command, const crypto::PrivateKey& key,
                                    ByteView value) {
  switch (command.operation) {
    case Operation::kRelease: return crypto::SecretBytes();
    case Operation::kBatchUnwrap: return perform_batch(command, key, value);
    case Operation::kWrap: {
      APM_TRY(const crypto::PublicKey public_key, key.public_key());
      APM_TRY(const std::string wrapped, wrap_value(public_key, value, command.hashes));
      return with_newline(as_bytes(wrapped));
    }
    case Operation::kUnwrap: {
      APM_TRY(const crypto::SecretBytes plain, unwrap_one(command, key, as_text(value)));
      return with_newline(plain.view());
    }
  }
  return Error(Code::kInternal, "an operation that is not in the list");
}

int exit_code_of(const Error& error) {
  const std::string_view reason = error.reason;
  if (reason == "unreachable" || reason == "deadline" || reason == "tls_untrusted") return 6;
  if (reason == "imds" || reason == "entra" || reason == "service_principal") return 3;
  if (reason.starts_with("maa_") || reason.starts_with("tpm") || reason == "hcl_report" ||
      reason == "ak_certificate") {
    return 2;
  }
  if (reason.starts_with("key_") || reason.starts_with("release_")) return 4;
  if (reason.starts_with("released_") || reason.starts_with("wrapped_") ||
      reason.starts_with("envelope_") || error.code == Code::kCrypto) {
    return 5;
  }
  return 1;
}

int run_attest_skr(const std::vector<std::string>& words, Log& log) {
  const auto command = parse_skr_arguments(words);
  if (!command.ok()) {
    log.error("skr", command.error().message);
    static_cast<void>(write_fd(2, as_bytes(skr_usage()), "standard error"));
    return 1;
  }
  if (command->transport.test) {
    log.warn("skr", "TEST ANCHORS ARE IN USE: nothing here is proven by Azure or by AMD");
  }
  const Status done = run(*command, log);
  if (done.ok()) return 0;
  log.error("skr", done.error().message, {{"reason", done.error().reason}});
  return exit_code_of(done.error());
}

}  // namespace apm::skr
