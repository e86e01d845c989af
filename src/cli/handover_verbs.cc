#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "boot/admin_key.h"
#include "cli/server_verbs.h"

namespace apm::cli {
namespace {

constexpr std::size_t kKeyFileBytesMax = 64 * 1024;
constexpr std::size_t kEnvelopeBytesMax = 64 * 1024;

int show(Session& session, const json::Value& data) {
  if (session.format() == Format::kJson) {
    print(json::write_pretty(data));
    return kOk;
  }
  std::vector<Row> rows;
  if (data.as_object() != nullptr) {
    for (const auto& [name, value] : *data.as_object()) {
      if (name != "text") rows.push_back({name, value.is_null() ? "n/a" : cell(value)});
    }
  }
  print(table({"Key", "Value"}, rows));
  if (const std::string* text = data.string_at("text")) print("\n" + *text);
  return kOk;
}

int answer(Session& session, const std::string& doing, const Result<client::Answer>& got) {
  if (!got.ok()) return fail(got.error());
  if (!got->success() || got->data() == nullptr) {
    return fail_remote(doing, got->status, got->errors());
  }
  if (const json::Value* list = got->body.at("warnings"); list != nullptr && list->as_array()) {
    for (const json::Value& one : *list->as_array()) print_error("WARNING: " + cell(one));
  }
  return show(session, *got->data());
}

int status(Session& session, const Arguments&) {
  return answer(session, "reading the hand-over", session.call("GET", "sys/apm/handover"));
}

int confirm(Session& session, const Arguments& args) {
  const json::Object body{{"force", args.has("force")}};
  return answer(session, "confirming the hand-over",
                session.call("PUT", "sys/apm/handover/confirm", &body));
}

Result<crypto::PrivateKey> read_private_key(const std::string& path) {
  APM_TRY(Bytes pem, read_file(path, kKeyFileBytesMax));
  auto key = crypto::PrivateKey::from_pem(pem);
  crypto::wipe(pem);
  if (!key.ok()) return key.error().within(path);
  return key;
}

Result<Bytes> read_envelope(const Arguments& args) {
  if (args.positional().size() > 1) {
    return Error(Code::kInvalidArgument, "usage", "give one file, or - for standard input");
  }
  if (args.positional().empty() || args.positional()[0] == "-") {
    return read_fd(STDIN_FILENO, kEnvelopeBytesMax, "standard input");
  }
  return read_file(args.positional()[0], kEnvelopeBytesMax);
}

Status print_token(const crypto::SecretBytes& token) {
  APM_CHECK_OK(write_fd(STDOUT_FILENO, token.view(), "standard output"));
  return write_fd(STDOUT_FILENO, as_bytes("\n"), "standard output");
}

// Works offline: neither the key nor the token goes anywhere but to standard output.
int open(Session&, const Arguments& args) {
  if (!args.has("key")) {
    return fail(Error(Code::kInvalidArgument, "usage",
                      "-key=FILE is needed: the administrator's private key, PEM, not encrypted"));
  }
  const auto key = read_private_key(args.get("key"));
  if (!key.ok()) return fail(key.error());
  const auto text = read_envelope(args);
  if (!text.ok()) return fail(text.error());
  const auto opened = boot::open_with_admin_key(*key, as_text(*text));
  if (!opened.ok()) {
    print_error(
        concat("Error: ", opened.error().message, " [reason: ", opened.error().reason, "]"));
    return kLocalFailure;
  }
  print_error(concat("Root token of the store ", opened->context.store_id, ", from the secret ",
                     opened->context.secret_name, ":"));
  const Status printed = print_token(opened->token);
  return printed.ok() ? kOk : fail(printed.error());
}

}  // namespace

std::vector<Verb> handover_verbs() {
  return {
      {{"operator", "handover", "status"},
       "the first root token: where it is, what to do",
       {},
       status},
      {{"operator", "handover", "confirm"},
       "revoke it for ever; with another administrator's token",
       {.with_value = {}, .plain = {"force"}},
       confirm},
      {{"operator", "handover", "open"},
       "decrypt it with -key=FILE; the text from a file or standard input",
       {.with_value = {"key"}, .plain = {}},
       open},
  };
}

}  // namespace apm::cli
