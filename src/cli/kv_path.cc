#include "cli/kv_path.h"

#include "base/text.h"

namespace apm::cli {
namespace {

std::string without_slashes(std::string_view text) {
  while (text.starts_with('/')) text.remove_prefix(1);
  while (text.ends_with('/')) text.remove_suffix(1);
  return std::string(text);
}

Error usage(std::string text) { return Error(Code::kInvalidArgument, "usage", std::move(text)); }

// What the preflight says; a server without it is one without versions.
Result<KvPath> from_answer(const client::Answer& answer, const std::string& full) {
  if (answer.status == 404) return KvPath{"", full, false};
  if (!answer.success()) {
    std::string text =
        concat("asking which mount ", full, " belongs to: the server answered ", answer.status);
    for (const std::string& one : answer.errors()) text += concat("\n  * ", trim(one));
    return Error(Code::kUnavailable, "preflight", std::move(text));
  }
  const std::string* mount = answer.data() == nullptr ? nullptr : answer.data()->string_at("path");
  if (mount == nullptr || !(full + "/").starts_with(*mount)) {
    return Error(Code::kUnavailable, "preflight",
                 "the server's answer does not say which mount " + full + " belongs to");
  }
  const json::Value* options = answer.data()->at("options");
  const std::string* version = options == nullptr ? nullptr : options->string_at("version");
  KvPath found{*mount, "", version != nullptr && *version == "2"};
  if (full.size() > mount->size()) found.path = full.substr(mount->size());
  return found;
}

}  // namespace

Result<KvPath> find_kv_path(Session& session, const Arguments& args) {
  const std::string mount = without_slashes(args.get("mount"));
  if (args.positional().empty() && mount.empty()) return usage("give a path");
  const std::string word =
      args.positional().empty() ? "" : without_slashes(args.positional().front());
  std::string full = mount;
  if (!mount.empty() && !word.empty()) full += '/';
  full += word;
  if (full.empty()) return usage("give a path");
  APM_TRY(const client::Answer answer, session.call("GET", "sys/internal/ui/mounts/" + full));
  return from_answer(answer, full);
}

Result<KvPath> find_kv_secret(Session& session, const Arguments& args) {
  if (args.positional().empty()) return usage("give a secret's path");
  APM_TRY(KvPath found, find_kv_path(session, args));
  if (found.path.empty()) return usage("give a secret's path below the mount " + found.mount);
  return found;
}

Result<KvPath> find_versioned_secret(Session& session, const Arguments& args) {
  APM_TRY(KvPath found, find_kv_secret(session, args));
  if (!found.versioned) {
    return usage(concat(found.mount.empty() ? "the mount" : found.mount,
                        " is kv version 1, which has no versions and no metadata"));
  }
  return found;
}

}  // namespace apm::cli
