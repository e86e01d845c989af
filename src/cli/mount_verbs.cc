#include "base/text.h"
#include "cli/server_verbs.h"

namespace apm::cli {
namespace {

// Secret engines and login methods differ in words only.
struct Kind {
  std::string api;      // "sys/mounts/"
  std::string enabled;  // text between "Success! " and the path
  std::string disabled;
};

Kind secrets_kind() {
  return {"sys/mounts",
          " secrets engine at: ", "Success! Disabled the secrets engine (if it existed) at: "};
}
Kind auth_kind() {
  return {"sys/auth",
          " auth method at: ", "Success! Disabled the auth method (if it existed) at: "};
}

std::string with_slash(std::string path) {
  if (!path.ends_with('/')) path += '/';
  return path;
}

int need(const Arguments& args, std::size_t count, const char* what) {
  if (args.positional().size() == count) return kOk;
  return fail(Error(Code::kInvalidArgument, what));
}

int enable(Session& session, const Arguments& args, const Kind& kind) {
  if (const int bad = need(args, 1, "give exactly one type, for example kv")) return bad;
  const std::string type = args.positional()[0];
  const std::string path = with_slash(args.get("path", type));
  json::Object options;
  if (args.has("version")) options.set("version", args.get("version"));
  json::Object body{{"type", type}, {"description", args.get("description")}};
  if (!options.empty()) body.set("options", options);
  const std::string article = kind.api == "sys/mounts" ? "the " : "";
  return session.run("enabling " + type, "POST", kind.api + "/" + path.substr(0, path.size() - 1),
                     &body, concat("Success! Enabled ", article, type, kind.enabled, path));
}

int disable(Session& session, const Arguments& args, const Kind& kind) {
  if (const int bad = need(args, 1, "give exactly one path")) return bad;
  const std::string path = with_slash(args.positional()[0]);
  return session.run("disabling " + path, "DELETE",
                     kind.api + "/" + path.substr(0, path.size() - 1), nullptr,
                     kind.disabled + path);
}

int list(Session& session, const Kind& kind) {
  const auto answer = session.call("GET", kind.api);
  if (!answer.ok()) return fail(answer.error());
  if (!answer->success()) return fail_remote("listing", answer->status, answer->errors());
  const json::Value* data = answer->data();
  if (data == nullptr || data->as_object() == nullptr) {
    return fail(Error(Code::kUnavailable, "the server's answer has no data"));
  }
  if (session.format() == Format::kJson) {
    print(json::write_pretty(*data));
    return kOk;
  }
  std::vector<Row> rows;
  for (const auto& [path, entry] : *data->as_object()) {
    const auto text = [&e = entry](const char* name) {
      const std::string* found = e.string_at(name);
      return found == nullptr ? std::string("n/a") : *found;
    };
    rows.push_back({path, text("type"), text("accessor"), text("description")});
  }
  print(table({"Path", "Type", "Accessor", "Description"}, rows));
  return kOk;
}

Verb verb(const char* group, const char* word, const char* summary, FlagSet flags,
          std::function<int(Session&, const Arguments&)> action) {
  return {{group, word}, summary, std::move(flags), std::move(action)};
}

}  // namespace

std::vector<Verb> mount_verbs() {
  const FlagSet enable_flags{.with_value = {"path", "description", "version"}, .plain = {}};
  std::vector<Verb> out;
  const std::pair<const char*, Kind> groups[] = {{"secrets", secrets_kind()},
                                                 {"auth", auth_kind()}};
  for (const auto& entry : groups) {
    const char* group = entry.first;
    const Kind kind = entry.second;
    out.push_back(verb(group, "enable", "mount one at a path", enable_flags,
                       [kind](Session& s, const Arguments& a) { return enable(s, a, kind); }));
    out.push_back(verb(group, "list", "what is mounted", {},
                       [kind](Session& s, const Arguments&) { return list(s, kind); }));
    out.push_back(verb(group, "disable", "remove a mount and its data", {},
                       [kind](Session& s, const Arguments& a) { return disable(s, a, kind); }));
  }
  return out;
}

}  // namespace apm::cli
