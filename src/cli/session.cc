#include "cli/session.h"

#include <unistd.h>

#include <algorithm>

#include "base/file.h"
#include "base/text.h"

namespace apm::cli {
namespace {

constexpr std::size_t kValueBytesMax = 1 << 20;

void print_usage(const std::string& program, const std::vector<Verb>& verbs) {
  std::string text = concat("Usage: ", program, " <command> [flags] [arguments]\n\nCommands:");
  for (const Verb& verb : verbs) {
    std::string name;
    for (const std::string& word : verb.words) name += (name.empty() ? "" : " ") + word;
    name.resize(std::max<std::size_t>(name.size() + 2, 24), ' ');
    text += "\n  " + name + verb.summary;
  }
  print_error(text);
}

const Verb* find(const std::vector<Verb>& verbs, const std::vector<std::string>& words) {
  const Verb* best = nullptr;
  for (const Verb& verb : verbs) {
    if (verb.words.size() > words.size()) continue;
    if (!std::equal(verb.words.begin(), verb.words.end(), words.begin())) continue;
    if (best == nullptr || verb.words.size() > best->words.size()) best = &verb;
  }
  return best;
}

}  // namespace

FlagSet with_common(FlagSet flags) {
  flags.with_value.insert({"address", "token-file", "ca-cert", "format", "field"});
  return flags;
}

Result<Session> Session::open(const Arguments& args) {
  client::ClientConfig config = client::config_from_environment();
  if (args.has("address")) config.address = args.get("address");
  if (args.has("ca-cert")) config.ca_file = args.get("ca-cert");
  if (args.has("token-file")) {
    APM_TRY(const Bytes raw, read_file(args.get("token-file"), 64 * 1024));
    config.token = std::string(trim(as_text(raw)));
  }
  const std::string format = args.get("format", "table");
  if (format != "table" && format != "json") {
    return Error(Code::kInvalidArgument, "usage", "-format must be table or json");
  }
  return Session(client::ApiClient(std::move(config)),
                 format == "json" ? Format::kJson : Format::kTable);
}

int Session::run(const std::string& doing, const std::string& method, const std::string& path,
                 const json::Object* body, const std::string& done) {
  const auto answer = client_.call(method, path, body);
  if (!answer.ok()) return fail(answer.error());
  if (!answer->success()) return fail_remote(doing, answer->status, answer->errors());
  if (!done.empty()) print(done);
  return kOk;
}

int dispatch(const std::string& program, const std::vector<Verb>& verbs,
             const std::vector<std::string>& words) {
  const Verb* verb = find(verbs, words);
  if (verb == nullptr) {
    print_usage(program, verbs);
    const bool asked =
        !words.empty() && (words[0] == "help" || words[0] == "-h" || words[0] == "--help");
    return asked ? kOk : kLocalFailure;
  }
  const std::vector<std::string> rest(
      words.begin() + static_cast<std::ptrdiff_t>(verb->words.size()), words.end());
  const auto args = Arguments::parse(rest, with_common(verb->flags));
  if (!args.ok()) return fail(args.error());
  auto session = Session::open(*args);
  if (!session.ok()) return fail(session.error());
  return verb->action(*session, *args);
}

Result<std::string> value_of(const std::string& word) {
  if (word == "-") {
    APM_TRY(const Bytes raw, read_fd(STDIN_FILENO, kValueBytesMax, "standard input"));
    return std::string(as_text(raw));
  }
  if (word.starts_with('@')) {
    APM_TRY(const Bytes raw, read_file(word.substr(1), kValueBytesMax));
    return std::string(as_text(raw));
  }
  return word;
}

}  // namespace apm::cli
