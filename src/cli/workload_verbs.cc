#include "base/file.h"
#include "base/text.h"
#include "cli/admin_verbs.h"
#include "cli/evidence/limits.h"
#include "tee/hardware.h"
#include "workload/deliver.h"
#include "workload/session.h"

namespace apm::cli {
namespace {

// --tcti, --imds, --event-log, --collateral and --maa... say where this machine's evidence comes
// from, when it is not the usual place. They weaken nothing: the server judges the evidence.
FlagSet workload_flags() {
  return {.with_value = {"tcti", "imds", "event-log", "collateral", "maa", "maa-ca",
                         "maa-connect-to", "engine-path", "env", "file-dir", "files"},
          .plain = {}};
}

// The device that `devices` marks as used; the TPM when it is the one or was named, and when
// nothing is found: its own error then names it, and a TPM need not carry Azure's tag to be one.
std::optional<tee::Finding> hardware(const Arguments& args) {
  if (args.has("tcti")) return std::nullopt;
  const auto files = tee::system_device_files();
  const auto chosen = tee::choose_device(*files);
  if (!chosen.ok() || chosen->source == tee::Source::kTpm) return std::nullopt;
  return *chosen;
}

Result<std::optional<workload::MaaSource>> maa_source(const Arguments& args) {
  const std::optional<workload::MaaSource> none;
  if (args.has("maa")) {
    return std::optional(
        workload::MaaSource{args.get("maa"), args.get("maa-ca"), args.get("maa-connect-to")});
  }
  if (!args.has("maa-ca") && !args.has("maa-connect-to")) return none;
  return Error(Code::kInvalidArgument, "usage",
               "-maa-ca and -maa-connect-to say how the provider of -maa URL is reached");
}

Result<workload::Session> attest(const Session& session, const Arguments& args) {
  workload::SessionConfig config;
  config.address = session.config().address;
  config.ca_file = session.config().ca_file;
  if (args.has("tcti")) config.tpm.tcti = args.get("tcti");
  if (args.has("imds")) config.imds_endpoint = args.get("imds");
  if (args.has("event-log")) config.event_log_path = args.get("event-log");
  config.device = hardware(args);
  APM_TRY(config.maa, maa_source(args));
  if (args.has("collateral")) {
    APM_TRY(const Bytes text, read_file(args.get("collateral"), evidence::kInputBytesMax));
    config.collateral = std::string(as_text(text));
  }
  return workload::Session(std::move(config));
}

// "dek" or "NAME=dek": the name under which it is delivered, and the secret.
std::pair<std::string, std::string> target(std::string_view word) {
  const std::size_t equals = word.find('=');
  if (equals == std::string_view::npos) return {std::string(word), std::string(word)};
  return {std::string(word.substr(0, equals)), std::string(word.substr(equals + 1))};
}

std::string with_reason(const Error& error) {
  return concat(error.message, error.reason.empty() ? "" : " [reason: " + error.reason + "]");
}

int login_failed(const Error& error) {
  print_error("Error: login refused: " + with_reason(error));
  return kRemoteFailure;
}

int reading_failed(const Error& error) {
  print_error("Error: " + with_reason(error));
  return kRemoteFailure;
}

Result<std::map<std::string, crypto::SecretBytes>> read_all(workload::Session& session,
                                                            const workload::LoggedIn& login,
                                                            const Arguments& args,
                                                            std::string_view words) {
  std::map<std::string, crypto::SecretBytes> out;
  for (const std::string_view word : split(words, ',')) {
    if (word.empty()) continue;
    const auto [name, secret] = target(word);
    APM_TRY(crypto::SecretBytes value,
            session.read_secret(login, args.get("engine-path", "anjuna"), secret));
    out[name] = std::move(value);
  }
  return out;
}

Status write_files(const std::map<std::string, crypto::SecretBytes>& secrets,
                   const Arguments& args) {
  for (const auto& [name, value] : secrets) {
    APM_CHECK_OK(workload::write_secret_file(args.get("file-dir", "/dev/shm"), name, value));
  }
  return {};
}

int fetch(Session& session, const Arguments& args) {
  if (args.positional().empty()) {
    return fail(
        Error(Code::kInvalidArgument, "usage", "give the secrets to fetch: dek, or NAME=dek"));
  }
  auto workload = attest(session, args);
  if (!workload.ok()) return fail(workload.error());
  const auto login = workload->login();
  if (!login.ok()) return login_failed(login.error());
  std::string words;
  for (const std::string& word : args.positional()) words += word + ",";
  const auto secrets = read_all(*workload, *login, args, words);
  if (!secrets.ok()) return reading_failed(secrets.error());
  const Status written = write_files(*secrets, args);
  if (!written.ok()) return fail(written.error());
  print(concat("Success! ", secrets->size(), " secrets are in ", args.get("file-dir", "/dev/shm"),
               "\nEnclave ID: ", login->enclave_id, "\nSigner ID:  ", login->signer_id));
  return kOk;
}

int run(Session& session, const Arguments& args) {
  if (args.after_dashes().empty()) {
    return fail(Error(Code::kInvalidArgument, "usage", "give the program behind --"));
  }
  auto workload = attest(session, args);
  if (!workload.ok()) return fail(workload.error());
  const auto login = workload->login();
  if (!login.ok()) return login_failed(login.error());
  auto variables = read_all(*workload, *login, args, args.get("env"));
  if (!variables.ok()) return reading_failed(variables.error());
  const auto files = read_all(*workload, *login, args, args.get("files"));
  if (!files.ok()) return reading_failed(files.error());
  const Status written = write_files(*files, args);
  if (!written.ok()) return fail(written.error());
  workload::Program program;
  program.arguments = args.after_dashes();
  program.secrets = std::move(*variables);
  const Status failed = workload::exec_program(program);
  return fail(failed.error());
}

int identify(Session& session, const Arguments& args) {
  auto workload = attest(session, args);
  if (!workload.ok()) return fail(workload.error());
  const auto login = workload->login();
  if (!login.ok()) return login_failed(login.error());
  const json::Object ids{{"enclave_id", login->enclave_id}, {"signer_id", login->signer_id}};
  if (session.format() == Format::kJson) {
    print(json::write_pretty(ids));
  } else {
    print(table({"Key", "Value"},
                {{"enclave_id", login->enclave_id}, {"signer_id", login->signer_id}}));
  }
  return kOk;
}

}  // namespace

std::vector<Verb> workload_verbs() {
  return {
      {{"fetch"},
       "attest, then put secrets as files into memory (--file-dir)",
       workload_flags(),
       fetch},
      {{"run"},
       "attest, then become a program: run --env K=dek --files dek -- PROGRAM ...",
       workload_flags(),
       run},
      {{"whoami"},
       "attest, and print the ids that the server found for this machine",
       workload_flags(),
       identify},
  };
}

}  // namespace apm::cli
